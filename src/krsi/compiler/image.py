"""
Tables -> the one map value that the kernel decides by, and the same decision read from it.

The layout is ``struct krsi_image`` in bpf/lsm/krsi.h: cells of the automaton, records, domains, entries, the comb of
records, and behind a power of two of words the header. Places are distances from the beginning in bytes.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from krsi.abi import Abi
from krsi.compiler.comb import Comb, comb
from krsi.compiler.lower import Candidate, Tables
from krsi.compiler.records import Record
from krsi.errors import CompileError
from krsi.policy.model import EXEC, MATCHED, MOUNT, NAMING, UNCONFINED, Mode, Policy

WORD = 8
MAX_BYTES = 1 << 28
_CELL = struct.Struct("<II")
_NOBODY = 0xFFFFFFFF  # an owner that is neither a state nor a domain


@dataclass(frozen=True, slots=True)
class Image:
    """
    A compiled policy.

    :param data: the map value, header and all
    :param words: 64-bit words before the header, a power of two
    :param used: bytes of them that mean something
    :param domains: names by number; number 0 is ``unconfined``
    :param generation: in events, so that the policy can be asked that answered
    """

    data: bytes
    words: int
    used: int
    generation: int
    domains: Sequence[str]
    classes: int
    states: int

    def resized(self, words: int) -> "Image":
        """Return the same image with room for so many words, a power of two that its content fits in."""
        content, header = self.data[: self.used], self.data[self.words * WORD :]
        return replace(self, data=content.ljust(words * WORD, b"\0") + header, words=words)

    def number(self, profile: str) -> int:
        """Return the number of a profile's domain."""
        return self.domains.index(profile)


def numbered(policy: Policy, before: Sequence[str] = (UNCONFINED,)) -> tuple[str, ...]:
    """Return the names of *policy*'s domains by number. Those that were there *before* keep theirs."""
    return (*before, *sorted(frozenset(policy.profiles) - frozenset(before)))


class _Layout:
    """Takes parts one behind the other."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0

    def add(self, part: bytes) -> int:
        place = self.size
        padded = part + bytes(-len(part) % WORD)
        self.parts.append(padded)
        self.size += len(padded)
        return place


def build(tables: Tables, policy: Policy, abi: Abi, domains: Sequence[str], generation: int) -> Image:
    """
    Lay *tables* out.

    :raises CompileError: they are too large for an image
    """
    layout = _Layout()
    layout.add(tables.automaton.cells)
    packer = _Packer(abi, layout, domains)
    entries = {number: packer.entries(chosen) for number, chosen in tables.candidates.items()}
    rows = [packer.unconfined(entries), *(packer.row(tables, name) for name in domains[1:])]
    woven = comb([sorted(row) for row in rows], tables.classes)
    records = layout.add(_cells(woven, rows))
    heads = [packer.domain(tables, policy, name, records + WORD * woven.bases[i]) for i, name in enumerate(domains)]
    header = {
        "generation": generation,
        "start": tables.automaton.start,
        "domains": layout.add(b"".join(heads)),
        "unresolved": packer.unresolved(),
    }
    words = 1 << max(layout.size // WORD - 1, 511).bit_length()
    if words * WORD > MAX_BYTES:
        size = f"{layout.size >> 20} MiB, more than {MAX_BYTES >> 20}"
        raise CompileError(f"the policy compiles to {size}: give fewer rules")
    content = b"".join(layout.parts).ljust(words * WORD, b"\0")
    data = content + abi.pack("image", header)
    return Image(data, words, layout.size, generation, tuple(domains), tables.classes, tables.automaton.states)


class _Packer:
    """Packs the structs of an image; equal records are one."""

    def __init__(self, abi: Abi, layout: _Layout, domains: Sequence[str]) -> None:
        self._abi = abi
        self._layout = layout
        self._numbers = {name: number for number, name in enumerate(domains)}
        self._known: dict[bytes, int] = {}
        self._all = sum(abi.enum("access").values.values())

    def entries(self, candidates: Sequence[Candidate]) -> int:
        flags = self._abi.enum("candidate").values
        last = len(candidates) - 1
        packed = (
            self._abi.pack(
                "entry",
                {
                    "domain": self._numbers[candidate.profile],
                    "uid": candidate.uid or 0,
                    "flags": flags["any_uid"] * (candidate.uid is None) | flags["last"] * (place == last),
                },
            )
            for place, candidate in enumerate(candidates)
        )
        return self._layout.add(b"".join(packed))

    def unconfined(self, entries: Mapping[int, int]) -> dict[int, int]:
        """Return the records of domain 0 by class: all is allowed, and a profile may be entered."""
        return {number: self._record(self._free(), entry) for number, entry in entries.items()}

    def row(self, tables: Tables, name: str) -> dict[int, int]:
        """Return the places of a profile's records by class."""
        return {number: self._record(record) for number, record in tables.records.get(name, {}).items()}

    def unresolved(self) -> int:
        """Return the place of the record for objects without a path: nothing is allowed, all is told."""
        return self._record(Record((0, 0), (0, 0), (self._all, self._all)))

    def domain(self, tables: Tables, policy: Policy, name: str, records: int) -> bytes:
        profile = policy.profiles.get(name)
        mediated = tables.mediated.get(name, 0)
        mount = self._abi.number("access", MOUNT)
        mode = profile.mode if profile and profile.mode is not Mode.OFF else Mode.ENFORCE
        return self._abi.pack(
            "domain",
            {
                "records": records,
                "fallback": self._record(tables.fallback.get(name, self._free())),
                "mediated": mediated,
                "system": mount & ~mediated,
                "mode": self._abi.number("mode", mode),
            },
        )

    def _free(self) -> Record:
        """Return the record of who is not confined, or by a profile that is off: such a task stays what it is."""
        return Record((self._all, self._all), (0, 0), (0, 0))

    def _record(self, record: Record, entry: int = 0) -> int:
        packed = self._abi.pack(
            "record",
            {
                "quiet": record.quiet & self._all,
                "allow": record.allow,
                "kill": record.kill,
                "log": record.log,
                "next": self._next(record.next),
                "entry": entry,
            },
        )
        if packed not in self._known:
            self._known[packed] = self._layout.add(packed)
        return self._known[packed]

    def _next(self, word: str | None) -> int:
        if word is None or word == MATCHED:
            return self._abi.number("exec", "keep" if word is None else "matched")
        return self._numbers[word]


