"""Policies of all kinds: good ones, nearly good ones, and what only looks like one."""

from typing import Any

from hypothesis import strategies as st

from krsi.policy.model import EXEC, FILE_ACCESSES, SEVERITIES, Mode, Verb
from krsi.policy.words import ACCESS_SETS, CASE, EXEC_RULE, FILES_RULE, ITEMS, MATCH, TWO_NAMES, Table

PROFILES = ("a", "b", "c")
ABSTRACTIONS = ("x", "y", "z")
VARIABLES = ("V", "W")

PATTERNS = st.sampled_from(["/a", "/b/**", "/c/*", "/{d,e}", "/@{V}", "/f/@{W}/[0-9]", "/b/", "/\\x66"])
PATHS = st.sampled_from(["/a", "/b/c", "/@{V}/x", "/\\*"])
MORE = st.fixed_dictionaries(
    {},
    optional={
        "owner": st.booleans(),
        "log": st.sampled_from([True, *SEVERITIES]),
        "reason": st.just("why"),
        "tags": st.lists(st.sampled_from(["t", "u"]), min_size=1, max_size=2),
    },
)


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One, or a list of one to three."""
    return strategy | st.lists(strategy, min_size=1, max_size=3, unique=True)


@st.composite
def file_rules(draw: st.DrawFn) -> dict[str, Any]:
    verb = draw(st.sampled_from(list(Verb)))
    access = some(st.sampled_from([*ACCESS_SETS, "rw", "mrk", "a"]))
    return {str(verb): draw(access), "path": draw(some(PATTERNS)), **draw(MORE)}


@st.composite
def exec_rules(draw: st.DrawFn) -> dict[str, Any]:
    """Only literals that no other rule has lead elsewhere, so that nothing ties."""
    verb = draw(st.sampled_from(list(Verb)))
    rule = {str(verb): draw(some(PATTERNS)), **draw(MORE)}
    if verb is Verb.ALLOW and draw(st.booleans()):
        target = draw(st.sampled_from([*PROFILES, "unconfined", "matched"]))
        rule |= {"allow": [f"/bin/{target}"], "as": target}
    return rule


def sections() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {},
        optional={
            "files": st.lists(file_rules(), min_size=1, max_size=3),
            "exec": st.lists(exec_rules(), min_size=1, max_size=3),
            "description": st.just("text"),
        },
    )


@st.composite
def profiles(draw: st.DrawFn, name: str) -> dict[str, Any]:
    item = {"profile": name, "match": {"exe": [f"/bin/{name}", f"/{name}/@{{W}}/*"]}, **draw(sections())}
    verdict = st.sampled_from(["allow", "deny"])
    default = verdict | st.fixed_dictionaries({"files": verdict}, optional={"exec": verdict})
    extra = {
        "mode": st.sampled_from(list(map(str, Mode))),
        "default": default,
        "include": some(st.sampled_from(ABSTRACTIONS)),
    }
    return item | draw(st.fixed_dictionaries({}, optional=extra))


@st.composite
def abstractions(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Each includes only those after it."""
    item: dict[str, Any] = {"abstraction": name, **draw(sections())}
    later = [other for other in ABSTRACTIONS if other > name]
    includes: bool = draw(st.booleans())
    if later and includes:
        item["include"] = draw(some(st.sampled_from(later)))
    return item


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    access = draw(st.sampled_from([*FILE_ACCESSES, EXEC]))
    expect = draw(st.sampled_from(["allow", "deny", "kill"]))
    case = {access: draw(PATHS), "expect": expect, "owner": draw(st.booleans())}
    if access in TWO_NAMES:
        case["to"] = draw(PATHS)
    if access == EXEC and expect == "allow":
        case["as"] = draw(st.sampled_from([*PROFILES, "unconfined"]))
    return case


@st.composite
def good_policies(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Items that are right, in some order."""
    items: list[dict[str, Any]] = [draw(profiles(name)) for name in PROFILES]
    items += [draw(abstractions(name)) for name in ABSTRACTIONS]
    items.append({"vars": {"V": ["v", "w"], "W": "w/@{V}"}})
    for number in range(draw(st.integers(0, 2))):
        tried = draw(st.lists(cases(), min_size=1, max_size=3))
        items.append({"test": f"t{number}", "profile": draw(st.sampled_from(PROFILES)), "cases": tried})
    return draw(st.permutations(items))


TABLES: list[Table] = [*ITEMS.values(), MATCH, FILES_RULE, EXEC_RULE, CASE]
WORDS = sorted({str(word) for table in TABLES for word in (*table.keys, *table.either, *table.later, *table.elsewhere)})
TEXTS = st.sampled_from(
    [*WORDS, *ACCESS_SETS, *PROFILES, *ABSTRACTIONS, "rix", "/x", "@{V}", "/@{U}", "[", "", "\n", "\0", "\u202e"]
)
SCALARS = TEXTS | st.booleans() | st.integers(-1, 2**33) | st.none() | st.text(max_size=5)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def odd_policies(draw: st.DrawFn) -> Any:
    """Policies with something changed somewhere."""
    policy: Any = draw(good_policies())
    for _ in range(draw(st.integers(0, 3))):
        policy = _changed(policy, draw)
    return policy


def _changed(node: Any, draw: st.DrawFn) -> Any:
    if not isinstance(node, list | dict) or not node or draw(st.integers(0, 9)) == 0:
        return draw(ANYTHING)
    if isinstance(node, list):
        at = draw(st.integers(0, len(node) - 1))
        return [_changed(each, draw) if number == at else each for number, each in enumerate(node)]
    key = draw(st.sampled_from(sorted(node)))
    match draw(st.integers(0, 4)):
        case 0:
            return {other: value for other, value in node.items() if other != key}
        case 1:
            return {draw(TEXTS) if other == key else other: value for other, value in node.items()}
        case _:
            return {other: _changed(value, draw) if other == key else value for other, value in node.items()}
