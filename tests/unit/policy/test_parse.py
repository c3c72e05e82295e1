"""Nodes to a policy, fact by fact; tests/golden has the texts of the errors."""

import pytest

from krsi.policy import link, patterns, words
from krsi.policy.faults import Fault
from krsi.policy.model import Case, Family, Match, Mode, Policy, Rule, Verb, Verdict
from krsi.policy.words import ACCESS_SETS

from .policies import WEB, faults, loaded, policy, rules, web


def only(text: str) -> Rule:
    (rule,) = rules(text)
    return rule


def file_rule(text: str) -> Rule:
    return only(f"  files:\n    - {text}\n")


def exec_rule(text: str) -> Rule:
    return only(f"  exec:\n    - {text}\n")


def cases(text: str) -> tuple[Case, ...]:
    (test,) = policy(f"{WEB}- test: t\n  profile: web\n  cases:\n    - {text}\n").tests
    return test.cases


# --- profiles


def test_a_profile_enforces_and_denies_unless_it_says_otherwise() -> None:
    profile = web("")
    assert profile.mode is Mode.ENFORCE
    assert [profile.default(family) for family in Family] == [Verdict.DENY, Verdict.DENY]


@pytest.mark.parametrize("mode", list(Mode))
def test_a_profile_has_the_mode_that_it_names(mode: Mode) -> None:
    assert web(f"  mode: {mode}\n").mode is mode


@pytest.mark.parametrize(
    ("text", "files", "exec_"),
    [
        ("allow", Verdict.ALLOW, Verdict.ALLOW),
        ("deny", Verdict.DENY, Verdict.DENY),
        ("{files: allow}", Verdict.ALLOW, Verdict.DENY),
        ("{exec: allow, files: deny}", Verdict.DENY, Verdict.ALLOW),
    ],
)
def test_a_default_is_of_all_families_or_of_one(text: str, files: Verdict, exec_: Verdict) -> None:
    profile = web(f"  default: {text}\n")
    assert (profile.default(Family.FILES), profile.default(Family.EXEC)) == (files, exec_)


def test_a_match_has_patterns_and_users() -> None:
    match = policy("- profile: web\n  match: {exe: [/a, /b/*], uid: [0, 0x10, www-data]}\n").profiles["web"].match
    assert isinstance(match, Match)
    assert ([glob.text for glob in match.exe], match.uids, match.keys()) == (["/a", "/b/*"], (0, 16, "www-data"), 2)
    assert str(match.span) == "0.yaml:2:17"


def test_a_profile_may_have_no_match() -> None:
    loaded_ = loaded("- profile: shell\n")
    assert loaded_.policy.profiles["shell"].match is None
    assert [each.fault for each in loaded_.report.diagnostics] == [Fault.UNREACHABLE]


# --- rules


@pytest.mark.parametrize("verb", list(Verb))
def test_a_rule_has_one_verb(verb: Verb) -> None:
    rule = file_rule(f"{{{verb}: read, path: /x}}")
    assert (rule.family, rule.verb, rule.access, rule.glob.text) == (Family.FILES, verb, frozenset({"read"}), "/x")
    rule = exec_rule(f"{{{verb}: /x}}")
    assert (rule.family, rule.verb, rule.access, rule.glob.text) == (Family.EXEC, verb, frozenset({"exec"}), "/x")


def test_a_rule_with_several_patterns_is_several_rules_each_with_its_place() -> None:
    found = rules("  files:\n    - allow: read\n      path:\n        - /a\n        - '/b'\n")
    assert [(rule.glob.text, str(rule.span), rule.span.length) for rule in found] == [
        ("/a", "0.yaml:6:11", 2),
        ("/b", "0.yaml:7:11", 4),
    ]


