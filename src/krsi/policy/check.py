"""What is wrong between things that are right each by itself."""

from collections.abc import Iterable

from krsi.policy.cover import entered, undecided
from krsi.policy.diagnostics import At, Report
from krsi.policy.faults import Fault
from krsi.policy.glob import Glob
from krsi.policy.model import Family, Mode, Policy, Profile, Rule, Verb

_Key = bytes | str


def check(policy: Policy, report: Report) -> None:
    """
    Add what is wrong with *policy* to *report*; what is only odd, if there is nothing wrong.

    Only patterns with the same text are seen to match the same paths here: the compiler finds the others.
    """
    profiles = policy.profiles.values()
    _check_exec_ties(profiles, report)
    _check_match_ties(profiles, report)
    if not report.failed:
        _warn_unreachable(profiles, report)
        _warn_off(policy, report)
        _warn_undecided(policy, report)


def _key(glob: Glob) -> _Key:
    return glob.text if glob.literal is None else glob.literal


def _check_exec_ties(profiles: Iterable[Profile], report: Report) -> None:
    """A program runs as what the most specific rule says, so two equally specific ones must say the same."""
    told: set[tuple[int, int]] = set()  # rules of abstractions are in many profiles
    for profile in profiles:
        first: dict[_Key, Rule] = {}
        for rule in profile.rules:
            if rule.family is not Family.EXEC or rule.verb is not Verb.ALLOW:
                continue
            other = first.setdefault(_key(rule.glob), rule)
            if other.enters != rule.enters and (id(other), id(rule)) not in told:
                told.add((id(other), id(rule)))
                _tell_exec_tie(profile, other, rule, report)


def _tell_exec_tie(profile: Profile, one: Rule, other: Rule, report: Report) -> None:
    names = [f"'{rule.enters}'" if rule.enters else "the present profile" for rule in (one, other)]
    related = [(one.span, "the other is here")]
    report.add(Fault.TIE_EXEC, other.span, At(None, profile.name), one=names[0], other=names[1], related=related)


def _check_match_ties(profiles: Iterable[Profile], report: Report) -> None:
    first: dict[tuple[_Key, int | str | None], Profile] = {}
    told: set[tuple[str, str]] = set()
    for profile in profiles:
        if not profile.match or profile.mode is Mode.OFF:
            continue
        users: list[int | str | None] = [0 if uid == "root" else uid for uid in profile.match.uids] or [None]
        for key in ((_key(glob), uid) for glob in profile.match.exe for uid in users):
            other = first.setdefault(key, profile)
            if other is not profile and other.match and (other.name, profile.name) not in told:
                told.add((other.name, profile.name))
                related = [(other.match.span, "the other is here")]
                report.add(Fault.TIE_MATCH, profile.match.span, one=other.name, other=profile.name, related=related)


def _warn_unreachable(profiles: Iterable[Profile], report: Report) -> None:
    profiles = list(profiles)
    entrances = entered(profiles)
    for profile in profiles:
        if not profile.match and profile.name not in entrances:
            report.add(Fault.UNREACHABLE, profile.span, word=profile.name)


def _warn_off(policy: Policy, report: Report) -> None:
    off = {name for name, profile in policy.profiles.items() if profile.mode is Mode.OFF}
    rules = {id(rule): rule for profile in policy.profiles.values() for rule in profile.rules if rule.enters in off}
    for rule in rules.values():
        report.add(Fault.ENTERS_OFF, rule.span, word=rule.enters)


def _warn_undecided(policy: Policy, report: Report) -> None:
    reasons = {name: undecided(policy.profiles[name]) for name in {test.profile for test in policy.tests}}
    for test in policy.tests:
        for case in test.cases:
            if why := reasons[test.profile].get(case.access):
                report.add(Fault.NOT_DECIDED, case.span, word=case.access, profile=test.profile, why=why)
