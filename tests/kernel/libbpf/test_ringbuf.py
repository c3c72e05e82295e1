import selectors
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from krsi.bpf.maps import Map, MapShape
from krsi.bpf.object import Loaded
from krsi.bpf.ringbuf import HEADER, RingBuffer
from krsi.bpf.uapi import MapType
from krsi.errors import KernelError

RING = 1 << 20
FILL = struct.Struct("=IIII")
Leaks = Callable[[], list[str]]


def fill(loaded: Loaded, count: int, size: int, number: int = 0) -> tuple[int, int]:
    """Write records from the kernel; return the number after the last one and how many found no room."""
    run = loaded.programs["fill_ring"].test_run(ctx=FILL.pack(count, size, number, 0))
    assert run.retval == 0
    after: int
    lost: int
    _, _, after, lost = FILL.unpack(run.ctx)
    return after, lost


def number_of(record: memoryview) -> int:
    return int.from_bytes(record[:4], sys.byteorder)


@pytest.fixture
def ring(loaded: Loaded) -> Iterator[RingBuffer]:
    with RingBuffer(loaded.maps["events"].fd) as it:
        yield it


def test_an_empty_ring_gives_an_empty_batch(ring: RingBuffer) -> None:
    """
    Nothing to wait for, nothing to drain.
    """
    assert not ring.wait(0)
    batch = ring.drain()
    assert 0 == len(batch) == len(batch.data)
    assert list(batch) == []


@pytest.mark.parametrize("size", [4, 5, 7, 8, 9, 128, 4093, 65536])
def test_records_come_whole_and_in_order(loaded: Loaded, ring: RingBuffer, size: int) -> None:
    """
    Records of any length have their length and their number.
    """
    fill(loaded, 10, size)
    assert ring.wait(0)
    batch = ring.drain()
    assert len(batch) == 10
    assert [size] * 10 == [len(record) for record in batch]
    assert list(range(10)) == [number_of(record) for record in batch]


def test_a_batch_is_laid_out_as_it_says(loaded: Loaded, ring: RingBuffer) -> None:
    """
    A length, a zero, the record, zeros up to a multiple of 8.
    """
    fill(loaded, 2, 5, number=7)
    data = bytes(ring.drain().data)
    assert 2 * (HEADER.size + 8) == len(data)
    assert struct.unpack_from("=III4B", data) == (5, 0, 7, 0, 0, 0, 0)
    assert struct.unpack_from("=I", data, HEADER.size + 8 + HEADER.size)[0] == 8


def test_spans_are_where_the_records_are(loaded: Loaded, ring: RingBuffer) -> None:
    """
    The offsets lead to the same bytes as the views.
    """
    fill(loaded, 20, 13)
    batch = ring.drain()
    assert [bytes(record) for record in batch] == [bytes(batch.data[at : at + size]) for at, size in batch.spans()]


@pytest.mark.parametrize("limit", [0, 1, 200, 5000])
def test_a_budget_ends_a_batch_and_loses_nothing(loaded: Loaded, ring: RingBuffer, limit: int) -> None:
    """
    Batches end when the budget is reached; together they hold every record once, in order.
    """
    fill(loaded, 300, 100)
    numbers = []
    while batch := ring.drain(limit):
        assert len(batch.data) < max(limit, 1) + HEADER.size + 104
        numbers += [number_of(record) for record in batch]
    assert list(range(300)) == numbers


def test_the_largest_record_there_can_be_fits_any_budget(loaded: Loaded, ring: RingBuffer) -> None:
    """
    A record of 64 KiB comes whole although the budget is one byte.
    """
    fill(loaded, 2, 65536)
    assert [len(record) for record in ring.drain(1)] == [65536]
    assert [len(record) for record in ring.drain(1)] == [65536]


