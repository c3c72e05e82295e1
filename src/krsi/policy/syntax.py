"""What libyaml says of a text that is not YAML, said so that the author knows what to write instead."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from krsi.policy.diagnostics import Report
from krsi.policy.faults import Fault
from krsi.policy.place import Span

Place = tuple[int, int]
"""Line and column as libyaml counts them, from 0."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """
    What libyaml says, in its words.

    :param context: what it was at, and ``began`` where it began that
    :param inside: where the innermost list or mapping begins that is not ended
    """

    file: str
    lines: Sequence[str]
    problem: str
    context: str
    place: Place
    began: Place
    inside: Place | None

    def span(self, place: Place, length: int = 1) -> Span:
        """Return *place* as a span."""
        return Span(self.file, place[0] + 1, place[1] + 1, max(1, length))

    def line(self, place: Place) -> str:
        """Return the line of *place*; libyaml puts the end of a file on a line of its own."""
        return self.lines[place[0]] if place[0] < len(self.lines) else ""

    def sign(self, place: Place) -> str:
        """Return the character at *place*, nothing at the end of a line."""
        return self.line(place)[place[1] : place[1] + 1]

    @property
    def before(self) -> str:
        """What stands in the line before the place."""
        return self.line(self.place)[: self.place[1]]


def explain(trouble: Trouble, report: Report) -> None:
    """Add to *report* what is the matter."""
    said = f"{trouble.context}: {trouble.problem}"
    for words, say in _SAYINGS.items():
        if words in said:
            say(trouble, report)
            return
    report.add(Fault.NOT_YAML, trouble.span(trouble.place), problem=trouble.problem)


def _tab(trouble: Trouble, report: Report) -> None:
    report.add(Fault.TAB, trouble.span(trouble.place))


def _tag(trouble: Trouble, report: Report) -> None:
    report.add(Fault.TAG, trouble.span(trouble.began))


def _escape(trouble: Trouble, report: Report) -> None:
    report.add(Fault.ESCAPE, trouble.span(trouble.place, 2))


def _no_colon(trouble: Trouble, report: Report) -> None:
    report.add(Fault.NO_COLON, trouble.span(trouble.began, len(trouble.line(trouble.began)) - trouble.began[1]))


def _alias(trouble: Trouble, report: Report) -> None:
    _unquoted(trouble, report, trouble.began)


def _unclosed(trouble: Trouble, report: Report) -> None:
    report.add(Fault.UNCLOSED, trouble.span(trouble.began), sign=trouble.sign(trouble.began))


def _start(trouble: Trouble, report: Report) -> None:
    if trouble.sign(trouble.place) == "\t":
        _tab(trouble, report)
    else:
        _unquoted(trouble, report, trouble.place)


def _colon(trouble: Trouble, report: Report) -> None:
    if ":" in trouble.before:
        report.add(Fault.SECOND_COLON, trouble.span(trouble.place))
    else:
        report.add(Fault.INDENTED, trouble.span((trouble.place[0], _indent(trouble.before))))


def _content(trouble: Trouble, report: Report) -> None:
    if trouble.inside and not trouble.line(trouble.place):
        sign = trouble.sign(trouble.inside)
        report.add(Fault.UNCLOSED, trouble.span(trouble.inside), sign=sign)
    else:
        report.add(Fault.NO_CONTENT, trouble.span(trouble.place))


def _block(trouble: Trouble, report: Report) -> None:
    if trouble.before[-1:] in {"}", "]"}:
        _unquoted(trouble, report, trouble.place)
    elif trouble.before[-1:] in {"'", '"'}:
        report.add(Fault.BEHIND_QUOTES, trouble.span(trouble.place))
    else:
        related = [(trouble.span(trouble.began), "the lines that it could belong to begin here")]
        report.add(Fault.INDENTED, trouble.span(trouble.place), related=related)


def _flow(trouble: Trouble, report: Report) -> None:
    """Inside of brackets something else follows than a comma or the closing bracket."""
    sign, last = trouble.sign(trouble.place), trouble.before[-1:]
    if sign in {"{", "["} and last not in {"", " "}:
        _unquoted(trouble, report, trouble.place)
    elif sign == ":":
        report.add(Fault.SECOND_COLON, trouble.span(trouble.place))
    elif last in {"'", '"'}:
        report.add(Fault.BEHIND_QUOTES, trouble.span(trouble.place))
    else:
        _unclosed(trouble, report)


def _unquoted(trouble: Trouble, report: Report, place: Place) -> None:
    """Say what needs quotes: the text around *place*, where something means more to YAML than to a pattern."""
    line = trouble.line(place)
    start, end = _word(_ESCAPED.sub("__", line), place[1])
    word = line[start:end]
    quoted = f"'{word}'" if "\\" in word else f'"{word}"'
    sign = next((char for char in line[place[1] : end] + word if char in "{[*&@`%"), word[:1])
    report.add(Fault.UNQUOTED, trouble.span((place[0], start), end - start), word=word, sign=sign, quoted=quoted)


_ESCAPED = re.compile(r"\\.")


def _word(line: str, at: int) -> tuple[int, int]:
    """Return where the text around *at* begins and ends; braces and brackets in it are its own."""
    start = at - _reach(line[:at][::-1], "}]", "{[")
    return start, at + max(1, _reach(line[at:], "{[", "}]"))


def _reach(text: str, opening: str, closing: str) -> int:
    depth = 0
    for count, char in enumerate(text):
        depth += (char in opening) - (char in closing)
        if depth < 0 or (depth == 0 and (char.isspace() or char == ",")):
            return count
    return len(text)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


# What libyaml 0.2 says, by a part of it (src/scanner.c, src/parser.c); what is not here is shown as it is.
_SAYINGS: dict[str, Callable[[Trouble, Report], None]] = {
    "tab character": _tab,
    "cannot start any token": _start,
    "scanning an alias": _alias,
    "scanning an anchor": _alias,
    "a tag": _tag,
    "undefined tag handle": _tag,
    "expected ',' or": _flow,
    "did not find expected key": _block,
    "did not find expected '-' indicator": _block,
    "expected node content": _content,
    "mapping values are not allowed": _colon,
    "could not find expected ':'": _no_colon,
    "quoted scalar: found unexpected": _unclosed,
    "unknown escape character": _escape,
    "expected hexdecimal number": _escape,
}
