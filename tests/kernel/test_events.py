"""The whole way of an event, on this very kernel: a program fills the real ring, and JSON lines come out."""

import errno
import io
import json
import time
from collections.abc import Callable, Iterator

import pytest

from krsi.bpf.features import Kernel
from krsi.bpf.ringbuf import RingBuffer
from krsi.compiler.compile import compile_policy
from krsi.compiler.image import Image
from krsi.event.clock import BootClock
from krsi.event.decode import Decoder
from krsi.event.enrich import Enricher, Generation
from krsi.event.stream import Stream
from krsi.kernel_side import FILL, KernelSide, object_abi, object_bytes
from krsi.policy.diagnostics import Report
from krsi.policy.load import understand
from krsi.sink.pipeline import writer

from ..unit.event.fields import breaches

BOOT_ID = "0b5e55ed-0000-4000-8000-000000000001"
POLICY = understand([("x.yaml", b"- profile: web\n  files:\n    - {deny: any, path: /x, reason: no}\n")]).policy
MANY = 1_000_000
"""More records than the ring has room for."""


def image() -> Image:
    return compile_policy(POLICY, Report(), object_abi(object_bytes()))


@pytest.fixture
def side() -> Iterator[KernelSide]:
    with KernelSide(object_bytes(), image(), (), Kernel()) as side:
        yield side


@pytest.fixture
def ring(side: KernelSide) -> Iterator[RingBuffer]:
    with RingBuffer(side.map("events").fd) as ring:
        yield ring


@pytest.fixture
def stream(side: KernelSide) -> Stream:
    clock = BootClock()
    enricher = Enricher(BOOT_ID, clock)
    enricher.add_generation(0, Generation(POLICY, ("unconfined", "web")))
    return Stream(Decoder(side.abi), enricher, side.told, clock.now)


Later = Callable[[float], None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Let it be so many seconds later for who measures time."""
    now = time.monotonic

    def move(seconds: float) -> None:
        monkeypatch.setattr(time, "monotonic", lambda: now() + seconds)

    return move


def test_records_become_lines(side: KernelSide, ring: RingBuffer, stream: Stream) -> None:
    """
    Each record that the kernel told is one line with all that it says, in order.
    """
    out = io.BytesIO()
    assert side.run(FILL, 1000) == 1000
    writer(out, "json", colour=False).info("events", events=stream.events(iter(ring.drain())))

    documents = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [document["seq"] for document in documents] == list(range(1000))
    assert [document["process"]["pid"] for document in documents] == list(range(1, 1001))
    assert [breaches(document) for document in documents[::100]] == [[]] * 10
    times = [document.pop("time") for document in documents]
    assert times == sorted(times)
    document = documents[0]
    assert document.pop("process")["exec_id"] == f"{BOOT_ID}:1:0"
    assert document == {
        "event": "decision",
        "seq": 0,
        "verdict": "denied",
        "operation": "file.open",
        "access": ["read"],
        "refused": ["read"],
        "errno": errno.errorcode[errno.EACCES],
        "profile": "web",
        "mode": "enforce",
        "policy": 0,
        "rule": "x.yaml:3",
        "reason": "no",
        "severity": "warning",
        "file": {"path": "/x"},
    }


def test_what_finds_no_room_is_told(side: KernelSide, ring: RingBuffer, stream: Stream, later: Later) -> None:
    """
    Records beyond what the ring holds are one loss with their numbers, and no number is missing from both.
    """
    told = side.run(FILL, MANY)
    assert 0 < told < MANY
    found = stream.events(iter(ring.drain(ring.capacity)))
    assert [event.seq for event in found] == list(range(told))
    later(10)
    (loss,) = stream.events(iter(ring.drain()))

    assert (loss.event, loss.first, loss.last, loss.count) == ("loss", told, MANY - 1, MANY - told)
    assert stream.counts.lost == MANY - told
    assert not stream.waits_for(side.told())


def test_the_ring_is_filled_again(side: KernelSide, ring: RingBuffer, stream: Stream) -> None:
    """
    Numbers go on where they were, whatever was lost between.
    """
    lost = MANY - side.run(FILL, MANY)
    assert len(stream.events(iter(ring.drain(ring.capacity)))) == MANY - lost
    assert side.run(FILL, 5) == 5
    found = stream.events(iter(ring.drain()))

    assert [event.seq for event in found] == list(range(MANY, MANY + 5))
    assert sum(event.count or 0 for event in stream.missing(side.told())) == lost
    assert side.told() == MANY + 5


def test_batches(side: KernelSide, ring: RingBuffer, stream: Stream) -> None:
    """
    A ring that is emptied in small parts gives every record once.
    """
    assert side.run(FILL, 2000) == 2000
    seen: list[int | None] = []
    while batch := ring.drain(10_000):
        seen += [event.seq for event in stream.events(iter(batch))]

    assert seen == list(range(2000))
