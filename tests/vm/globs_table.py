"""The table in globs.tsv: patterns, and the paths that they are asked about."""

import re
from pathlib import Path

Rows = list[tuple[bytes, bool]]
TABLE = Path(__file__).with_name("globs.tsv")


def variables() -> dict[str, list[str]]:
    """Return the values of the table's variables."""
    return {name[1:]: values for name, *values in _lines() if name.startswith("=")}


def patterns() -> dict[str, Rows]:
    """Return, by pattern, paths and whether it matches them."""
    table: dict[str, Rows] = {}
    for pattern, *row in _lines():
        if not pattern.startswith("="):
            path, expected = row
            table.setdefault(pattern, []).append((_bytes(path), {"yes": True, "no": False}[expected]))
    return table


def _lines() -> list[list[str]]:
    return [line.split("\t") for line in TABLE.read_text().split("\n") if line and not line.startswith("#")]


def _bytes(path: str) -> bytes:
    return re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes.fromhex(match[1].decode()), path.encode())
