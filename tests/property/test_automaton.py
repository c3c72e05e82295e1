"""The automaton does what the patterns say, is minimal, and lies in its cells as BPF code expects it."""

import struct
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krsi.compiler.automaton import Automaton, RawAutomaton, determinise
from krsi.policy.glob import Glob, parse

from .globs import ALPHABET, globs, paths

usual = settings(max_examples=150, deadline=None, print_blob=True)
BYTES = range(1, 256)
sets = st.lists(globs, max_size=8)


def whole(raw: RawAutomaton) -> Automaton:
    return raw.minimise(range(len(raw.accepts)))


def next_state(automaton: Automaton, state: int, byte: int) -> int:
    return automaton.run(bytes([byte]), state)


def reachable(automaton: Automaton) -> set[int]:
    found, left = {0, automaton.start}, [0, automaton.start]
    while left:
        state = left.pop()
        new = {next_state(automaton, state, byte) for byte in BYTES} - found
        found |= new
        left += new
    return found


def equivalent(automaton: Automaton, states: set[int]) -> int:
    """Return how many states the least automaton has, by Moore's algorithm."""
    block = {state: automaton.class_of(state) for state in states}
    while True:
        looks = {s: (block[s], *(block[next_state(automaton, s, byte)] for byte in BYTES)) for s in states}
        names = {look: name for name, look in enumerate(set(looks.values()))}
        if len(names) == len(set(block.values())):
            return len(names)
        block = {s: names[looks[s]] for s in states}


@usual
@given(st.data(), sets)
def test_a_state_says_which_patterns_match(data: st.DataObject, patterns: list[Glob]) -> None:
    """
    The accept set behind a path is the set of patterns that match it.
    """
    raw = determinise(patterns)
    automaton = whole(raw)

    for path in data.draw(st.lists(paths(patterns), min_size=1, max_size=20)):
        expected = tuple(place for place, glob in enumerate(patterns) if glob.matches(path))
        assert expected == raw.accepts[automaton.class_of(automaton.run(path))], path


@usual
@given(st.data(), sets)
def test_a_run_can_be_interrupted(data: st.DataObject, patterns: list[Glob]) -> None:
    """
    A path may be run piece by piece.
    """
    automaton = whole(determinise(patterns))
    path = data.draw(paths(patterns))
    at = data.draw(st.integers(0, len(path)))

    assert automaton.run(path) == automaton.run(path[at:], automaton.run(path[:at]))


@settings(usual, max_examples=40)
@given(st.data(), st.lists(globs, max_size=5))
def test_it_is_minimal(data: st.DataObject, patterns: list[Glob]) -> None:
    """
    No two states have the same future, whatever accept sets are taken for alike, and every state can be reached.
    """
    raw = determinise(patterns)
    others = st.integers(0, 3)
    automaton = raw.minimise([0, *(data.draw(others) for _ in raw.accepts[1:])])

    states = reachable(automaton)

    assert automaton.states == len(states)
    assert len(states) == equivalent(automaton, states)


@usual
@given(st.data(), sets)
def test_classes_are_those_of_the_accept_sets(data: st.DataObject, patterns: list[Glob]) -> None:
    """
    A state's class is that of its accept set.
    """
    raw = determinise(patterns)
    classes = [0, *(data.draw(st.integers(0, 2)) for _ in raw.accepts[1:])]
    coarse, fine = raw.minimise(classes), whole(raw)

    for path in data.draw(st.lists(paths(patterns), min_size=1, max_size=10)):
        assert coarse.class_of(coarse.run(path)) == classes[fine.class_of(fine.run(path))]


@usual
@given(st.data(), sets)
def test_order_does_not_matter(data: st.DataObject, patterns: list[Glob]) -> None:
    """
    Patterns in another order make an automaton as large that says the same.
    """
    order = data.draw(st.permutations(range(len(patterns))))
    raw, other = determinise(patterns), determinise([patterns[place] for place in order])

    first, second = whole(raw), whole(other)

    assert first.states == second.states
    for path in data.draw(st.lists(paths(patterns), min_size=1, max_size=10)):
        matched = other.accepts[second.class_of(second.run(path))]
        assert raw.accepts[first.class_of(first.run(path))] == tuple(sorted(order[place] for place in matched))


