"""
What a profile says of one path class: all its rules that match there, merged into masks.

The masks say of each access what ``weigh()`` of the specification says of it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial, reduce
from operator import or_

from krsi.policy.diagnostics import At, Report
from krsi.policy.faults import Fault
from krsi.policy.model import EXEC, Family, Mode, Profile, Rule, Verb, Verdict, specificity

Bits = Mapping[str, int]
"""The bit of each access, by name."""


@dataclass(frozen=True, slots=True)
class Record:
    """
    A ``struct krsi_record``. Of each pair the first is for others' objects, the second for the subject's own.

    :param next: where an exec leads: the word of the rule that says so, or None to keep the profile
    """

    allow: tuple[int, int]
    kill: tuple[int, int]
    log: tuple[int, int]
    next: str | None = None

    @property
    def quiet(self) -> int:
        """The accesses that pass without a word, whoever owns the object."""
        return self.allow[0] & self.allow[1] & ~self.log[0] & ~self.log[1]


class Merger:
    """Merges the rules of one profile."""

    def __init__(self, profile: Profile, bits: Bits, report: Report) -> None:
        self._profile = profile
        self._report = report
        self._told: set[tuple[Rule, Rule]] = set()
        self._everything = reduce(or_, bits.values())
        self._mediated = _mask(profile.mediates(), bits)
        self._allowed = sum(
            bit
            for access, bit in bits.items()
            if profile.default(Family.EXEC if access == EXEC else Family.FILES) is Verdict.ALLOW
        )
        self._exec = bits[EXEC]
        self._mask: Callable[[frozenset[str]], int] = cache(partial(_mask, bits=bits))
        self._known: dict[tuple[int, ...], Record] = {}

    @property
    def mediated(self) -> int:
        """The accesses that are asked about at all."""
        return self._mediated

    def merge(self, numbers: Sequence[int]) -> Record:
        """Return what the rules with these places in the profile say together. Their order does not matter."""
        key = tuple(sorted(numbers))
        if key not in self._known:
            self._known[key] = self._merged([self._profile.rules[number] for number in key])
        return self._known[key]

    def _merged(self, rules: Sequence[Rule]) -> Record:
        others = own = self._sides(rules)
        if any(rule.owner for rule in rules):
            others = self._sides([rule for rule in rules if not rule.owner])
        allow, kill, log = zip(others, own, strict=True)
        return Record(allow, kill, log, self._next(rules) if allow[0] & self._exec else None)

    def _sides(self, rules: Sequence[Rule]) -> tuple[int, int, int]:
        """Return the masks of what is allowed, kills and is told."""
        said = dict.fromkeys(Verb, 0)
        for rule in rules:
            said[rule.verb] |= self._mask(rule.access)
        kill = said[Verb.KILL] & self._mediated
        deny = said[Verb.DENY] & ~kill & self._mediated
        allow = said[Verb.ALLOW] & ~kill & ~deny & self._mediated
        unsaid = self._mediated & ~kill & ~deny & ~allow
        told = said[Verb.AUDIT] | (unsaid & ~self._allowed)
        told |= kill & self._loud(rules, Verb.KILL) if kill else 0
        told |= deny & self._loud(rules, Verb.DENY) if deny else 0
        told |= allow & self._union(rule for rule in rules if rule.verb is Verb.ALLOW and rule.log is True)
        if self._profile.mode is Mode.LEARN:
            told |= self._mediated
        return self._everything & ~kill & ~deny & ~(unsaid & ~self._allowed), kill, told & self._mediated

    def _loud(self, rules: Iterable[Rule], verb: Verb) -> int:
        return self._union(rule for rule in rules if rule.verb is verb and rule.log is not False)

    def _union(self, rules: Iterable[Rule]) -> int:
        return reduce(or_, (self._mask(rule.access) for rule in rules), 0)

    def _next(self, rules: Sequence[Rule]) -> str | None:
        leading = [rule for rule in rules if rule.verb is Verb.ALLOW and EXEC in rule.access]
        if not leading:
            return None
        best = max(specificity(rule.glob) for rule in leading)
        first, *others = [rule for rule in leading if specificity(rule.glob) == best]
        for other in others:
            if other.enters != first.enters and (first, other) not in self._told:
                self._told.add((first, other))
                self._tell_tie(first, other)
        return first.enters

    def _tell_tie(self, first: Rule, other: Rule) -> None:
        self._report.add(
            Fault.TIE_EXEC_OVERLAP,
            other.span,
            At(None, self._profile.name),
            one=_leads(other),
            other=_leads(first),
            related=[(first.span, "the other is here")],
        )


def _mask(access: Iterable[str], bits: Bits) -> int:
    return sum(bits[name] for name in access)


def _leads(rule: Rule) -> str:
    return f"'{rule.enters}'" if rule.enters else "the present profile"
