"""Which records are missing: the kernel numbers each record it tells or would have told, so a gap is a loss."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

PATIENCE_S = 1.0
"""A record takes its number and its place in the ring one after the other, so one that comes late is no loss yet."""

Gap = tuple[int, int]
"""The first and the last of numbers that are missing."""


@dataclass(slots=True)
class Sequence:
    """
    The numbers that have been seen.

    :ivar expected: all below it have come or been called lost
    """

    expected: int = 0
    _ahead: set[int] = field(default_factory=set)
    _told: deque[tuple[float, int]] = field(default_factory=deque)

    def seen(self, numbers: Iterable[int]) -> None:
        """Note numbers of records that came, in any order."""
        self._ahead.update(number for number in numbers if number >= self.expected)
        while self.expected in self._ahead:
            self._ahead.remove(self.expected)
            self.expected += 1

    def lost(self, told: int, now_s: float, patience_s: float = PATIENCE_S) -> list[Gap]:
        """
        Return what has been missing for *patience_s*, and expect it no more.

        :param told: how many the kernel has numbered
        :param now_s: of a monotonic clock
        """
        if not self._told or self._told[-1][1] != told:
            self._told.append((now_s, told))
        settled = self.expected
        while self._told and now_s - self._told[0][0] >= patience_s:
            settled = self._told.popleft()[1]
        return list(self._gaps(settled))

    def _gaps(self, settled: int) -> Iterator[Gap]:
        """Go on to *settled*, a number that nothing below is waited for."""
        for number in (*sorted(each for each in self._ahead if each < settled), settled):
            if number > self.expected:
                yield self.expected, number - 1
            self.expected = max(self.expected, number + (number < settled))
        self._ahead = {each for each in self._ahead if each >= self.expected}
        self.seen(())
