"""What is said about a policy, collected: all of it, in the order of the places."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import NamedTuple

from krsi.errors import PolicyError
from krsi.policy.faults import Fault, Severity
from krsi.policy.place import Span
from krsi.policy.render import Note, plural, rendered, shown

MAX_KEPT = 1_000
"""Diagnostics kept of one run; more are counted. Nobody reads them, and a hostile file makes a million."""

_OWN = {"known", "form", "right"}  # values that are our words, and so are neither cut nor escaped
_MAX_SPELLED = 100  # characters; longer words get no spelling hint
_MAX_SEEN = 2_000  # candidates looked at
_MAX_NEAR = 200  # of them compared in full


class At(NamedTuple):
    """A key path, from the end: written out only when somebody has to be told."""

    parent: "At | None"
    part: str | int

    def __str__(self) -> str:
        parts: list[str] = []
        at: At | None = self
        while at:
            parts.append(f"[{at.part}]" if isinstance(at.part, int) else f".{at.part}")
            at = at.parent
        return "".join(reversed(parts)).removeprefix(".")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """
    One thing that is wrong with a policy.

    :param path: where in the policy, as keys: ``nginx.files[3].path``; lists count from 0; empty outside of items
    :param related: other places that have to do with it, each with what it is
    """

    fault: Fault
    span: Span
    message: str
    path: str = ""
    hint: str = ""
    related: tuple[tuple[Span, str], ...] = ()

    def notes(self) -> list[Note]:
        """Return what is shown: the thing itself, then the other places."""
        message = f"{self.path}: {self.message}" if self.path else self.message
        first = Note(str(self.fault.severity), self.span, message, self.hint)
        return [first, *(Note("note", span, text) for span, text in self.related)]


class Report:
    """
    Takes diagnostics from everybody who reads a policy.

    :ivar sources: the text of each file that was read, in the order in which they are shown
    :ivar incomplete: some of the policy could not be read, so that nothing can be called undefined
    """

    def __init__(self) -> None:
        self.sources: dict[str, str] = {}
        self.incomplete = False
        self.counts = dict.fromkeys(Severity, 0)
        self._kept: list[Diagnostic] = []

    def add(
        self,
        fault: Fault,
        span: Span,
        at: At | None = None,
        *,
        near: Iterable[str] = (),
        related: Iterable[tuple[Span, str]] = (),
        **values: object,
    ) -> None:
        """
        Note *fault*, its template filled with *values*.

        :param near: what the value ``word`` could have been meant to be; the nearest replaces the hint
        """
        self.counts[fault.severity] += 1
        if len(self._kept) == MAX_KEPT:
            return
        texts = {name: str(value) if name in _OWN else shown(str(value)) for name, value in values.items()}
        spelling = nearest(str(values["word"]), near) if "word" in values else None
        hint = f"did you mean '{shown(spelling)}'?" if spelling else fault.hint.format(**texts)
        path = shown(str(at)) if at else ""
        self._kept.append(Diagnostic(fault, span, fault.message.format(**texts), path, hint, tuple(related)))

    @property
    def failed(self) -> bool:
        """Whether the policy must not be loaded."""
        return self.incomplete or self.counts[Severity.ERROR] > 0

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """What was kept, sorted by place: files in the order of ``sources``, others before them."""
        order = {file: number for number, file in enumerate(self.sources)}
        return sorted(self._kept, key=lambda each: (order.get(each.span.file, -1), each.span.line, each.span.column))

    def text(self, *, colour: bool = False) -> str:
        """Return all diagnostics as shown to people, and how many they are; nothing if there are none."""
        if not self._kept:
            return ""
        notes = [note for diagnostic in self.diagnostics for note in diagnostic.notes()]
        return rendered(notes, self.sources, colour=colour) + "\n" + self._summary()

    def _summary(self) -> str:
        counted = ", ".join(plural(number, str(severity)) for severity, number in self.counts.items() if number)
        hidden = sum(self.counts.values()) - len(self._kept)
        return f"{counted}, the first {MAX_KEPT:,} found are shown" if hidden else counted


class RefusedError(PolicyError):
    """The policy has errors. ``report`` has them, and can show them in colour."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.text())
        self.report = report


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return which of *candidates* is meant by the misspelt *word*, None if none is near enough."""
    low = word.lower()
    if not 0 < len(low) <= _MAX_SPELLED:
        return None
    like = ((each.lower(), each) for each in islice(candidates, _MAX_SEEN) if _like(low, each))
    spelt = dict(islice(like, _MAX_NEAR))
    found = get_close_matches(low, spelt, n=1, cutoff=0.66)
    return spelt[found[0]] if found else None


def _like(word: str, other: str) -> bool:
    """A quick look, so that a thousand misspelt names among ten thousand do not take minutes."""
    other = other.lower()
    return abs(len(word) - len(other)) <= 3 and (word[:1] == other[:1] or word[-1:] == other[-1:])
