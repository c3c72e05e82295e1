"""Rows of sparse tables, pushed into one another."""

from hypothesis import given
from hypothesis import strategies as st

from krsi.compiler.comb import comb

COLUMNS = 40


@given(st.lists(st.sets(st.integers(0, COLUMNS - 1)).map(sorted), max_size=12))
def test_every_cell_has_its_place(rows: list[list[int]]) -> None:
    """
    A row's cell for a column is at its base and the column, and no two want the same place.
    """
    woven = comb(rows, COLUMNS)

    assert len(woven.cells) == sum(map(len, rows))
    for row, columns in enumerate(rows):
        assert [woven.cells[woven.bases[row] + column] for column in columns] == [(row, column) for column in columns]
    assert all(base + COLUMNS <= max(woven.length, COLUMNS) for base in woven.bases)


def test_rows_share_their_room() -> None:
    """
    Rows that have something in other columns lie in one another.
    """
    woven = comb([[0, 2, 4], [1, 3, 5], [6]], 7)

    assert woven.length == 7


def test_no_rows() -> None:
    """
    Nothing takes the room of one empty row.
    """
    assert comb([], 5).length == 5