def test_a_full_ring_drops_what_comes_after(loaded: Loaded, ring: RingBuffer) -> None:
    """
    What was lost was counted by the program; what was there before is all there, and the ring works on.
    """
    after, lost = fill(loaded, RING // 136 + 1000, 128)
    assert lost > 0
    assert list(range(after - lost)) == [number_of(record) for record in ring.drain(RING)]
    fill(loaded, 1, 8, number=9)
    assert [number_of(record) for record in ring.drain()] == [9]


def test_discarded_records_are_not_seen(loaded: Loaded, ring: RingBuffer) -> None:
    """
    A record that the program took back is not in the batch.
    """
    loaded.programs["discard_one"].test_run()
    assert [number_of(record) for record in ring.drain()] == [2]


def test_the_ring_goes_round_many_times(loaded: Loaded, ring: RingBuffer) -> None:
    """
    Three rings' worth of records of odd length come in order.
    """
    number = 0
    for _ in range(30):
        after, lost = fill(loaded, 1000, 101, number)
        assert lost == 0
        assert list(range(number, after)) == [number_of(record) for record in ring.drain(RING)]
        number = after


def test_waiting_ends_when_something_comes(loaded: Loaded, ring: RingBuffer) -> None:
    """
    A reader that waits is woken by a record that another thread causes.
    """
    writer = threading.Thread(target=fill, args=(loaded, 1, 8))
    writer.start()
    assert ring.wait(30)
    writer.join()
    assert len(ring.drain()) == 1


def test_waiting_ends_after_its_time(ring: RingBuffer) -> None:
    """
    Nothing comes: False.
    """
    assert not ring.wait(0.01)


def test_the_map_may_be_closed_before_its_reader(loaded: Loaded) -> None:
    """
    The reader holds the ring itself, and is still woken.
    """
    with RingBuffer(loaded.maps["events"].fd) as ring:
        loaded.maps["events"].close()
        fill(loaded, 1, 8)
        assert ring.wait(0)
        assert len(ring.drain()) == 1


def test_a_second_reader_goes_on_where_the_first_stopped(loaded: Loaded) -> None:
    """
    What one reader left is there for the next: nothing is lost when a daemon is replaced.
    """
    fill(loaded, 10, 8)
    with RingBuffer(loaded.maps["events"].fd) as first:
        assert len(first.drain(3 * 16)) == 3
    with RingBuffer(loaded.maps["events"].fd) as second:
        assert list(range(3, 10)) == [number_of(record) for record in second.drain()]


def test_a_map_of_another_kind_is_no_ring(loaded: Loaded, leaks: Leaks) -> None:
    """
    Opening it is EINVAL, and nothing stays open.
    """
    before = leaks()
    with pytest.raises(KernelError, match="open ring buffer"):
        RingBuffer(loaded.maps["hash"].fd)
    assert before == leaks()


def test_a_closed_ring_is_of_no_use(loaded: Loaded) -> None:
    """
    Whatever is asked of it is an error; closing it twice is none; the last batch stays readable.
    """
    fill(loaded, 1, 8)
    ring = RingBuffer(loaded.maps["events"].fd)
    batch = ring.drain()
    ring.close()
    ring.close()
    with pytest.raises(ValueError, match="closed"):
        ring.drain()
    with pytest.raises(ValueError, match="closed"):
        ring.fileno()
    assert len(list(batch)) == 1


def test_rings_come_and_go_without_a_trace(leaks: Leaks) -> None:
    """
    A hundred readers leave no descriptor and no mapping.
    """
    with Map.create("ring", MapShape(MapType.RINGBUF, 0, 0, 4096)) as ring:
        for _ in range(3):
            RingBuffer(ring.fd).close()
        mappings = len(Path("/proc/self/maps").read_text().splitlines())
        for _ in range(100):
            RingBuffer(ring.fd).close()
        assert len(Path("/proc/self/maps").read_text().splitlines()) <= mappings + 3
    assert leaks() == []


def test_two_threads_may_drain_one_ring(loaded: Loaded, ring: RingBuffer) -> None:
    """
    Between them they get every record once.
    """
    numbers: list[int] = []
    lock = threading.Lock()
    written = threading.Event()

    def drain() -> None:
        while True:
            last = written.is_set()
            with lock:  # a batch is valid until the next drain
                batch = ring.drain(1000)
                numbers.extend(number_of(record) for record in batch)
            if last and not batch:
                return

    threads = [threading.Thread(target=drain) for _ in range(2)]
    for thread in threads:
        thread.start()
    number = 0
    for _ in range(50):
        number, lost = fill(loaded, 100, 64, number)
        assert lost == 0
    written.set()
    for thread in threads:
        thread.join()
    assert list(range(number)) == numbers


def test_the_descriptor_can_be_polled_by_others(loaded: Loaded, ring: RingBuffer) -> None:
    """
    An event loop that watches the descriptor sees it become readable.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(ring, selectors.EVENT_READ)
        assert selector.select(0) == []
        fill(loaded, 1, 8)
        assert len(selector.select(0)) == 1
