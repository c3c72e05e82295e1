"""The ring -> events, a batch at a time, with an event for what is missing."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from krsi.errors import AbiError
from krsi.event.decode import Decoder, Record
from krsi.event.enrich import Enricher
from krsi.event.loss import Sequence
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
        found.extend(self._losses())
        for event in found:
            self.counts.add(event)
        return found

    def _decoded(self, view: memoryview) -> Record | None:
        """A record that cannot be read is a loss like any other: its number does not come."""
        try:
            return self._decoder.decode(view)
        except (ValueError, AbiError):
            self.counts.damaged += 1
            return None

    def _losses(self) -> Iterator[Event]:
        while gap := self._sequence.lost(self._told(), time.monotonic()):
            first, last = gap
            self.counts.lost += last - first + 1
            yield Event(
                time=self._clock(),
                event="loss",
                severity="error",
                first=first,
                last=last,
                count=last - first + 1,
                message="the ring had no room for these records; every access was decided all the same",
            )
