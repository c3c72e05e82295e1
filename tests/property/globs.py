"""Random patterns that collide with each other, and random paths that nearly match them."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from krsi.policy.glob import Either, Glob, GlobError, Literal, Many, Node, OneOf, parse

VARIABLES = {
    "ONE": ["/a"],
    "SLASHED": ["/a/"],
    "TWO": ["/a/", "/b*"],
    "STARS": ["*", "a**"],
    "STAR": ["*"],
    "EMPTY": ["", "ab"],
    "NESTED": ["a@{EMPTY}b", "{a,b/}@{STAR}"],
    "ROOT": ["/", "/a"],
    "BRACE": ["{/a,/b/}"],
}
"""Their values hold slashes where they meet others, stars that become runs, and nothing."""

PLAIN = ["a", "b", "ab", ".", "-", "/", "/", "//", "é", "^", "$", "(", "+", "@", " "]
WILD = ["*", "*", "**", "***", "?", "/*", "/**", "/*/", "*/"]
WILD += ["[ab]", "[^a]", "[a-c]", "[^/]", "[/.-]", "[-a]", "[]", "[^^b]", r"[\]\\]", r"[\x80-\xff]"]
ESCAPED = [r"\*", r"\?", r"\[", r"\{", r"\,", r"\\", r"\/", r"\a", r"\q", r"\""]
ESCAPED += [r"\x61", r"\x2f", r"\x2a", r"\xc3", r"\141", r"\d97", r"\x5c"]
ODD = ["[!a]", "[*]", r"[\^a]", r"[a\-c]", "[a-]", r"[\,]", "[é]", "[z-a]", "[@{ONE}]"]
ODD += ["[", "]", "{", "}", "{a}", "\\", r"\xg", r"\x1", r"\0", "@{", "@{}", "@{a,b}", r"\x40{ONE}"]

REFERENCES = [f"@{{{name}}}" for name in VARIABLES]
ALPHABET = b"ab./\xc3\xa9-^*,c"


def pieces(*kinds: Sequence[str]) -> st.SearchStrategy[str]:
    return st.one_of([st.sampled_from(kind) for kind in kinds])


def bodies(*kinds: Sequence[str]) -> st.SearchStrategy[str]:
    """Text of a pattern behind its first slash: pieces and, nested, braces."""

    def longer(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        braces = st.lists(inner, min_size=2, max_size=3).map(lambda branches: f"{{{','.join(branches)}}}")
        return st.lists(st.one_of(pieces(*kinds), braces), max_size=4).map("".join)

    return st.recursive(st.lists(pieces(*kinds), max_size=5).map("".join), longer, max_leaves=6)


def texts(*kinds: Sequence[str]) -> st.SearchStrategy[str]:
    begin = st.sampled_from(["/", "/", "/", "/a/", "@{ONE}", "@{TWO}", "@{ROOT}", "@{BRACE}"])
    return st.tuples(begin, bodies(*kinds)).map("".join)


def readable(text: str) -> bool:
    try:
        parse(text, VARIABLES)
    except GlobError:
        return False
    return True


globs: st.SearchStrategy[Glob] = (
    texts(PLAIN, WILD, ESCAPED, REFERENCES).filter(readable).map(lambda text: parse(text, VARIABLES))
)


@st.composite
def paths_of(draw: Any, nodes: Sequence[Node]) -> bytes:
    """Paths that match *nodes*, out of few bytes as far as they let."""
    path = b""
    for node in nodes:
        match node:
            case Literal(data):
                path += data
            case OneOf(members):
                path += bytes([draw(st.sampled_from(_likely(members)))])
            case Many(members):
                path += bytes(draw(st.lists(st.sampled_from(_likely(members)), max_size=3)))
            case Either(branches):
                path += draw(paths_of(draw(st.sampled_from(branches))))
    return path


def _likely(members: bytes) -> bytes:
    return bytes(set(members) & set(ALPHABET)) or members


@st.composite
def paths(draw: Any, patterns: Sequence[Glob]) -> bytes:
    """Paths that match one of *patterns*, most of them spoilt a little."""
    path = bytearray(draw(paths_of(draw(st.sampled_from(patterns)).nodes)) if patterns else b"/")
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        at = draw(st.integers(0, len(path)))
        path[at : at + draw(st.integers(0, 2))] = bytes(draw(st.lists(st.sampled_from(ALPHABET), max_size=2)))
    return bytes(path)
