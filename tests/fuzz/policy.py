"""
Mutates the golden policies for a while; what the reader raises besides its errors, or ponders for too long, is a find.

    python tests/fuzz/policy.py [SECONDS [SEED]]
"""

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from krsi.policy.diagnostics import RefusedError
from krsi.policy.load import understand
from krsi.policy.words import ACCESS_SETS, CASE, EXEC_RULE, FILES_RULE, ITEMS, MATCH

GOLDEN = Path(__file__).parent.parent / "golden"
SIGNS = [
    "- ",
    ": ",
    ", ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "!",
    "<<: ",
    "|\n",
    ">\n",
    "'",
    '"',
    "\\",
    "#",
    "\n",
    "  ",
    "\t",
    "---\n",
    "? ",
]
GLOBS = [
    "@{V}",
    "@{",
    "/**",
    "[a-z]",
    "[^",
    "{a,b}",
    "{",
    "\\x41",
    "\\",
    "?",
    "*",
    "//",
    "\\0",
    "é",
    "\u202e",
    "\0",
    "\ufeff",
]
TABLES = (*ITEMS.values(), MATCH, FILES_RULE, EXEC_RULE, CASE)
WORDS = [str(word) for table in TABLES for word in (*table.keys, *table.either)] + [
    *ACCESS_SETS,
    "true",
    "matched",
    "0x10",
]
DICTIONARY = [text.encode() for text in (*SIGNS, *GLOBS, *WORDS)]
SLOW = 5.0  # seconds; the whole corpus is small


def main(seconds: float = 60.0, seed: int = 0) -> int:
    rng = random.Random(seed)
    corpus = [path.read_bytes() for path in sorted(GOLDEN.rglob("*.y*ml")) if path.stat().st_size < 20_000]
    end, tried, accepted = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        data = mutated(rng, corpus)
        begun = time.process_time()
        try:
            understand([("fuzz.yaml", data)])
            accepted += 1
        except RefusedError as error:
            str(error)
        except BaseException:
            sys.stdout.write(f"seed {seed}, after {tried}: {data!r}\n")
            raise
        tried += 1
        if (taken := time.process_time() - begun) > SLOW:
            sys.stdout.write(f"seed {seed}, after {tried}: {taken:.1f} s for {data!r}\n")
            return 1
    sys.stdout.write(f"{tried} tried, {accepted} accepted\n")
    return 0


def mutated(rng: random.Random, corpus: list[bytes]) -> bytes:
    data = rng.choice(corpus)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        data = rng.choice(MUTATIONS)(rng, data, corpus)
    return data


def _insert(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.choice(DICTIONARY) + data[at:]


def _replace(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.choice(DICTIONARY) + data[at + rng.randint(0, 8) :]


def _delete(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + data[at + rng.randint(1, 30) :]


def _flip(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _repeat(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    at, end = sorted((rng.randint(0, len(data)), rng.randint(0, len(data))))
    return data[:end] + data[at:end][:500] * rng.choice((1, 2, 40)) + data[end:]


def _splice(rng: random.Random, data: bytes, corpus: list[bytes]) -> bytes:
    """Join whole lines of two policies, so that something like a policy comes out."""
    other = rng.choice(corpus).split(b"\n")
    lines = data.split(b"\n")
    return b"\n".join(lines[: rng.randint(0, len(lines))] + other[rng.randint(0, len(other)) :])


MUTATIONS: list[Callable[[random.Random, bytes, list[bytes]], bytes]] = [
    _insert,
    _replace,
    _delete,
    _flip,
    _repeat,
    _splice,
]

if __name__ == "__main__":
    sys.exit(main(*(kind(text) for kind, text in zip((float, int), sys.argv[1:], strict=False))))
