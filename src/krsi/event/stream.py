"""The ring -> events, a batch at a time, with an event for what is missing."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from krsi.errors import AbiError
from krsi.event.decode import Decoder, Record
from krsi.event.enrich import Enricher
from krsi.event.loss import Gap, Sequence
from krsi.event.model import Event


@dataclass(slots=True)
class Counts:
    """What has come, for the summary."""

    events: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    damaged: int = 0

    def add(self, event: Event) -> None:
        """Count *event* by its verdict, or by what it is."""
        self.events[event.verdict or event.event] += 1


class Stream:
    """
    Reads records and makes events of them.

    :param told: how many records the kernel has numbered so far
    :param clock: the time of day now, as in events
    """

    def __init__(self, decoder: Decoder, enricher: Enricher, told: Callable[[], int], clock: Callable[[], str]) -> None:
        self._decoder = decoder
        self._enricher = enricher
        self._told = told
        self._clock = clock
        self._sequence = Sequence()
        self.counts = Counts()

    def events(self, records: Iterator[memoryview]) -> list[Event]:
        """Return the events that *records* are, and those that tell of a loss."""
        decoded = [record for view in records if (record := self._decoded(view))]
        self._sequence.seen(record.seq for record in decoded)
        found = [self._enricher.enrich(record) for record in decoded]
        found += map(self._loss, self._sequence.lost(self._told(), time.monotonic()))
        return self._counted(found)

    def waits_for(self, told: int) -> bool:
        """Tell whether some of the first *told* records may come yet."""
        return self._sequence.expected < told

    def missing(self, told: int) -> list[Event]:
        """Return what tells of the loss of all that did not come of the first *told* records: nobody waits any more."""
        return self._counted([self._loss(gap) for gap in self._sequence.lost(told, time.monotonic(), patience_s=0)])

    def _counted(self, events: list[Event]) -> list[Event]:
        for event in events:
            self.counts.add(event)
        return events

    def _decoded(self, view: memoryview) -> Record | None:
        """A record that cannot be read is a loss like any other: its number does not come."""
        try:
            return self._decoder.decode(view)
        except (ValueError, AbiError):
            self.counts.damaged += 1
            return None

    def _loss(self, gap: Gap) -> Event:
        first, last = gap
        self.counts.lost += last - first + 1
        return Event(
            time=self._clock(),
            event="loss",
            severity="error",
            first=first,
            last=last,
            count=last - first + 1,
            message="these records did not come; every access was decided all the same",
        )
