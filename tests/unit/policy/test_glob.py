"""What patterns mean."""

import time

import pytest

from krsi.policy.glob import ANY, NOT_SLASH, Either, Literal, Many, OneOf, parse

VARIABLES = {
    "HOME": ["/home/*/", "/root/"],
    "ONE": ["/srv/*"],
    "STAR": ["*"],
    "TWO": ["/srv/*", "/b"],
    "NESTED": ["@{ONE}/x", "/y"],
    "EMPTY": [""],
}

MATCHES = [
    # stars
    ("/a/*", "/a/b /a/.b /a/b.c", "/a/ /a /a/b/ /a/b/c"),
    ("/a/**", "/a/b /a/b/ /a/b/c", "/a/ /a /a//"),
    ("/a/***", "/a/b /a/b/c", "/a/"),
    ("/a*", "/a /ab", "/a/ /b /a/b"),
    ("/a**", "/a /ab /a/ /a/b", "/b"),
    ("/a/*/c", "/a/b/c", "/a//c /a/b/b/c"),
    ("/a/**/c", "/a/b/c /a/b/b/c", "/a//c /a/c"),
    ("/a/*/", "/a/b/", "/a/b /a//"),
    ("/a/**/", "/a/b/ /a/b/c/", "/a/b /a// /a/"),
    ("/a/*b", "/a/b /a/ab", "/a/ /a/c/b"),
    ("/a/**b", "/a/b /a/c/b", "/a/"),
    ("/*", "/a", "/ /a/"),
    ("/**", "/a /a/ /a/b", "/"),
    ("/a**/", "/a/ /ab/c/", "/a"),
    # a star at the end of a branch is not the whole component to AppArmor
    ("/a/{*,x/y}", "/a/ /a/b /a/x/y", "/a/x/"),
    ("/a/{,**}", "/a/ /a/b /a/b/c", "/a"),
    # one
    ("/a?", "/ab /a.", "/a /a/ /abc"),
    ("/a[bc]", "/ab /ac", "/aa /a /abc"),
    ("/a[^bc]", "/aa /a/", "/ab /a"),
    ("/a[a-c]", "/aa /ab /ac", "/ad"),
    ("/a[-a]", "/a- /aa", "/ab"),
    ("/a[a^]", "/aa /a^", "/ab"),
    ("/a[^^]", "/aa", "/a^"),
    ("/a[[{},]", "/a[ /a{ /a} /a,", "/ab"),
    (r"/a[\]\\\*]", "/a] /a\\ /a*", "/ab"),
    ("/a[b/]c", "/abc /a/c", "/ac"),
    ("/a[/]*", "/a/ /a/b", "/a"),
    # alternatives
    ("/{a,b}c", "/ac /bc", "/c /abc"),
    ("/a{,b}", "/a /ab", "/abb"),
    ("/{a,b{c,d}}", "/a /bc /bd", "/b"),
    ("/a,b", "/a,b", "/a /b"),
    ("{/a,/b/}", "/a /b/", "/b"),
    ("{,/a}/b", "/b /a/b", "/a"),
    # escapes
    (r"/\*\?\[\]\{\}\,\\", "/*?[]{},\\", "/a"),
    (r"/\x61\141\d97", "/aaa", "/a"),
    (r"/\q\"", '/q"', "/q"),
    (r"/{a\,b,c}", "/a,b /c", "/a /b,c"),
    (r"/\777", "/?7", "/a7"),
    (r"/\d300", "/\x1e0", "/0"),
    (r"/\t", "/\t", "/t"),
    ("/$^.+|()!~#", "/$^.+|()!~#", "/"),
    # slashes
    ("/a//b", "/a/b", "/a//b"),
    ("///a///", "/a/", "/a //a/"),
    (r"/a/\x2fb", "/a/b", "/a//b"),
    (r"/a\//b", "/a/b", "/a//b"),
    # variables
    ("@{HOME}/x", "/home/u/x /root/x /home//x", "/root//x /home/u//x"),
    ("@{HOME}", "/home/u/ /root/", "/root /home//"),
    ("@{TWO}", "/srv/ /srv/a /b", "/srv"),
    ("@{ONE}/x", "/srv/a/x", "/srv//x"),
    ("/b@{STAR}@{STAR}", "/b /b/c", "/a"),
    ("/b/@{STAR}", "/b/c", "/b/"),
    ("@{NESTED}", "/srv/a/x /y", "/srv/x /srv//x"),
    ("/a@{EMPTY}b", "/ab", "/a"),
    ("/@b@", "/@b@", "/b"),
    ("/@{a,b}", "/@a /@b", "/a"),
]


