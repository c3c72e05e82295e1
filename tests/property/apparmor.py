"""
AppArmor's own compiler as a judge: patterns -> binary policy -> the automata in it.

The format is the kernel's: security/apparmor/policy_unpack.c and match.c, Documentation of flex's tables.
"""

import re
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PARSER = Path("/sbin/apparmor_parser")
COMMAND = [str(PARSER), "-QKSq", "-M", "/etc/apparmor.d/abi/3.0", "-O", "no-expr-simplify"]
"""Simplification never ends for ``/{/a,{,},{,}}`` (3.0.8)."""
MAGIC = bytes.fromhex("1b5e783d")
ACCEPT, BASE, CHECK, DEFAULT, CLASSES, NEXT = 1, 2, 3, 4, 5, 8  # YYTD_ID_*
DIFFERENTIAL = 1 << 31  # MATCH_FLAG_DIFF_ENCODE of a base
MAY_READ = 4  # AA_MAY_READ

POLICIES = Path("/etc/apparmor.d")
TUNABLE = re.compile(r"\s*@\{(\w+)\}\s*\+?=\s*(.*)")
FILE_RULE = re.compile(
    r'\s*(?:(?:owner|deny|audit|allow|file)\s+)*("[^"]+"|[@/{]\S*)\s+(?:->\s+)?[rwalkmixpuPCUc]+\s*(?:->.*)?,'
)

SIZES = {0: "<B", 1: "<H", 2: "<I", 3: "<Q"}
NAME, STRING, BLOB, STRUCT, STRUCT_END, ARRAY = 4, 5, 6, 7, 8, 11


class RefusedError(Exception):
    """AppArmor does not take the policy."""


@dataclass(frozen=True, slots=True)
class Dfa:
    """An automaton as the kernel runs it; state 1 is the start, 0 is dead."""

    tables: Mapping[int, Sequence[int]]

    def step(self, state: int, byte: int) -> int:
        column = self.tables[CLASSES][byte] if CLASSES in self.tables else byte
        while True:
            base = self.tables[BASE][state]
            place = (base & 0xFFFFFF) + column
            if self.tables[CHECK][place] == state:
                return self.tables[NEXT][place]
            state = self.tables[DEFAULT][state]
            if not base & DIFFERENTIAL:
                return state

    def accepts(self, state: int) -> bool:
        return bool(self.tables[ACCEPT][state] & MAY_READ)

    def matches(self, path: bytes) -> bool:
        state = 1
        for byte in path:
            state = self.step(state, byte)
        return self.accepts(state)


def compiled(patterns: Sequence[str], variables: Mapping[str, Sequence[str]]) -> list[Dfa]:
    """
    Return the automaton of each pattern, in a profile of its own.

    :raises RefusedError: one is refused
    """
    lines = [f"@{{{name}}} = {' '.join(map(_quoted, values))}" for name, values in variables.items()]
    lines += [f"profile p{number} {{ {_quoted(pattern)} r, }}" for number, pattern in enumerate(patterns)]
    run = subprocess.run(COMMAND, input="\n".join([*lines, ""]).encode(), capture_output=True, check=False, timeout=60)
    if run.returncode or b"rror" in run.stderr:
        raise RefusedError(run.stderr.decode(errors="replace").strip())
    found = dict(_automata(run.stdout))
    return [found[f"p{number}"] for number in range(len(patterns))]


def tunables() -> dict[str, list[str]]:
    """Return the variables of AppArmor's own policies."""
    found: dict[str, list[str]] = {}
    for line in _lines(POLICIES / "tunables"):
        if match := TUNABLE.match(line.partition(" #")[0]):
            values = re.findall(r'"[^"]*"|\S+', match[2])
            found.setdefault(match[1], []).extend(value.strip('"') for value in values)
    return found


def shipped() -> list[str]:
    """Return the patterns of AppArmor's own file rules."""
    return sorted({match[1].strip('"') for line in _lines(POLICIES) if (match := FILE_RULE.match(line))})


def _lines(folder: Path) -> Iterator[str]:
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield from file.read_text(errors="replace").splitlines()


def _quoted(text: str) -> str:
    """Write *text* so that the lexer hands it on as it is; it cannot tell an escaped backslash before the end quote."""
    return '"' + re.sub(r'\\\\|\\?"', lambda match: r"\x5c" if match.group() == r"\\" else r"\"", text) + '"'


def _automata(policy: bytes) -> Iterator[tuple[str, Dfa]]:
    name, profile, depth = "", "", 0
    for code, value in _items(policy):
        depth += (code == STRUCT) - (code == STRUCT_END)
        if code == STRING and name == "profile":
            profile = value.rstrip(b"\0").decode()
        elif code == BLOB and name == "aadfa" and depth == 1:  # deeper is what is not about files
            yield profile, _dfa(value)
        name = value.rstrip(b"\0").decode() if code == NAME else name if code == STRUCT else ""


def _items(policy: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(policy):
        code, at = policy[at], at + 1
        if code in SIZES:
            length = struct.calcsize(SIZES[code])
        elif code in {NAME, STRING}:
            length, at = struct.unpack_from("<H", policy, at)[0], at + 2
        elif code == BLOB:
            length, at = struct.unpack_from("<I", policy, at)[0], at + 4
        else:
            length = 2 if code == ARRAY else 0
        yield code, policy[at : at + length]
        at += length


def _dfa(blob: bytes) -> Dfa:
    start = blob.index(MAGIC)
    header, size = struct.unpack_from(">4xII", blob, start)
    at, tables = start + header, {}
    while at < start + size:
        number, width, length = struct.unpack_from(">HH4xI", blob, at)
        tables[number] = struct.unpack_from(f">{length}{'?BH?I'[width]}", blob, at + 12)
        at += (12 + length * width + 7) & ~7
    return Dfa(tables)
