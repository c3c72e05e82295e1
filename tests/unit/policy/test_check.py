"""What is wrong or odd between things, and what a policy covers."""

import pytest

from krsi.policy.cover import Cover, covers
from krsi.policy.faults import Fault
from krsi.policy.model import FILE_ACCESSES

from .policies import WEB, faults, policy


def cover(text: str) -> Cover:
    return covers(policy(WEB + text))["web"]


def rule(text: str) -> str:
    return f"    - {text}\n"


@pytest.mark.parametrize(
    ("one", "other", "tie"),
    [
        ("{allow: /x, as: a}", "{allow: /x, as: unconfined}", True),
        ("{allow: /x, as: a}", "{allow: /x}", True),
        ("{allow: /x, as: a}", "{allow: '/\\x78', as: matched}", True),
        ("{allow: '/x*', as: a}", "{allow: '/x*', as: matched, owner: true}", True),
        ("{allow: /x, as: a}", "{allow: [/y, /x], as: a}", False),
        ("{allow: /x, as: a}", "{allow: '/x*', as: matched}", False),
        ("{allow: /x, as: a}", "{deny: /x}", False),
        ("{allow: /x, as: a}", "{audit: /x}", False),
    ],
)
def test_two_rules_that_lead_one_program_to_two_places_tie(one: str, other: str, tie: bool) -> None:
    profile = "- profile: a\n"
    assert faults(WEB + "  exec:\n" + rule(one) + rule(other) + profile) == [Fault.TIE_EXEC] * tie
    assert faults(WEB + "  exec:\n" + rule(other) + rule(one) + profile) == [Fault.TIE_EXEC] * tie


def test_a_tie_in_an_abstraction_is_said_once() -> None:
    users = "".join(f"- profile: p{number}\n  match: {{exe: /p{number}}}\n  include: x\n" for number in range(3))
    assert faults(users + "- abstraction: x\n  exec:\n" + rule("{allow: /x}") + rule("{allow: /x, as: p0}")) == [
        Fault.TIE_EXEC
    ]


@pytest.mark.parametrize(
    ("one", "other", "tie"),
    [
        ("{exe: /x}", "{exe: /x}", True),
        ("{exe: [/x, /y]}", "{exe: [/z, /x]}", True),
        ("{exe: '/x*'}", "{exe: '/x*'}", True),
        ("{exe: /x, uid: [1, a]}", "{exe: /x, uid: [2, a]}", True),
        ("{exe: /x, uid: root}", "{exe: /x, uid: 0}", True),
        ("{exe: /x, uid: 1}", "{exe: /x, uid: 2}", False),
        ("{exe: /x, uid: 1}", "{exe: /x}", False),
        ("{exe: /x}", "{exe: '/x*'}", False),
    ],
)
def test_two_profiles_that_the_same_task_enters_tie(one: str, other: str, tie: bool) -> None:
    text = f"- profile: a\n  match: {one}\n- profile: b\n  match: {other}\n"
    assert faults(text) == [Fault.TIE_MATCH] * tie
    assert faults(text + "  mode: off\n") == []


def test_a_profile_of_which_only_itself_knows_is_never_entered() -> None:
    assert faults("- profile: a\n  exec:\n" + rule("{allow: /x, as: a}")) == [Fault.UNREACHABLE]
    assert faults("- profile: a\n", WEB + "  exec:\n" + rule("{allow: /x, as: a}")) == []
    assert faults("- profile: a\n", WEB + "  exec:\n" + rule("{deny: /x}")) == [Fault.UNREACHABLE]


def test_to_run_something_as_a_profile_that_is_off_is_odd() -> None:
    off = "- profile: a\n  mode: off\n"
    assert faults(off + WEB + "  exec:\n" + rule("{allow: [/x, /y], as: a}")) == [Fault.ENTERS_OFF] * 2


def test_what_is_odd_is_not_said_where_something_is_wrong() -> None:
    assert faults("- profile: lost\n", "- profile: web\n  mod: x\n") == [Fault.UNKNOWN_KEY]


@pytest.mark.parametrize(
    ("profile", "access", "odd"),
    [
        ("", "read", False),
        ("", "exec", False),
        ("", "getattr", True),
        ("  files:\n    - {allow: getattr, path: /x}\n", "getattr", False),
        ("  default: allow\n", "read", True),
        ("  default: {files: allow}\n", "exec", False),
        ("  default: allow\n  files:\n    - {deny: read, path: /x}\n", "read", False),
        ("  mode: off\n", "read", True),
    ],
)
def test_a_test_of_what_nobody_decides_is_odd(profile: str, access: str, odd: bool) -> None:
    test = f"- test: t\n  profile: web\n  cases:\n    - {{{access}: /x, expect: allow}}\n"
    assert faults(WEB + profile + test) == [Fault.NOT_DECIDED] * odd


def test_a_profile_that_denies_decides_all_but_what_must_be_named() -> None:
    found = cover("  files:\n    - {allow: [read, lock], path: [/a, /b]}\n")
    assert found.decided == (*(access for access in FILE_ACCESSES if access not in {"getattr", "ioctl"}), "exec")
    assert dict(found.undecided) == {
        "getattr": "no rule of the profile names getattr",
        "ioctl": "no rule of the profile names ioctl",
    }
    assert found.rules == 2


def test_a_profile_that_allows_decides_what_its_rules_refuse_and_new_names() -> None:
    found = cover("  default: allow\n  files:\n    - {deny: write, path: /a}\n")
    assert found.decided == ("write", "append", "rename", "link", "truncate")
    assert found.undecided["read"] == "the default is to allow it, and no rule refuses or logs it"


def test_a_profile_that_is_off_decides_nothing() -> None:
    found = cover("  mode: off\n")
    assert found.decided == ()
    assert set(found.undecided.values()) == {"the profile is off"}


def test_a_cover_says_how_the_profile_is_entered() -> None:
    text = WEB + "  exec:\n    - {allow: /sh, as: shell}\n    - {allow: /x, as: web}\n- profile: shell\n"
    found = covers(policy(text))
    assert found["web"].match
    assert [found[name].entered_from for name in ("web", "shell")] == [frozenset(), frozenset({"web"})]
    assert found["shell"].match is None