@pytest.mark.parametrize(("text", "yes", "no"), MATCHES, ids=[text for text, _, _ in MATCHES])
def test_matches(text: str, yes: str, no: str) -> None:
    """
    A pattern matches what AppArmor's does, and nothing else.
    """
    glob = parse(text, VARIABLES)

    # of names that hold a tab there is but one, alone
    accepted = [yes] if "\t" in yes else yes.split(" ")

    assert [path for path in accepted if not glob.matches(path.encode())] == []
    assert [path for path in no.split(" ") if glob.matches(path.encode())] == []


def test_names_are_bytes() -> None:
    """
    Text stands for its UTF-8, a wildcard for one byte, and any byte can be written.
    """
    assert parse("/é", {}).matches("/é".encode())
    assert not parse("/?", {}).matches("/é".encode())
    assert parse("/??", {}).matches("/é".encode())
    assert parse(r"/\xff[\x80-\xbf]", {}).matches(b"/\xff\x80")
    assert parse("/a*", {}).matches(b"/a\n\xff")


def test_nothing_is_folded_or_normalised() -> None:
    """
    Letters have their case, and a letter is not the same as its parts.
    """
    assert not parse("/A", {}).matches(b"/a")
    assert not parse("/\u00e9", {}).matches("/e\u0301".encode())
    assert not parse("/a/../b", {}).matches(b"/b")


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("/", b"/"),
        ("/a/b", b"/a/b"),
        ("/a,b@c", b"/a,b@c"),
        (r"/a\*b", b"/a*b"),
        ("/a//b/", b"/a/b/"),
        ("@{EMPTY}/é", b"/\xc3\xa9"),
        ("/a*", None),
        ("/{a,b}", None),
        ("/[a]", None),
        ("{/a,/b}", None),
    ],
)
def test_literal(text: str, literal: bytes | None) -> None:
    """
    A pattern without choice is one path.
    """
    assert parse(text, VARIABLES).literal == literal


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("/a/b", b"/a/b"),
        ("/a/b*", b"/a/b"),
        ("/a/**", b"/a/"),
        (r"/a\x62{c,d}", b"/ab"),
        ("{/a,/b}", b""),
        ("/?", b"/"),
    ],
)
def test_literal_prefix(text: str, prefix: bytes) -> None:
    """
    The prefix is what stands before the first wildcard or brace.
    """
    assert parse(text, {}).literal_prefix == prefix


@pytest.mark.parametrize(
    ("text", "sample"),
    [
        ("/a", b"/a"),
        ("/a/*.so", b"/a/x.so"),
        ("/a/**", b"/a/x"),
        ("/lib*.so{,.*}", b"/lib.so"),
        ("/[^x]?", b"/0x"),
        ("/proc/[0-9]*/stat", b"/proc/0/stat"),
        (r"/[\x01-\x1f]", b"/\x01"),
        ("/a[/]b", b"/a/b"),
        ("@{HOME}/x", b"/home/x/x"),
    ],
)
def test_sample(text: str, sample: bytes) -> None:
    """
    A sample is a path that matches, and reads well if it can.
    """
    glob = parse(text, VARIABLES)

    assert glob.sample() == sample
    assert glob.matches(sample)


def test_tree() -> None:
    """
    The tree is what the automaton is built from.
    """
    assert parse("/a/*{b,}**c//d", {}).nodes == (
        Literal(b"/a/"),
        Many(NOT_SLASH),
        Either(((Literal(b"b"),), ())),
        Many(ANY),
        Literal(b"c/d"),
    )
    assert parse("/*/", {}).nodes == (Literal(b"/"), OneOf(NOT_SLASH), Many(NOT_SLASH), Literal(b"/"))


def test_trees_can_be_read() -> None:
    """
    In a message sets look like what they match, not like a page of bytes.
    """
    assert repr(parse("/?*[ab]", {}).nodes) == (
        r"(Literal(data=b'/'), OneOf(b'[^/\\x00]'), Many(b'[^/\\x00]'), OneOf(b'[\\x61\\x62]'))"
    )


def test_globs_are_values() -> None:
    """
    Equal patterns are equal, and can be keys.
    """
    assert parse("/a*", {}) == parse("/a*", {})
    assert len({parse("/a*", {}), parse("/a*", {}), parse("/b*", {})}) == 2


@pytest.mark.parametrize("text", ["/t/**a**b**c**d", "/{a,b,*}*{c,d}*x*", "/" + "{a,aa}" * 20 + "z"])
@pytest.mark.parametrize("path", [b"/t/" + b"abc" * 1300, b"/" + b"a" * 4000, b"/t/" + b"ab/" * 1300])
def test_no_path_makes_it_slow(text: str, path: bytes) -> None:
    """Attackers choose the paths that events tell of, and the reader of events must not stand still for one."""
    before = time.process_time()
    assert not parse(text, {}).matches(path)
    assert time.process_time() - before < 0.5
