"""What goes to people: colour, columns, progress."""

import io

import pytest

from krsi.cli.terminal import ProgressLine, is_coloured, painted, table


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "NO_COLOR": "1"}, False)],
)
def test_colour_is_for_terminals(
    environment: dict[str, str], *, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A terminal gets colour unless its user wants none; a file never does.
    """
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert is_coloured(Terminal()) is expected
    assert not is_coloured(io.StringIO())
    assert painted("good", "ok", on=False) == "ok"
    assert painted("good", "ok", on=True) == "\033[32mok\033[0m"


def test_columns() -> None:
    """
    Words stand to the left, numbers to the right and with their thousands apart; nothing trails.
    """
    assert table([["a", 1234, ""], ["long", 5, "x"]], ["name", "count", "more"]) == (
        "name  count  more\na     1,234\nlong      5  x"
    )
    assert table([], ["name", "count"]) == "name  count"


@pytest.mark.parametrize(
    ("stream", "written"),
    [
        (Terminal, "\r\033[Kone: 1 of about 1,000\r\033[Kone: 2 of about 1,000\r\033[Ktwo: 1 of about 9\r\033[K"),
        (io.StringIO, "one ...\ntwo ...\n"),
    ],
)
def test_progress(stream: type[io.StringIO], written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    On a terminal one line is written over and taken away, in a log there is a line for each phase.
    """
    out = stream()
    monkeypatch.setattr("sys.stderr", out)
    progress = ProgressLine(after_s=0)
    for done, total, phase in [(1, 1000, "one"), (2, 1000, "one"), (1, 9, "two")]:
        progress(done, total, phase)
    progress.close()
    progress.close()

    assert out.getvalue() == written


def test_what_is_done_at_once_has_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Nothing is shown of work that takes no time.
    """
    out = Terminal()
    monkeypatch.setattr("sys.stderr", out)
    progress = ProgressLine()
    progress(1, 2, "one")
    progress.close()

    assert out.getvalue() == ""