FIRST, CLOSED, STAYS, UNUSED, CELL = 1, 2, 4, 0xFFFFFFFF, 8


@usual
@given(sets)
def test_cells_are_as_bpf_reads_them(patterns: list[Glob]) -> None:
    """
    Every cell is unused, a first one or an edge of one; a row's default is its most frequent target, and no edge's.
    """
    automaton = whole(determinise(patterns))
    cells = {CELL * place: cell for place, cell in enumerate(struct.iter_unpack("<II", automaton.cells))}
    states = {place for place, (owner, _) in cells.items() if owner & FIRST and owner != UNUSED}

    assert automaton.states == len(states)
    assert cells[0] == (FIRST | CLOSED, STAYS)
    assert automaton.start in states
    assert len(cells) == max(states) // CELL + 256
    for place, (owner, to) in cells.items():
        if owner != UNUSED:
            assert to & ~STAYS in states
            byte = (place - owner) // CELL
            assert place in states or (owner in states and 1 <= byte <= 255 and to != cells[owner][1])
        else:
            assert to == 0
    for state in states:
        targets = Counter(next_state(automaton, state, byte) for byte in BYTES)
        assert targets[cells[state][1] & ~STAYS] == max(targets.values())


@usual
@given(sets)
def test_marks_say_what_the_rest_of_a_path_cannot_change(patterns: list[Glob]) -> None:
    """
    A state is closed if no byte leads out of it, and is marked where it is led to if no byte but a slash does.
    """
    automaton = whole(determinise(patterns))
    cells = {CELL * place: cell for place, cell in enumerate(struct.iter_unpack("<II", automaton.cells))}
    states = {place for place, (owner, _) in cells.items() if owner & FIRST and owner != UNUSED}
    leaving = {state: {byte for byte in BYTES if next_state(automaton, state, byte) != state} for state in states}

    for state in states:
        assert bool(cells[state][0] & CLOSED) == (not leaving[state])
    for owner, to in cells.values():
        if owner != UNUSED:
            assert bool(to & STAYS) == (leaving[to & ~STAYS] <= {ord("/")})


@usual
@given(sets)
def test_accept_sets_are_distinct_and_sorted(patterns: list[Glob]) -> None:
    """
    The first accept set is empty, the others are not, none comes twice.
    """
    accepts = determinise(patterns).accepts

    assert accepts[0] == ()
    assert len(set(accepts)) == len(accepts)
    assert all(accept and list(accept) == sorted(set(accept)) for accept in accepts[1:])


@usual
@given(st.data(), st.lists(globs, min_size=1, max_size=4))
def test_equal_states_have_equal_futures(data: st.DataObject, patterns: list[Glob]) -> None:
    """
    If two folders lead to one state, the same patterns match whatever lies in them.
    """
    raw = determinise(patterns)
    automaton = whole(raw)
    one, other = data.draw(paths(patterns)), data.draw(paths(patterns))
    if automaton.run(one) != automaton.run(other):
        return
    for rest in data.draw(st.lists(st.lists(st.sampled_from(ALPHABET), max_size=4).map(bytes))):
        assert [g.matches(one + rest) for g in patterns] == [g.matches(other + rest) for g in patterns]


def test_no_patterns() -> None:
    """
    Without patterns there is the dead state alone.
    """
    automaton = whole(determinise([]))

    assert automaton.states == 1
    assert automaton.start == 0
    assert automaton.class_of(automaton.run(b"/a")) == 0


@pytest.mark.parametrize("classes", [[], [0], [1, 0], [0, 1, 2], [0, 1 << 31]], ids=str)
def test_classes_must_fit(classes: Sequence[int]) -> None:
    """
    A classification that does not cover the accept sets, or moves the empty one, is refused.
    """
    with pytest.raises(ValueError, match="class"):
        determinise([parse("/a", {})]).minimise(classes)