def _cells(woven: Comb, rows: Sequence[Mapping[int, int]]) -> bytes:
    cells = bytearray(_CELL.pack(_NOBODY, 0) * woven.length)
    for place, (row, column) in woven.cells.items():
        _CELL.pack_into(cells, place * _CELL.size, row, rows[row][column])
    return bytes(cells)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an image says: masks of accesses, as the kernel's ``struct decision``."""

    refused: int
    killed: int
    logged: int
    launders: bool = False


class Reader:
    """Asks an image as the kernel does, without a kernel."""

    def __init__(self, image: Image, abi: Abi) -> None:
        self._image = image
        self._abi = abi
        self._header = abi.unpack("image", image.data, image.words * WORD)
        self._exec = abi.number("access", EXEC)
        self._naming = sum(abi.number("access", access) for access in NAMING)

    def state(self, path: bytes) -> int:
        """Return the automaton's state after *path*."""
        state = int(self._header["start"])
        stays = self._abi.number("mark", "stays")
        for byte in path:
            owner, to = self._cell(state + WORD * byte)
            state = (to if owner == state else self._cell(state)[1]) & ~stays
        return state

    def path_class(self, path: bytes) -> int:
        """Return the class of *path*."""
        return self._cell(self.state(path))[0] // WORD

    def ask(self, domain: int, access: int, path: bytes | None, *, owner: bool) -> Answer:
        """Return what *domain* is told about *access* to *path*, None for an object without a path."""
        record = self._unpacked(self._header["unresolved"]) if path is None else self._record(domain, path)
        access &= self._head(domain)["mediated"]
        return Answer(access & ~record["allow"][owner], access & record["kill"][owner], access & record["log"][owner])

    def ask_move(self, domain: int, access: int, old: bytes, new: bytes, *, owner: bool) -> Answer:
        """Return what *domain* is told about giving the object at *old* the name *new*, as ``decide_move()`` does."""
        here, there = (self.ask(domain, access, path, owner=owner) for path in (old, new))
        both = Answer(here.refused | there.refused, here.killed | there.killed, here.logged | there.logged)
        is_asked = access & self._head(domain)["mediated"]
        if both.refused or not is_asked or not self._launders(domain, old, new, owner=owner):
            return both
        return Answer(access, 0, access, launders=True)

    def _launders(self, domain: int, old: bytes, new: bytes, *, owner: bool) -> bool:
        is_folder = old.endswith(b"/")
        if is_folder != new.endswith(b"/") or (is_folder and self.state(old) != self.state(new)):
            return True
        before, after = self._record(domain, old), self._record(domain, new)
        gained = after["allow"][owner] & ~before["allow"][owner] & ~self._naming
        runs_as_another = after["allow"][owner] & self._exec and before["next"] != after["next"]
        return bool(gained or runs_as_another)

    def enters(self, domain: int, path: bytes, uid: int) -> int | None:
        """Return the domain that an exec of *path* leads to; None if the policy wants one and none matches."""
        word = self._record(domain, path)["next"] if domain else None
        if word == self._abi.number("exec", "keep"):
            return domain
        if domain and word != self._abi.number("exec", "matched"):
            return int(word or 0)
        found = self._matched(path, uid)
        return 0 if found is None and not domain else found

    def _matched(self, path: bytes, uid: int) -> int | None:
        place = self._record(0, path)["entry"]
        flags = self._abi.enum("candidate").values
        while place:
            entry = self._abi.unpack("entry", self._image.data, place)
            if entry["flags"] & flags["any_uid"] or entry["uid"] == uid:
                return int(entry["domain"])
            place = 0 if entry["flags"] & flags["last"] else place + self._abi.size("entry")
        return None

    def _head(self, domain: int) -> dict[str, int]:
        return self._abi.unpack("domain", self._image.data, self._header["domains"] + domain * self._abi.size("domain"))

    def _record(self, domain: int, path: bytes) -> dict[str, Any]:
        head = self._head(domain)
        owner, place = self._cell(head["records"] + WORD * self.path_class(path))
        return self._unpacked(place if owner == domain else head["fallback"])

    def _unpacked(self, place: int) -> dict[str, Any]:
        return self._abi.unpack("record", self._image.data, place)

    def _cell(self, place: int) -> tuple[int, int]:
        owner, to = _CELL.unpack_from(self._image.data, place)
        return owner, to
