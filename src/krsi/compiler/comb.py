"""Rows of sparse tables, pushed into one another: row r's cell for column c is at base[r] + c and says whose it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SEARCH = 4096  # bases that are tried before a row goes behind all others


@dataclass(frozen=True, slots=True)
class Comb:
    """
    Rows in one another.

    :param bases: of each row
    :param cells: place -> (row, column)
    :param length: so that every column of every row lies inside
    """

    bases: Sequence[int]
    cells: Mapping[int, tuple[int, int]]
    length: int


def comb(rows: Sequence[Sequence[int]], columns: int) -> Comb:
    """Place *rows*, each the columns in which it has something; columns are below *columns*."""
    taken = 0  # a bit for each place
    bases = [0] * len(rows)
    cells: dict[int, tuple[int, int]] = {}
    for row in sorted(range(len(rows)), key=lambda row: len(rows[row]), reverse=True):
        shape = sum(1 << column for column in rows[row])
        base = _fit(taken, shape)
        bases[row] = base
        taken |= shape << base
        cells.update((base + column, (row, column)) for column in rows[row])
    return Comb(bases, cells, max(bases, default=0) + columns)


def _fit(taken: int, shape: int) -> int:
    for base in range(_SEARCH):
        if not (taken >> base) & shape:
            return base
    return taken.bit_length()
