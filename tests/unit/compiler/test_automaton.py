"""The automaton of path patterns: what it says, what it costs, and how it gives up."""

import re
from collections.abc import Sequence

import pytest

from krsi.compiler import stages
from krsi.compiler.automaton import MAX_CLASS, Automaton, Limits, determinise
from krsi.compiler.program import programs
from krsi.errors import CompileError
from krsi.policy.glob import Glob, parse


def globs(*texts: str) -> list[Glob]:
    return [parse(text, {"HOME": ["/home/*", "/root"]}) for text in texts]


def whole(*texts: str) -> tuple[Sequence[tuple[int, ...]], Automaton]:
    raw = determinise(globs(*texts))
    return raw.accepts, raw.minimise(range(len(raw.accepts)))


def matched(path: bytes, *texts: str) -> tuple[int, ...]:
    accepts, automaton = whole(*texts)
    return accepts[automaton.class_of(automaton.run(path))]


def test_accept_sets_name_the_patterns() -> None:
    """
    Behind a path stand the places of the patterns that match it.
    """
    texts = ["/etc/**", "/etc/passwd", "/**.log", "/etc/passwd"]

    assert matched(b"/etc/passwd", *texts) == (0, 1, 3)
    assert matched(b"/etc/a.log", *texts) == (0, 2)
    assert matched(b"/var/a.log", *texts) == (2,)
    assert matched(b"/var/a", *texts) == ()


def test_a_folder_leads_on() -> None:
    """
    From the state of a folder its files are reached by their names alone.
    """
    _, automaton = whole("/usr/**/x", "/usr/lib/y")
    folder = automaton.run(b"/usr/lib/")

    assert automaton.run(b"/usr/lib/y") == automaton.run(b"y", folder) != 0


def test_folders_with_the_same_future_are_the_same() -> None:
    """
    Two folders in which the same may be done are one state, and others are not.
    """
    raw = determinise(globs("/srv/a/**", "/srv/b/**", "/srv/c/**"))
    automaton = raw.minimise([{(): 0, (0,): 1, (1,): 1, (2,): 2}[accept] for accept in raw.accepts])
    a, b, c = (automaton.run(b"/srv/%c/" % letter) for letter in b"abc")

    assert a == b
    assert a != c


def test_dead() -> None:
    """
    What no pattern begins like is dead, and so is all that follows.
    """
    _, automaton = whole("/a/*")

    assert automaton.run(b"/b") == 0
    assert automaton.run(b"/a/b/") == 0
    assert automaton.run(b"anything", 0) == 0
    assert automaton.class_of(0) == 0


def test_what_means_nothing_is_dead() -> None:
    """
    Patterns whose class is 0 leave nothing behind.
    """
    raw = determinise(globs("/a/**", "/b"))

    assert raw.minimise([0] * len(raw.accepts)).states == 1


@pytest.mark.parametrize("count", [1, 100, 127, 128, 129, 200, 254])
def test_any_byte_may_be_the_default(count: int) -> None:
    """
    A row is what it does, however it was written: bytes one by one are the same as a class of bytes.
    """
    chosen = [rf"\x{byte:02x}" for byte in range(1, 256) if byte not in b"/^-,"][:count]
    raw = determinise(globs(f"/a/[{''.join(chosen)}]", *(f"/b/{byte}" for byte in chosen)))

    automaton = raw.minimise([0] + [1] * (len(raw.accepts) - 1))

    assert automaton.states == 6  # dead, and behind nothing, '/', '/a', '/a/' and a name
    assert automaton.run(b"/a/") == automaton.run(b"/b/")
    assert sum(automaton.run(b"/b/" + bytes([byte])) != 0 for byte in range(1, 256)) == len(chosen)
    assert len(automaton.cells) // 8 < 3 * 256


def test_large_class_numbers() -> None:
    """
    Any number that fits in a base is a class.
    """
    automaton = determinise(globs("/a")).minimise([0, MAX_CLASS])

    assert automaton.class_of(automaton.run(b"/a")) == MAX_CLASS


def test_patterns_that_begin_alike_are_shared() -> None:
    """
    A group that many patterns begin with is one group.
    """
    texts = [f"@{{HOME}}/.config/{number}" for number in range(100)]

    assert programs(globs(*texts)).groups == 1
    assert determinise(globs(*texts)).states < 500


def test_branches_are_shared_too() -> None:
    """
    A pattern that begins like another's branch follows it.
    """
    assert matched(b"/root/a", "@{HOME}/a", "/root/*") == (0, 1)
    assert matched(b"/home/root/a", "@{HOME}/a", "/root/*") == (0,)


