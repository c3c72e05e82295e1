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


Says = frozenset[tuple[str, int]]
"""What profiles say of an accept set, as numbers of records: those that do not just fall back."""

Key = tuple[Says, tuple[Candidate, ...]]

_Places = dict[str, list[int]]  # of rules, by profile


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
    classes = _Classes(uses, mergers, frozenset(policy.profiles) - frozenset(mergers))
    class_of = [classes.number(accepted) for accepted in raw.accepts]
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

    def __init__(self, uses: "_Uses", mergers: Mapping[str, Merger], off: frozenset[str]) -> None:
        self._uses = uses
        self._mergers = mergers
        self._off = off
        self._numbers: dict[Record, int] = {}
        self._shared: dict[tuple[int, ...], tuple[_Places, dict[str, int]]] = {}
        self.fallback = {name: merger.merge(()) for name, merger in mergers.items()}
        self.keys: dict[Key, int] = {(frozenset(), ()): 0}

    def number(self, accepted: Sequence[int]) -> int:
        """Return the class of an accept set."""
        key = frozenset(self._says(accepted).items()), self._uses.candidates(accepted)
        return self.keys.setdefault(key, len(self.keys))

    def _says(self, accepted: Sequence[int]) -> dict[str, int]:
        """
        Return what profiles say of an accept set.

        What several profiles share comes from an abstraction as a rule, and few sets of it are in many accept sets.
        """
        shared = tuple(filter(self._uses.is_shared, accepted))
        if shared not in self._shared:
            places = self._uses.rules(shared)
            self._shared[shared] = places, self._spoken(places)
        places, says = self._shared[shared]
        own = self._uses.rules(number for number in accepted if not self._uses.is_shared(number))
        if not own:
            return says
        spoken = self._spoken({name: [*places.get(name, ()), *more] for name, more in own.items()})
        return {**{name: number for name, number in says.items() if name not in own}, **spoken}

    def _spoken(self, places: _Places) -> dict[str, int]:
        merged = ((name, self._mergers[name].merge(rules)) for name, rules in places.items())
        found = ((name, _without(record, self._off)) for name, record in merged)
        return {
            name: self._numbers.setdefault(record, len(self._numbers))
            for name, record in found
            if record != self.fallback[name]
        }

    def records(self) -> Mapping[str, Mapping[int, Record]]:
        """Return the records by profile and class."""
        by_number = list(self._numbers)
        records: defaultdict[str, dict[int, Record]] = defaultdict(dict)
        for (says, _), path_class in self.keys.items():
            for name, number in says:
                records[name][path_class] = by_number[number]
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

    def is_shared(self, number: int) -> bool:
        """Tell whether several rules have the pattern."""
        return len(self._rules[number]) > 1

    def rules(self, accepted: Iterable[int]) -> _Places:
        """Return the places of the rules that match, by profile."""
        found: _Places = {}
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
