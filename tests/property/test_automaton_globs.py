"""Patterns: any text is one or is refused where it is wrong, and what is one can be shown."""

from collections.abc import Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from krsi.compiler.automaton import determinise
from krsi.policy.glob import Glob, GlobError, parse

from .globs import ESCAPED, ODD, PLAIN, REFERENCES, VARIABLES, WILD, globs, texts

usual = settings(max_examples=300, deadline=None, print_blob=True)
anything = st.one_of(
    st.text(),
    st.text("/ab*?[]{},\\@^-!xd0\x00é\ud800").map(lambda text: f"/{text}"),
    texts(PLAIN, WILD, ESCAPED, ODD, REFERENCES),
)


def refusal(text: str, variables: Mapping[str, Sequence[str]]) -> GlobError | None:
    try:
        parse(text, variables)
    except GlobError as error:
        return error
    return None


@usual
@given(anything, st.dictionaries(st.sampled_from("AB"), st.lists(anything, max_size=3)))
def test_any_text_is_read_or_refused(text: str, more: dict[str, list[str]]) -> None:
    """
    Nothing but a GlobError is raised, and it points at something in the text.
    """
    error = refusal(text, VARIABLES | more)

    assert error is None or (error.message and error.length >= 1)
    assert error is None or 0 <= error.offset < error.offset + error.length <= max(len(text), 1)


@usual
@given(globs)
def test_a_sample_matches(glob: Glob) -> None:
    """
    The path that is shown for a pattern is one of its paths, and begins with its prefix.
    """
    assert glob.matches(glob.sample())
    assert glob.sample().startswith(glob.literal_prefix)
    assert glob.literal in {None, glob.sample()}


@usual
@given(globs, st.binary(max_size=6).filter(lambda tail: 0 not in tail))
def test_every_path_begins_with_a_slash(glob: Glob, path: bytes) -> None:
    """
    Patterns are absolute: nothing else is ever let through.
    """
    automaton = determinise([glob]).minimise([0, 1])

    assert path.startswith(b"/") or not glob.matches(path)
    assert path.startswith(b"/") or automaton.run(path) == 0 or not path
