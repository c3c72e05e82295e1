"""Numbers that are missing."""

from hypothesis import given
from hypothesis import strategies as st

from krsi.event.loss import PATIENCE_S, Sequence


def test_nothing_is_missing() -> None:
    """
    All that was numbered has come.
    """
    sequence = Sequence()
    sequence.seen(range(10))

    assert sequence.lost(10, 0) == []
    assert sequence.lost(10, 100) == []
    assert sequence.expected == 10


def test_order_does_not_matter() -> None:
    """
    CPUs put their records into the ring in any order.
    """
    sequence = Sequence()
    sequence.seen([3, 1, 0, 2])

    assert sequence.expected == 4


def test_a_gap_is_waited_for() -> None:
    """
    A record that has its number may come late, and is no loss if it comes in time.
    """
    sequence = Sequence()
    sequence.seen([0, 2])
    assert sequence.lost(3, 10) == []
    assert sequence.lost(3, 10 + PATIENCE_S / 2) == []
    sequence.seen([1])

    assert sequence.lost(3, 10 + PATIENCE_S) == []
    assert sequence.expected == 3


def test_gaps_are_lost_at_once() -> None:
    """
    All that has been missing for long enough is told of together, the end included.
    """
    sequence = Sequence()
    sequence.seen([0, 3, 4, 6])
    assert sequence.lost(9, 0) == []

    assert sequence.lost(9, PATIENCE_S) == [(1, 2), (5, 5), (7, 8)]
    assert sequence.lost(9, 10 * PATIENCE_S) == []
    assert sequence.expected == 9


def test_each_gap_has_its_own_time() -> None:
    """
    What is missing since yesterday does not make a loss of what is missing since now.
    """
    sequence = Sequence()
    assert sequence.lost(1, 0) == []
    sequence.seen([3])
    assert sequence.lost(4, PATIENCE_S * 0.9) == []

    assert sequence.lost(4, PATIENCE_S) == [(0, 0)]
    assert sequence.lost(4, PATIENCE_S * 1.95) == [(1, 2)]
    assert sequence.expected == 4


def test_at_the_end_nothing_is_waited_for() -> None:
    """
    Without patience all that has not come is lost.
    """
    sequence = Sequence()
    sequence.seen([1])

    assert sequence.lost(3, 0, patience_s=0) == [(0, 0), (2, 2)]


def test_who_comes_too_late_is_not_told_of_twice() -> None:
    """
    A record that was called lost changes nothing when it comes.
    """
    sequence = Sequence()
    sequence.lost(2, 0, patience_s=0)
    sequence.seen([0])

    assert sequence.expected == 2
    assert sequence.lost(2, 100, patience_s=0) == []


@given(st.sets(st.integers(0, 40)), st.integers(0, 60))
def test_every_number_comes_or_is_lost_once(came: set[int], told: int) -> None:
    """
    Whatever came in whichever batches, losses and arrivals together are all numbers, each once.
    """
    sequence = Sequence()
    lost: list[int] = []
    batches = [came - {number for number in came if number % 3 != part} for part in range(3)]
    for now, batch in enumerate(batches):
        sequence.seen(batch)
        lost += [number for first, last in sequence.lost(told, now, 10) for number in range(first, last + 1)]
    lost += [number for first, last in sequence.lost(told, 99, 0) for number in range(first, last + 1)]

    assert sorted(lost) == [number for number in range(told) if number not in came]
