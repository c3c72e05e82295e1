"""
Patterns mean what they mean in AppArmor 3.0: the automata that its own compiler makes are compared with ours.

All that differs: STRICTER lists what is refused here and taken there, for something that nobody means by it. Nothing
that both take is understood differently. Only here may a pattern begin with a brace; there a variable must hold it.
"""

import os
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from krsi.compiler.automaton import Automaton, determinise
from krsi.policy.glob import GlobError, parse

from ..vm.globs_table import patterns as table
from ..vm.globs_table import variables as table_variables
from .apparmor import PARSER, Dfa, RefusedError, compiled, shipped, tunables
from .globs import ESCAPED, ODD, PLAIN, REFERENCES, VARIABLES, WILD, paths, readable, texts

usual = settings(max_examples=150, deadline=None, print_blob=True)
pytestmark = pytest.mark.skipif(not PARSER.exists() and not os.environ.get("KRSI_CI"), reason=f"no {PARSER}")

STRICTER = {  # what is said here: the pattern, a path that AppArmor takes it for
    "'!' does not negate a class": ("/[!a]", "/!"),
    "'*' in a class": ("/[*a]", "/[[[a]"),
    "'?' in a class": ("/[?a]", "/[a]"),
    "',' outside of braces": ("/@{COMMA}", "/b"),
    "NUL byte": (r"/\0{,a}", None),
    "a class matches one byte": ("/[é]", "/\udcc3"),
    "bad range": ("/[z-a]", "/k"),
    "braces without alternatives": (r"/b\x40{ONE}", "/b/a"),
    "empty class": ("/[]a[b]", "/["),
    "escaped '^' at the beginning of a class": (r"/[\^a]", "/b"),
    "escaped ',' in a class": (r"/[\,]", "/\\"),
    "misplaced '-' in a class": (r"/[a\-c]", "/b"),
    "the class matches nothing": (r"/{a,[^\x01-\xff]}", "/a"),
    "the pattern begins with two slashes": ("//a", "//a"),
    "variable in a class": ("/[@{ONE}]", "//"),
    r"\x needs two hexadecimal digits": (r"/\xg", "/xg"),
}
COMMA = {"COMMA": ["a,b", "c"]}


def distinguish(ours: Automaton, theirs: Dfa) -> bytes | None:
    """Return a path that one takes and the other does not, if there is one."""
    begin = (ours.start, 1)
    known, left = {begin: b""}, [begin]
    while left:
        mine, yours = pair = left.pop()
        if (ours.class_of(mine) == 1) != theirs.accepts(yours):
            return known[pair]
        for byte in range(1, 256):
            after = ours.run(bytes([byte]), mine), theirs.step(yours, byte)
            if after not in known:
                known[after] = known[pair] + bytes([byte])
                left.append(after)
    return None


def compare(text: str, variables: Mapping[str, Sequence[str]] = VARIABLES) -> None:
    ours = determinise([parse(text, variables)]).minimise([0, 1])
    path = distinguish(ours, compiled([text], variables)[0])
    assert path is None, f"{text!r} matches {path!r} either here or in AppArmor"


@usual
@given(texts(PLAIN, WILD, ESCAPED, REFERENCES).filter(readable))
@example("/a/{*,b/**}/c")
@example("/a[^/]*/b")
@example("/{,**}")
def test_what_both_take_means_the_same(text: str) -> None:
    """
    AppArmor's automaton and ours take the same paths, all of them.
    """
    compare(text)


@usual
@given(st.data(), st.lists(texts(PLAIN, WILD, ESCAPED, REFERENCES).filter(readable), min_size=1, max_size=8))
def test_the_specification_is_apparmor(data: st.DataObject, patterns: list[str]) -> None:
    """
    A pattern matches the paths that it matches in AppArmor.
    """
    globs = [parse(text, VARIABLES) for text in patterns]
    automata = compiled(patterns, VARIABLES)

    for path in data.draw(st.lists(paths(globs), min_size=10, max_size=10)):
        assert [glob.matches(path) for glob in globs] == [automaton.matches(path) for automaton in automata], path


@settings(usual, max_examples=400)
@given(texts(PLAIN, WILD, ESCAPED, ODD, REFERENCES))
def test_what_is_refused_here_only_is_listed(text: str) -> None:
    """
    What is refused here AppArmor refuses too, or it is in the list; what is taken here it takes.
    """
    try:
        parse(text, VARIABLES)
    except GlobError as error:
        assume(not any(said in error.message for said in STRICTER))
        with pytest.raises(RefusedError):
            compiled([text], VARIABLES)
    else:
        compare(text)


@pytest.mark.parametrize("said", STRICTER)
def test_what_is_listed_is_so(said: str) -> None:
    """
    What is in the list is refused here, and AppArmor takes it for what the list says.
    """
    text, path = STRICTER[said]

    with pytest.raises(GlobError) as refused:
        parse(text, VARIABLES | COMMA)
    taken = compiled([text], VARIABLES | COMMA)[0]

    assert said in refused.value.message
    assert path is None or taken.matches(path.encode(errors="surrogateescape"))


def test_the_guest_table_holds_without_a_guest() -> None:
    """
    What tests/vm/test_globs_apparmor.py tries with real files AppArmor's compiler and the specification say too.
    """
    rows, variables = table(), table_variables()

    for (pattern, paths_of), automaton in zip(rows.items(), compiled(list(rows), variables), strict=True):
        glob = parse(pattern, variables)
        for path, expected in paths_of:
            assert (glob.matches(path), automaton.matches(path)) == (expected, expected), (pattern, path)


def test_what_debian_ships_means_the_same() -> None:
    """
    The patterns of the abstractions and profiles that come with AppArmor are read, and mean what they mean there.

    Every sixth is compared path by path, which takes seconds; all have been.
    """
    variables, patterns = tunables(), shipped()

    assert len(patterns) > 500
    for text in patterns:
        assert parse(text, variables).sample().startswith(b"/")
    for text in patterns[::6]:
        compare(text, variables)