def test_empty_branches_meet() -> None:
    """
    Branches that can be empty, one behind the other and inside each other, all end in one place.
    """
    text = "/{,a}{,b{,c}}{,d{,}}e"

    assert [path for path in ("/e", "/ae", "/be", "/abce", "/ade", "/ce") if matched(path.encode(), text)] == [
        "/e",
        "/ae",
        "/be",
        "/abce",
        "/ade",
    ]


def test_empty_branches_do_not_multiply() -> None:
    """
    That there are many ways to read nothing costs nothing.
    """
    assert matched(b"/ab", "/a" + "{,}" * 1000 + "b") == (0,)


def test_it_is_reproducible() -> None:
    """
    The same patterns make the same cells.
    """
    texts = ["/a/{b,c}*", "/**.x", "/a/[0-9]*/d"]

    assert whole(*texts) == whole(*texts)


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A compilation tells how far it is in each phase.
    """
    monkeypatch.setattr(stages, "_EVERY", 0)
    monkeypatch.setattr(stages, "_SLICE", 10)
    told: list[tuple[int, int, str]] = []

    raw = determinise(globs(*(f"/{number}/*" for number in range(100))), progress=lambda *how: told.append(how))
    raw.minimise(range(len(raw.accepts)))

    assert {phase for _, _, phase in told} == {"following patterns", "minimising", "packing"}
    assert all(0 <= done <= total for done, total, _ in told)


def test_progress_is_not_told_too_often() -> None:
    """
    Nobody reads more than ten lines a second.
    """
    told: list[tuple[int, int, str]] = []

    determinise(globs(*(f"/{number}/*" for number in range(100))), progress=lambda *how: told.append(how))

    assert len(told) <= 10


def test_one_pattern_explodes() -> None:
    """
    A pattern that cannot be compiled is named among those that can, with what to change.
    """
    texts = [f"/usr/lib/{number}/*.so" for number in range(500)] + ["/**a" + "?" * 30, "/**.log"]

    with pytest.raises(CompileError) as caught:
        determinise(globs(*texts), Limits(states=60_000))

    assert str(caught.value) == (
        "the patterns need more than 60000 states; this one alone needs more than 50000:\n"
        f"  /**a{'?' * 30}  (more than 50000 states)\n"
        "write '*' in place of what is counted behind its first wildcard: '?', classes, braces"
    )


def test_patterns_explode_together() -> None:
    """
    Patterns that are harmless alone are named with how they grow.
    """
    texts = [f"/etc/{number}" for number in range(500)] + [f"/**{letter * 2}**" for letter in "abcdefghijklmno"]

    with pytest.raises(CompileError) as caught:
        determinise(globs(*texts), Limits(states=60_000))

    first, *lines, last = str(caught.value).split("\n")
    assert first == (
        "the patterns need more than 60000 states; "
        "these 12 alone need more than 50000, each to be kept in mind beside the others:"
    )
    assert [re.sub(r"\*\*(.)\1\*\*", "…", line) for line in lines] == [
        "  /…  (6 states)",
        "  /…  (with that above 14)",
        "  /…  (with those above 34)",
        "  /…  (with those above 82)",
        "  /…  (with those above 194)",
        "  and 7 like them",
    ]
    assert last.startswith("begin them with a folder")


def test_many_patterns_are_many() -> None:
    """
    If no few patterns are to blame none are named.
    """
    with pytest.raises(CompileError, match=r"^5000 patterns need more than 1000 states: give fewer"):
        determinise(globs(*(f"/{number}" for number in range(5000))), Limits(states=1000))


@pytest.mark.parametrize("limit", [10_000, 100_000, 400_000])
def test_memory_is_bounded(limit: int) -> None:
    """
    Whichever stage takes more memory than it may, the error says how much that is.
    """
    patterns = globs(*(f"/{number}/*x{number}" for number in range(2000)))

    with pytest.raises(CompileError, match="MiB of memory"):
        determinise(patterns, Limits(bytes=limit))


def test_memory_of_minimising_is_bounded() -> None:
    """
    Minimising has its limit too.
    """
    patterns = globs(*(f"/{number}/*x{number}" for number in range(2000)))
    raw = determinise(patterns)
    raw._limits = Limits(bytes=100_000)

    with pytest.raises(CompileError, match="states takes more than 0 MiB of memory"):
        raw.minimise(range(len(raw.accepts)))