@pytest.mark.parametrize(
    ("text", "access"),
    [
        ("read", {"read"}),
        ("[read, map]", {"read", "map"}),
        ("write", {"write", "append", "truncate"}),
        ("append", {"append"}),
        ("any", ACCESS_SETS["any"]),
        ("[any, lock]", ACCESS_SETS["any"] | {"lock"}),
        ("r", {"read"}),
        ("mrk", {"map", "read", "lock"}),
        ("[rl, getattr]", {"read", "link", "getattr"}),
        ("a", {"append"}),
    ],
)
def test_words_stand_for_accesses(text: str, access: set[str]) -> None:
    assert file_rule(f"{{allow: {text}, path: /x}}").access == access


def test_a_rule_says_what_it_says() -> None:
    rule = file_rule("{deny: read, path: /x, owner: true, log: critical, reason: why not, tags: [a, b c]}")
    assert (rule.owner, rule.log, rule.severity, rule.reason, rule.tags) == (
        True,
        True,
        "critical",
        "why not",
        ("a", "b c"),
    )
    assert not rule.implied


def test_a_rule_says_nothing_else() -> None:
    rule = file_rule("{deny: read, path: /x}")
    assert (rule.owner, rule.log, rule.severity, rule.reason, rule.tags, rule.enters) == (
        False,
        None,
        None,
        None,
        (),
        None,
    )


@pytest.mark.parametrize(("text", "log"), [("true", True), ("false", False)])
def test_log_is_yes_or_no_or_how_severe(text: str, log: bool) -> None:
    rule = file_rule(f"{{deny: read, path: /x, log: {text}}}")
    assert (rule.log, rule.severity) == (log, None)


@pytest.mark.parametrize("name", ["matched", "unconfined", "web"])
def test_an_exec_rule_says_what_the_program_runs_as(name: str) -> None:
    assert exec_rule(f"{{allow: /x, as: {name}}}").enters == name


# --- abstractions


BASE = "- abstraction: base\n  include: more\n  files:\n    - {allow: read, path: /base}\n"
MORE = "- abstraction: more\n  files:\n    - {allow: read, path: /more}\n"


def test_rules_of_abstractions_follow_the_own_ones_with_their_own_places() -> None:
    text = WEB + "  include: [base]\n  files:\n    - {allow: read, path: /own}\n"
    found = [rule for rule in policy(BASE, MORE, text).profiles["web"].rules if not rule.implied]
    assert [(rule.glob.text, str(rule.span)) for rule in found] == [
        ("/own", "2.yaml:5:27"),
        ("/base", "0.yaml:4:27"),
        ("/more", "1.yaml:3:27"),
    ]


def test_an_abstraction_counts_once_however_often_it_is_included() -> None:
    found = policy(BASE, MORE, WEB + "  include: [base, more, base]\n").profiles["web"].rules
    assert [rule.glob.text for rule in found if not rule.implied] == ["/base", "/more"]


def test_rules_are_bounded_after_inclusion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "MAX_RULES", 10)
    assert faults(BASE, MORE, WEB + "  include: base\n") == []
    others = "".join(f"- profile: p{number}\n  match: {{exe: /p{number}}}\n  include: base\n" for number in range(3))
    assert faults(BASE, MORE, others) == [Fault.TOO_MANY_RULES]


def test_a_loop_of_abstractions_is_one_error() -> None:
    loop = "".join(f"- abstraction: a{number}\n  include: a{(number + 1) % 100}\n" for number in range(100))
    assert faults(loop, WEB + "  include: a7\n") == [Fault.INCLUDE_CYCLE]


# --- what is implied


def implied(text: str, name: str = "web") -> list[tuple[str, bool]]:
    rules = [rule for rule in policy(text).profiles[name].rules if rule.implied]
    assert all(
        (rule.family, rule.verb, rule.access) == (Family.FILES, Verb.ALLOW, frozenset({"map"})) for rule in rules
    )
    return [(rule.glob.text, rule.owner) for rule in rules]


def test_a_profile_may_map_its_own_program() -> None:
    assert implied(WEB) == [("/bin/web", False)]


def test_a_profile_may_map_what_it_may_execute_and_stay_itself() -> None:
    text = (
        WEB + "  exec:\n    - {allow: [/a, /b]}\n    - {allow: /c, owner: true}\n    - {deny: /d}\n    - {audit: /e}\n"
    )
    assert implied(text) == [("/bin/web", False), ("/a", False), ("/b", False), ("/c", True)]


