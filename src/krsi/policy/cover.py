"""What a policy decides about and what it does not: what ``krsi check`` shows."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from krsi.policy.model import EXEC, FILE_ACCESSES, ON_REQUEST, Family, Match, Mode, Policy, Profile, Verb, Verdict

Entrances = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Cover:
    """
    What one profile decides about.

    :param decided: accesses, in the order in which people are shown them
    :param undecided: the others, each with the reason
    :param rules: how many were written, one for each pattern, those of abstractions included
    :param match: which unconfined tasks enter it; None if none does
    :param entered_from: the profiles whose rules say ``as:`` its name
    """

    decided: tuple[str, ...]
    undecided: Mapping[str, str]
    defaults: Mapping[Family, Verdict]
    rules: int
    match: Match | None
    entered_from: frozenset[str]


def covers(policy: Policy) -> dict[str, Cover]:
    """Return what each profile decides about, by name."""
    entrances = entered(policy.profiles.values())
    return {name: _cover(profile, entrances.get(name, frozenset())) for name, profile in policy.profiles.items()}


def entered(profiles: Iterable[Profile]) -> Entrances:
    """Return for each profile that some rule enters the others whose rules do."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for profile in profiles:
        for rule in profile.rules:
            if rule.enters and rule.verb is Verb.ALLOW and rule.enters != profile.name:
                found[rule.enters].add(profile.name)
    return {name: frozenset(others) for name, others in found.items()}


def undecided(profile: Profile) -> dict[str, str]:
    """Return the accesses that *profile* does not decide about, each with the reason."""
    decided = profile.mediates()
    named = frozenset[str]().union(*(rule.access for rule in profile.rules))
    return {access: _why(profile, access, named) for access in (*FILE_ACCESSES, EXEC) if access not in decided}


def _cover(profile: Profile, entered_from: frozenset[str]) -> Cover:
    left = undecided(profile)
    return Cover(
        decided=tuple(access for access in (*FILE_ACCESSES, EXEC) if access not in left),
        undecided=left,
        defaults={family: profile.default(family) for family in Family},
        rules=sum(not rule.implied for rule in profile.rules),
        match=profile.match,
        entered_from=entered_from,
    )


def _why(profile: Profile, access: str, named: frozenset[str]) -> str:
    if profile.mode is Mode.OFF:
        return "the profile is off"
    if access in ON_REQUEST and access not in named:
        return f"no rule of the profile names {access}"
    return "the default is to allow it, and no rule refuses or logs it"
