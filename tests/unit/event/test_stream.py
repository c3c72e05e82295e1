"""The ring's records become events in batches, and what is missing becomes one too."""

import time
from collections.abc import Iterator

import pytest

from krsi.event.stream import Stream

from .records import DECODER, enricher, exec_raw, raw


class Kernel:
    """How many records the kernel has numbered, and what time it is."""

    def __init__(self) -> None:
        self.told = 0
        self.now = 0.0


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel()
    monkeypatch.setattr(time, "monotonic", lambda: kernel.now)
    return kernel


@pytest.fixture
def stream(kernel: Kernel) -> Stream:
    return Stream(DECODER, enricher(), lambda: kernel.told, lambda: "now")


def views(*records: bytes) -> Iterator[memoryview]:
    return (memoryview(record) for record in records)


def test_a_batch(stream: Stream, kernel: Kernel) -> None:
    """
    Records become events in the order in which they come, counted by what they say.
    """
    kernel.told = 3
    found = stream.events(
        views(
            exec_raw(b"/bin/web", b"web\0", 1, seq=0),
            raw(b"/a", seq=1),
            raw(b"/srv/b", seq=2, verdict="allow", refused=0, errno=0),
        )
    )

    assert [event.seq for event in found] == [0, 1, 2]
    assert stream.counts.events == {"exec": 1, "denied": 1, "allowed": 1}
    assert not stream.waits_for(3)


def test_a_loss(stream: Stream, kernel: Kernel) -> None:
    """
    Records that do not come for a while become one event that says which.
    """
    kernel.told = 5
    assert [event.event for event in stream.events(views(raw(b"/a", seq=0), raw(b"/b", seq=4)))] == ["decision"] * 2
    assert stream.waits_for(5)
    kernel.now = 10
    (found,) = stream.events(views())

    assert (found.event, found.time, found.first, found.last, found.count) == ("loss", "now", 1, 3, 3)
    assert (found.severity, stream.counts.lost) == ("error", 3)
    assert stream.counts.events["loss"] == 1


def test_a_record_that_cannot_be_read(stream: Stream, kernel: Kernel) -> None:
    """
    It is counted, its neighbours are not harmed, and its number is missing.
    """
    kernel.told = 3
    found = stream.events(views(raw(b"/a", seq=0), raw(b"/b", seq=1)[:40], raw(b"/c", seq=2)))

    assert [event.seq for event in found] == [0, 2]
    assert stream.counts.damaged == 1
    assert [(event.first, event.last) for event in stream.missing(3)] == [(1, 1)]


def test_at_the_end(stream: Stream, kernel: Kernel) -> None:
    """
    What was numbered until then and has not come is lost; later numbers are not asked for.
    """
    kernel.told = 9
    stream.events(views(raw(b"/a", seq=1)))

    assert [(event.first, event.last) for event in stream.missing(4)] == [(0, 0), (2, 3)]
    assert stream.counts.lost == 3
    assert stream.missing(4) == []
