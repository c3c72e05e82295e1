"""Diagnostics as text: the place, its line, carets under what is meant."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from unicodedata import category, east_asian_width

from krsi.policy.place import Span, lines_of

_MAX_VALUE = 120  # characters of the author's words in a message
_WINDOW = 140  # characters of a line that are shown
_BEFORE = 60  # of them before what is meant
_TAB = 8

_RESET = "\033[0m"
_COLOURS = {
    "place": "\033[1m",
    "error": "\033[1;31m",
    "warning": "\033[1;35m",
    "note": "\033[1;36m",
    "hint": "\033[1;36m",
    "carets": "\033[1;32m",
}


@dataclass(frozen=True, slots=True)
class Note:
    """One place and what is said about it. ``kind`` is ``error``, ``warning`` or ``note``."""

    kind: str
    span: Span
    message: str
    hint: str = ""


def shown(text: str) -> str:
    """Return *text* fit for one line of a terminal: what is not printable escaped, what is long cut."""
    cut = text if len(text) <= _MAX_VALUE else text[: _MAX_VALUE - 1] + "…"
    return cut if cut.isprintable() else "".join(map(_escaped, cut))


def plural(number: int, noun: str, nouns: str = "") -> str:
    """Return ``1 error`` or ``1,234 errors``."""
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"


def rendered(notes: Iterable[Note], sources: Mapping[str, str], *, colour: bool = False) -> str:
    """
    Return *notes* with the lines of *sources* (text by file) that they speak of.

    :param colour: with the escape sequences of a terminal
    """

    @cache
    def lines(file: str) -> list[str]:
        return lines_of(sources[file]) if file in sources else []

    paint = _painted if colour else _plain
    return "\n".join(line for note in notes for line in _lines(note, lines(note.span.file), paint))


def _lines(note: Note, source: list[str], paint: Callable[[str, str], str]) -> Iterator[str]:
    place = "".join(map(_escaped, str(note.span)))
    yield f"{paint('place', f'{place}:')} {paint(note.kind, f'{note.kind}:')} {note.message}"
    if 0 < note.span.line <= len(source):
        line, indent, width = _excerpt(source[note.span.line - 1], note.span)
        yield line
        yield " " * indent + paint("carets", "^" * width)
    if note.hint:
        yield f"{paint('hint', 'hint:')} {note.hint}"


def _plain(_: str, text: str) -> str:
    return text


def _painted(kind: str, text: str) -> str:
    return f"{_COLOURS[kind]}{text}{_RESET}"


def _escaped(char: str) -> str:
    """Bytes of file names that are not UTF-8 come as lone surrogates (PEP 383)."""
    if char.isprintable():
        return char
    errors = "surrogateescape" if "\udc80" <= char <= "\udcff" else "backslashreplace"
    return "".join(f"\\x{byte:02x}" for byte in char.encode(errors=errors))


def _excerpt(line: str, span: Span) -> tuple[str, int, int]:
    """Return what is shown of *line*, and from which column of the terminal and how wide *span* stands in it."""
    first = min(span.column - 1, len(line))
    start = max(0, first - _BEFORE) if len(line) > _WINDOW else 0
    end = min(len(line), start + _WINDOW)
    text, columns = _laid_out(line[start:end])
    cut = "…" if start else ""
    left = columns[first - start]
    right = columns[min(first + span.length, end) - start]
    return cut + text + ("…" if end < len(line) else ""), len(cut) + left, max(1, right - left)


def _laid_out(text: str) -> tuple[str, list[int]]:
    """Return *text* as a terminal can show it, and the column of each of its characters and of its end."""
    cells: list[str] = []
    columns = [0]
    for char in text:
        at = columns[-1]
        cells.append(" " * (_TAB - at % _TAB) if char == "\t" else char if char.isprintable() else "\ufffd")
        columns.append(at + sum(map(_width, cells[-1])))
    return "".join(cells), columns


def _width(char: str) -> int:
    return 0 if category(char) in {"Mn", "Me"} else 2 if east_asian_width(char) in {"W", "F"} else 1
