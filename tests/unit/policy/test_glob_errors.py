"""What is no pattern, and where it says so."""

import pytest

from krsi.policy.glob import GlobError, parse
from krsi.policy.glob_tokens import MAX_DEPTH, MAX_SIZE

VARIABLES = {
    "HOME": ["/home/*", "/root"],
    "LOOP": ["/a@{POOL}"],
    "POOL": ["@{LOOP}"],
    "SELF": ["@{SELF}"],
    "COMMA": ["a,b"],
    "OPEN": ["{a"],
    "CLOSE": ["a}"],
    "CLASS": ["ok", "[z-a]"],
    "NONE": [],
    "RELATIVE": ["a"],
    "MIXED": ["/a", "b"],
    "LOST": ["@{HOEM}"],
}

ERRORS = [
    # text, what is marked, message, hint
    ("/a[bc", "[", "unclosed '['", r"write \[ for the character itself"),
    ("/a]b", "]", "']' without '['", r"write \] for the character itself"),
    ("/a{b,c", "{", "unclosed '{'", r"write \{ for the character itself"),
    ("/{a,{b,c}", "{", "unclosed '{'", r"write \{ for the character itself"),
    ("/a}", "}", "'}' without '{'", r"write \} for the character itself"),
    ("/{a}", "{", "braces without alternatives", "{a,b}, or {a,} for one that may be missing"),
    ("/{}", "{", "braces without alternatives", "{a,b}, or {a,} for one that may be missing"),
    ("/a[]b", "[]", "empty class", r"write \[ for the character itself"),
    ("/a[^]b", "[^]", "empty class", r"write \[ for the character itself"),
    (r"/[^\x01-\xff]", r"[^\x01-\xff]", "the class matches nothing", ""),
    ("/[0-9z-a]", "z-a", "bad range: its end comes before its beginning", "turn it round"),
    ("/[a-]", "-", "misplaced '-' in a class", "put it first: [-a]"),
    ("/[a-b-c]", "-", "misplaced '-' in a class", "put it first: [-a]"),
    (r"/[a\-z]", r"\-", "misplaced '-' in a class", "put it first: [-a]"),
    (r"/[a\x2dz]", r"\x2d", "misplaced '-' in a class", "put it first: [-a]"),
    ("/[*]", "*", "'*' in a class", r"write \* for the character itself"),
    ("/[a?]", "?", "'?' in a class", r"write \? for the character itself"),
    (r"/[a\,]", r"\,", "escaped ',' in a class", "write it as it is"),
    (r"/[a\x2c]", r"\x2c", "escaped ',' in a class", "write it as it is"),
    (r"/[\^a]", r"\^", "escaped '^' at the beginning of a class", "put it behind another character: [a^]"),
    ("/[^^-z]", "^", "'^' begins a range at the beginning of a class", "put it behind another character: [^a^-z]"),
    ("/[!a]", "!", "'!' does not negate a class", r"write [^…] to negate, \! for the character itself"),
    ("/[aé]", "é", "a class matches one byte, and this character is several", "use braces: {é,è}"),
    ("/[a@{HOME}]", "@{HOME}", "variable in a class", "use braces: {@{NAME},…}"),
    (r"/a\xg", r"\x", r"\x needs two hexadecimal digits", r"\x0a, \xff"),
    (r"/a\x1", r"\x", r"\x needs two hexadecimal digits", r"\x0a, \xff"),
    ("/a\\", "\\", "backslash at the end", r"write \\ for the character itself"),
    ("/a\0b", "\0", "NUL byte", "no path holds one"),
    ("/[\0]", "\0", "NUL byte", "no path holds one"),
    (r"/a\x00", r"\x00", "NUL byte", "no path holds one"),
    (r"/[\0]", r"\0", "NUL byte", "no path holds one"),
    ("/a\udcff", "\udcff", "not UTF-8 text", r"write such bytes as \xHH"),
    ("/a\udcff*", "\udcff", "not UTF-8 text", r"write such bytes as \xHH"),
    ("a/b", "a/b", "the pattern is not absolute", "begin it, and each alternative, with '/'"),
    ("*", "*", "the pattern is not absolute", "begin it, and each alternative, with '/'"),
    ("[/]a", "[/]", "the pattern is not absolute", "begin it, and each alternative, with '/'"),
    ("{/a,b}", "b", "the pattern is not absolute", "begin it, and each alternative, with '/'"),
    ("{/a,}b", "b", "the pattern is not absolute", "begin it, and each alternative, with '/'"),
    ("@{RELATIVE}", "@{RELATIVE}", "the pattern is not absolute", "begin it, and each alternative, with '/'"),
    ("@{MIXED}/c", "@{MIXED}", "the pattern is not absolute", "begin it, and each alternative, with '/'"),
    ("{/a,}", "{/a,}", "the pattern matches the empty path", "begin it with '/'"),
    ("//usr", "//usr", "the pattern begins with two slashes, and no path does", "write one"),
    ("/@{HOME}*[", "[", "unclosed '['", r"write \[ for the character itself"),
    ("/@{HOEM}", "@{HOEM}", "undefined variable @{HOEM}", "did you mean @{HOME}?"),
    ("/@{XYZ}", "@{XYZ}", "undefined variable @{XYZ}", ""),
    ("/@{}", "@{}", "@{} is not a variable", "a name is letters, digits and '_', and begins with a letter"),
    ("/@{1}", "@{1}", "@{1} is not a variable", "a name is letters, digits and '_', and begins with a letter"),
    ("@{SELF}", "@{SELF}", "in the value '@{SELF}' of @{SELF}: variable @{SELF} refers to itself", "SELF -> SELF"),
    ("/@{NONE}", "@{NONE}", "variable @{NONE} has no values", ""),
    ("/@{LOST}", "@{LOST}", "in the value '@{HOEM}' of @{LOST}: undefined variable @{HOEM}", "did you mean @{HOME}?"),
    (
        "/@{COMMA}",
        "@{COMMA}",
        "in the value 'a,b' of @{COMMA}: ',' outside of braces",
        r"write \, for the character itself, {a,b} for alternatives",
    ),
    ("/@{OPEN}", "@{OPEN}", "in the value '{a' of @{OPEN}: unclosed '{'", r"write \{ for the character itself"),
    ("/@{CLOSE}", "@{CLOSE}", "in the value 'a}' of @{CLOSE}: '}' without '{'", r"write \} for the character itself"),
    (
        "/@{CLASS}",
        "@{CLASS}",
        "in the value '[z-a]' of @{CLASS}: bad range: its end comes before its beginning",
        "turn it round",
    ),
    (
        "@{LOOP}",
        "@{LOOP}",
        "in the value '/a@{POOL}' of @{LOOP}: in the value '@{LOOP}' of @{POOL}: variable @{LOOP} refers to itself",
        "LOOP -> POOL -> LOOP",
    ),
]


