"""
A checked policy with bound users -> tables: path classes, records, and which of them each domain has for each class.

A pattern's *accept set* is the set of patterns that match together. Accept sets of which every profile says the same
are one path class; class 0 is where no rule speaks.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from krsi.compiler.automaton import Automaton, Limits, Progress, determinise
from krsi.compiler.records import Bits, Merger, Record
from krsi.policy.diagnostics import RefusedError, Report
from krsi.policy.faults import Fault
from krsi.policy.glob import Glob
from krsi.policy.model import UNCONFINED, Mode, Policy, Profile, specificity
from krsi.policy.place import Span

MAX_CANDIDATES = 64
"""Profiles, with each user counted, that may match one file: CANDIDATES in bpf/lsm/decide.bpf.h."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A profile that an unconfined task enters by a file; *uid* None is anybody."""

    profile: str
    uid: int | None


@dataclass(frozen=True, slots=True)
class Tables:
    """
    What an image is made of, still with names instead of places.

    :param fallback: by profile: the record where none of its rules speaks
    :param records: by profile: the records of the classes that have another one
    :param candidates: by class: who may be entered by a file of it, the most specific first
    :param mediated: by profile: mask of the accesses that are asked about
    """

    automaton: Automaton
    classes: int
    fallback: Mapping[str, Record]
    records: Mapping[str, Mapping[int, Record]]
    candidates: Mapping[int, tuple[Candidate, ...]]
    mediated: Mapping[str, int]


Says = tuple[tuple[str, Record], ...]
"""What profiles say of an accept set: those that do not just fall back."""

Key = tuple[Says, tuple[Candidate, ...]]


def lower(
    policy: Policy, bits: Bits, report: Report, limits: Limits | None = None, progress: Progress | None = None
) -> Tables:
    """
    Turn *policy* into tables. Pure, and blind to the order of rules and profiles.

    :param bits: the bit of each access
    :raises RefusedError: patterns tie, so that it is not clear where an exec leads; *report* has it
    :raises CompileError: the patterns take too much
    """
    active = [profile for profile in policy.profiles.values() if profile.mode is not Mode.OFF]
    mergers = {profile.name: Merger(profile, bits, report) for profile in active}
    uses = _Uses(active, report)
    raw = determinise(uses.globs, limits, progress)
    classes = _Classes(mergers, frozenset(policy.profiles) - frozenset(mergers))
    class_of = [classes.number(uses.rules(accepted), uses.candidates(accepted)) for accepted in raw.accepts]
    if report.failed:
        raise RefusedError(report)
    return Tables(
        raw.minimise(class_of),
        len(classes.keys),
        classes.fallback,
        classes.records(),
        {number: candidates for (_, candidates), number in classes.keys.items() if candidates},
        {name: merger.mediated for name, merger in mergers.items()},
    )


class _Classes:
    """Accept sets, told apart by what the profiles say of them."""

    def __init__(self, mergers: Mapping[str, Merger], off: frozenset[str]) -> None:
        self._mergers = mergers
        self._off = off
        self.fallback = {name: merger.merge(()) for name, merger in mergers.items()}
        self.keys: dict[Key, int] = {((), ()): 0}

    def number(self, rules: Mapping[str, Sequence[int]], candidates: tuple[Candidate, ...]) -> int:
        """Return the class of an accept set, in which these rules of profiles match."""
        says = ((name, _without(self._mergers[name].merge(rules[name]), self._off)) for name in sorted(rules))
        spoken = tuple((name, record) for name, record in says if record != self.fallback[name])
        return self.keys.setdefault((spoken, candidates), len(self.keys))

    def records(self) -> Mapping[str, Mapping[int, Record]]:
        """Return the records by profile and class."""
        records: defaultdict[str, dict[int, Record]] = defaultdict(dict)
        for (spoken, _), number in self.keys.items():
            for name, record in spoken:
                records[name][number] = record
        return records


def _without(record: Record, off: frozenset[str]) -> Record:
    """A profile that is off is as good as none."""
    return replace(record, next=UNCONFINED) if record.next in off else record


class _Uses:
    """Which profiles use each pattern, and for what."""

    def __init__(self, profiles: Iterable[Profile], report: Report) -> None:
        self._report = report
        self._told: set[tuple[str, str]] = set()
        self._crowded: set[str] = set()
        self._numbers: dict[Glob, int] = {}
        self._rules: list[list[tuple[str, int]]] = []
        self._matches: list[list[Profile]] = []
        for profile in profiles:
            for place, rule in enumerate(profile.rules):
                self._rules[self._number(rule.glob)].append((profile.name, place))
            for glob in profile.match.exe if profile.match else ():
                self._matches[self._number(glob)].append(profile)
        self.globs: Sequence[Glob] = list(self._numbers)

    def _number(self, glob: Glob) -> int:
        number = self._numbers.setdefault(glob, len(self._numbers))
        if number == len(self._rules):
            self._rules.append([])
            self._matches.append([])
        return number

    def rules(self, accepted: Iterable[int]) -> dict[str, list[int]]:
        """Return the places of the rules that match, by profile."""
        found: dict[str, list[int]] = {}
        for number in accepted:
            for name, place in self._rules[number]:
                found.setdefault(name, []).append(place)
        return found

    def candidates(self, accepted: Iterable[int]) -> tuple[Candidate, ...]:
        """Return who may be entered, the most specific first. A later one that an earlier one hides is left out."""
        ranked: dict[str, tuple[bool, int, int]] = {}
        by_name = {}
        for number in accepted:
            for profile in self._matches[number]:
                rank = (*specificity(self.globs[number]), profile.match.keys() if profile.match else 0)
                ranked[profile.name] = max(rank, ranked.get(profile.name, rank))
                by_name[profile.name] = profile
        order = sorted(by_name.values(), key=lambda profile: ranked[profile.name], reverse=True)
        for one, other in combinations(order, 2):
            if ranked[one.name] == ranked[other.name] and _share_users(one, other):
                self._tell_tie(*sorted((one, other), key=lambda profile: profile.name))
        return self._chosen(order)

    def _tell_tie(self, one: Profile, other: Profile) -> None:
        if (one.name, other.name) in self._told:
            return
        self._told.add((one.name, other.name))
        related = [(_place(one), "the other is here")]
        self._report.add(Fault.TIE_MATCH_OVERLAP, _place(other), one=other.name, other=one.name, related=related)

    def _chosen(self, order: Sequence[Profile]) -> tuple[Candidate, ...]:
        chosen: dict[int | None, Candidate] = {}
        for profile in order:
            users: list[int | None] = [*sorted(map(int, _users(profile)))]
            for uid in users or [None]:
                if None not in chosen:
                    chosen.setdefault(uid, Candidate(profile.name, uid))
        if len(chosen) > MAX_CANDIDATES and order[0].name not in self._crowded:
            self._crowded.add(order[0].name)
            self._report.add(Fault.TOO_MANY_USERS, _place(order[0]), limit=MAX_CANDIDATES)
        return tuple(chosen.values())


def _place(profile: Profile) -> Span:
    return profile.match.span if profile.match else profile.span


def _users(profile: Profile) -> frozenset[int | str]:
    return frozenset(profile.match.uids if profile.match else ())


def _share_users(one: Profile, other: Profile) -> bool:
    return not _users(one) or not _users(other) or bool(_users(one) & _users(other))