def test_what_leaves_the_profile_may_be_mapped_where_it_goes() -> None:
    text = (
        WEB
        + "  exec:\n    - {allow: /sh, as: shell, owner: true}\n    - {allow: [/m], as: matched}\n- profile: shell\n"
    )
    assert implied(text) == [("/bin/web", False)]
    assert implied(text, "shell") == [("/sh", True)]


def test_what_an_abstraction_executes_may_be_mapped_too() -> None:
    text = (
        WEB
        + "  include: x\n- abstraction: x\n  exec:\n    - {allow: /a}\n    - {allow: /b, as: shell}\n- profile: shell\n"
    )
    assert implied(text) == [("/bin/web", False), ("/a", False)]
    assert implied(text, "shell") == [("/b", False)]


@pytest.mark.parametrize("default", ["allow", "{exec: allow}"])
def test_where_everything_may_be_executed_everything_may_be_mapped(default: str) -> None:
    assert implied(WEB + f"  default: {default}\n") == [("/bin/web", False), ("/**", False)]


def test_an_implied_rule_is_where_it_comes_from() -> None:
    text = "  default: {exec: allow}\n  exec:\n    - {allow: /a}\n"
    places = [str(rule.span) for rule in web(text).rules if rule.implied]
    assert places == ["0.yaml:2:16", "0.yaml:5:15", "0.yaml:3:19"]


def test_the_same_is_implied_once() -> None:
    other = "- profile: p{0}\n  match: {{exe: /p{0}}}\n  exec:\n    - {{allow: /sh, as: web}}\n"
    assert implied(WEB + "".join(other.format(number) for number in range(3))) == [("/bin/web", False), ("/sh", False)]


# --- variables


def test_variables_are_those_of_all_files() -> None:
    found = policy(
        "- vars: {A: '/a/@{B}'}\n", WEB + "  files:\n    - {allow: read, path: '@{A}/x'}\n", "- vars: {B: [b, c]}\n"
    )
    glob = found.profiles["web"].rules[0].glob
    assert [glob.matches(path) for path in (b"/a/b/x", b"/a/c/x", b"/a/d/x")] == [True, True, False]


def test_what_is_wrong_with_a_variable_is_said_once() -> None:
    use = WEB + "  files:\n    - {allow: read, path: ['@{A}/x', '@{A}/y', '@{B}/z']}\n"
    assert faults(use + "- vars: {A: '/[', B: '@{A}/b'}\n") == [Fault.PATTERN]
    assert faults(use + "- vars: {A: '@{C}', B: '@{A}/b'}\n") == [Fault.UNDEFINED]
    assert faults(use + "- vars: {A: {}, B: '@{A}/b'}\n") == [Fault.TYPE]


def test_an_escaped_reference_is_none() -> None:
    assert faults(WEB + "  files:\n    - {allow: read, path: '/\\@\\{A\\}'}\n") == []


# --- tests


def test_a_case_asks_of_a_path() -> None:
    assert cases("{read: '/a\\*', expect: deny}")[0].path == b"/a*"
    (case,) = cases("{rename: /a/, to: '/\\xff', owner: true, expect: kill}")
    assert (case.access, case.path, case.to, case.owner, case.expect) == (
        "rename",
        b"/a/",
        b"\xff".join([b"/", b""]),
        True,
        Verdict.KILL,
    )


def test_a_case_may_say_what_the_program_runs_as() -> None:
    assert [
        case.enters for text in ("web", "unconfined") for case in cases(f"{{exec: /x, expect: allow, as: {text}}}")
    ] == ["web", "unconfined"]
    assert cases("{exec: /x, expect: allow}")[0].enters is None


