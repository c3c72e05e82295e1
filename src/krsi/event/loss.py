"""Which records are missing: the kernel numbers each record it tells or would have told, so a gap is a loss."""

from collections.abc import Iterable
from dataclasses import dataclass, field

PATIENCE_S = 1.0
"""A record takes its number and its place in the ring one after the other, so one that comes late is no loss yet."""


@dataclass(slots=True)
class Sequence:
    """
    The numbers that have been seen.

    :ivar expected: all below it have come or been called lost
    """

    expected: int = 0
    _ahead: set[int] = field(default_factory=set)
    _stuck: tuple[int, float] = (-1, 0.0)

    def seen(self, numbers: Iterable[int]) -> None:
        """Note numbers of records that came, in any order."""
        self._ahead.update(number for number in numbers if number >= self.expected)
        self._advance()

    def lost(self, told: int, now_s: float) -> tuple[int, int] | None:
        """
        Return the first gap that has stood for PATIENCE_S, as first and last number, and look behind it from then on.

        :param told: how many the kernel has numbered
        :param now_s: of a monotonic clock
        """
        if self.expected >= told:
            return None
        if self._stuck[0] != self.expected:
            self._stuck = (self.expected, now_s)
        if now_s - self._stuck[1] < PATIENCE_S:
            return None
        gap = (self.expected, min(self._ahead, default=told) - 1)
        self.expected = gap[1] + 1
        self._advance()
        return gap

    def _advance(self) -> None:
        while self.expected in self._ahead:
            self._ahead.remove(self.expected)
            self.expected += 1