@pytest.mark.parametrize(("text", "marked", "message", "hint"), ERRORS, ids=[repr(case[0]) for case in ERRORS])
def test_error(text: str, marked: str, message: str, hint: str) -> None:
    """
    An error says what is wrong, where, and what to write instead.
    """
    with pytest.raises(GlobError) as caught:
        parse(text, VARIABLES)

    error = caught.value
    assert (error.message, error.hint) == (message, hint)
    assert text[error.offset : error.offset + error.length] == marked


def test_empty() -> None:
    """
    The empty pattern is refused where it stands; there is one character to mark, though none is there.
    """
    with pytest.raises(GlobError, match="empty path") as caught:
        parse("", {})

    assert (caught.value.offset, caught.value.length) == (0, 1)


def test_text() -> None:
    """
    As text an error has its place, counted as people do, and its hint.
    """
    with pytest.raises(GlobError) as caught:
        parse("/a]", {})

    assert str(caught.value) == r"']' without '[' (character 3): write \] for the character itself"


def test_braces_may_be_deep_but_not_deeper() -> None:
    """
    Braces nest as deep as in AppArmor.
    """
    assert parse("/" + "{a," * MAX_DEPTH + "}" * MAX_DEPTH, {}).matches(b"/a")
    with pytest.raises(GlobError, match=f"nested more than {MAX_DEPTH} deep"):
        parse("/" + "{a," * (MAX_DEPTH + 1) + "}" * (MAX_DEPTH + 1), {})


@pytest.mark.parametrize(
    "variables",
    [
        {f"V{n}": [f"@{{V{n + 1}}}@{{V{n + 1}}}"] for n in range(40)} | {"V40": ["abc"]},
        {f"V{n}": [f"@{{V{n + 1}}}@{{V{n + 1}}}"] for n in range(40)} | {"V40": ["a", "b"]},
        {"V0": [f"{n}@{{V1}}" for n in range(1000)], "V1": ["x" * 200] * 10},
        {"V0": [f"{n}@{{V1}}@{{V1}}" for n in range(1000)], "V1": [str(n) for n in range(100)]},
    ],
    ids=["long", "many", "long and many", "many of many"],
)
def test_expansion_is_bounded(variables: dict[str, list[str]]) -> None:
    """
    Variables that would fill the memory are refused at once.
    """
    with pytest.raises(GlobError, match="too large"):
        parse("/@{V0}" * 2, variables)


def test_much_of_nothing_is_nothing() -> None:
    """
    Values are worked out once, however often they are referred to.
    """
    variables = {f"V{n}": [f"@{{V{n + 1}}}@{{V{n + 1}}}"] for n in range(40)} | {"V40": [""]}

    assert parse("/a@{V0}", variables).literal == b"/a"


def test_variables_may_be_nested_but_not_for_ever() -> None:
    """
    A chain of variables ends in an error, not in a RecursionError.
    """
    with pytest.raises(GlobError, match=f"more than {MAX_DEPTH} deep"):
        parse("/@{V0}", {f"V{n}": [f"@{{V{n + 1}}}"] for n in range(5000)})


def test_patterns_are_bounded() -> None:
    """
    A text that is no pattern but a book is refused.
    """
    with pytest.raises(GlobError, match="too large"):
        parse("/*" + "x" * MAX_SIZE, {})