def test_a_variable_in_two_paths_of_a_case_is_the_same_in_both() -> None:
    text = (
        "- vars: {A: [a, b]}\n"
        + WEB
        + "- test: t\n  profile: web\n  cases:\n    - {link: '/@{A}', to: '/@{A}/x', expect: deny}\n"
    )
    assert [(case.path, case.to) for case in policy(text).tests[0].cases] == [(b"/a", b"/a/x"), (b"/b", b"/b/x")]


def test_cases_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "MAX_PATHS", 4)
    test = "- test: t\n  profile: web\n  cases:\n    - {read: '/@{A}/@{B}', expect: deny}\n"
    assert len(policy(WEB, test, "- vars: {A: [a, b], B: [c, d]}\n").tests[0].cases) == 4
    assert faults(WEB, test, "- vars: {A: [a, b], B: [c, d, e]}\n") == [Fault.TOO_MANY_PATHS]


# --- what is not built yet


@pytest.mark.parametrize("section", words.PROFILE.later)
def test_a_section_to_come_is_refused_not_ignored(section: str) -> None:
    assert faults(f"{WEB}  {section}: []\n") == [Fault.NOT_YET]


@pytest.mark.parametrize("family", words.DEFAULT.later)
def test_a_default_to_come_is_refused_not_ignored(family: str) -> None:
    assert faults(f"{WEB}  default: {{{family}: allow}}\n") == [Fault.NOT_YET]


@pytest.mark.parametrize("key", words.MATCH.later)
def test_a_key_of_a_match_to_come_is_refused_not_ignored(key: str) -> None:
    assert faults(f"- profile: web\n  match: {{exe: /x, {key}: x}}\n") == [Fault.NOT_YET]


@pytest.mark.parametrize("key", words.FILES_RULE.later)
def test_a_key_of_a_rule_to_come_is_refused_not_ignored(key: str) -> None:
    rules = f"  files:\n    - {{allow: read, path: /x, {key}: x}}\n  exec:\n    - {{allow: /x, {key}: x}}\n"
    assert faults(WEB + rules) == [Fault.NOT_YET] * 2


@pytest.mark.parametrize("access", words.CASE.later)
def test_a_case_to_come_is_refused_not_ignored(access: str) -> None:
    test = f"- test: t\n  profile: web\n  cases:\n    - {{{access}: x, expect: allow}}\n"
    assert faults(WEB + test) == [Fault.NOT_YET]


# --- names


def test_nothing_is_called_undefined_where_something_could_not_be_read() -> None:
    use = WEB + "  include: base\n  files:\n    - {allow: read, path: '@{A}'}\n  exec:\n    - {allow: /x, as: other}\n"
    assert faults(use) == [Fault.UNDEFINED] * 3
    assert faults("- abstraction: base\n- profile: {\n", use) == [Fault.UNCLOSED]
    assert faults("- abstracton: base\n", use) == [Fault.ITEM]
    assert faults("- profile: [other]\n", use) == [Fault.TYPE]
    assert faults("- vars: A\n", use) == [Fault.TYPE]


def test_a_broken_abstraction_or_profile_is_still_defined() -> None:
    use = WEB + "  include: base\n  exec:\n    - {allow: /x, as: other}\n"
    assert faults("- abstraction: base\n  fils: []\n- profile: other\n  mode: x\n", use) == [
        Fault.UNKNOWN_KEY,
        Fault.UNKNOWN_WORD,
    ]


def test_names_are_unique_among_things_of_a_kind() -> None:
    assert (
        faults(WEB + "- abstraction: web\n- test: web\n  profile: web\n  cases:\n    - {read: /x, expect: deny}\n")
        == []
    )
    assert faults(WEB, WEB, "- abstraction: a\n", "- abstraction: a\n") == [Fault.DUPLICATE_NAME] * 2


def test_errors_of_all_files_are_reported_together() -> None:
    assert faults("- profil: x\n", "- profile: a\n  mod: x\n- {\n", "a: b\n") == [
        Fault.ITEM,
        Fault.UNKNOWN_KEY,
        Fault.UNCLOSED,
        Fault.NOT_A_LIST,
    ]


def test_an_empty_policy_is_a_policy() -> None:
    assert policy() == Policy({}, ())
