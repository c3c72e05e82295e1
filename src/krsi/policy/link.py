"""Abstractions put into the profiles that include them, and what follows from rules without being written."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain

from krsi.policy.diagnostics import Report
from krsi.policy.draft import Body, Draft
from krsi.policy.faults import Fault
from krsi.policy.glob import Glob, parse
from krsi.policy.graph import loops
from krsi.policy.model import Family, Profile, Rule, Verb
from krsi.policy.place import Span

MAX_RULES = 1_000_000
"""In all profiles together, those of an abstraction counted in each profile that includes it."""

_MAP = frozenset({"map"})


def link(drafts: Mapping[str, Draft], abstractions: Mapping[str, Body], report: Report) -> dict[str, Profile]:
    """Return the profiles with the rules of what they include, and with those that are implied."""
    bodies = [*(draft.body for draft in drafts.values()), *abstractions.values()]
    _check_includes(bodies, abstractions, report)
    _check_loops(abstractions)
    written = _written(drafts, abstractions, report)
    entering = _entering(written.values())
    return {
        name: replace(draft.profile, rules=(*written[name], *_implied(draft, written[name], entering[name])))
        for name, draft in drafts.items()
    }


def _check_includes(bodies: Iterable[Body], abstractions: Mapping[str, Body], report: Report) -> None:
    for value in chain.from_iterable(body.include for body in bodies):
        if value.text not in abstractions and not report.incomplete:
            value.fail(Fault.UNDEFINED, kind="abstraction", word=value.text, near=abstractions)


def _check_loops(abstractions: Mapping[str, Body]) -> None:
    graph = {name: [each.text for each in body.include] for name, body in abstractions.items()}
    for name, loop in loops(graph).items():
        value = next(each for each in abstractions[loop[-1]].include if each.text == name)
        value.fail(Fault.INCLUDE_CYCLE, word=name, chain=" -> ".join([*loop, name]))


def _written(
    drafts: Mapping[str, Draft], abstractions: Mapping[str, Body], report: Report
) -> dict[str, tuple[Rule, ...]]:
    """Return the rules of each profile and of what it includes."""
    written: dict[str, tuple[Rule, ...]] = {}
    left = MAX_RULES
    for name, draft in drafts.items():
        rules: list[Rule] = []
        for body in _included(draft.body, abstractions):
            left -= 1 + len(body.rules) + len(body.include)
            if left < 0:
                report.add(Fault.TOO_MANY_RULES, draft.body.name.span, limit=f"{MAX_RULES:,}")
                return {each: written.get(each, ()) for each in drafts}
            rules += body.rules
        written[name] = tuple(rules)
    return written


def _included(body: Body, abstractions: Mapping[str, Body]) -> Iterator[Body]:
    """Return *body* and what it includes, directly or not, each once."""
    yield body
    seen: set[str] = set()
    todo = [each.text for each in reversed(body.include)]
    while todo:
        name = todo.pop()
        if name in abstractions and name not in seen:
            seen.add(name)
            yield abstractions[name]
            todo += [each.text for each in reversed(abstractions[name].include)]


def _entering(written: Iterable[tuple[Rule, ...]]) -> defaultdict[str, list[Rule]]:
    """Return the rules that lead into each profile."""
    entering: defaultdict[str, list[Rule]] = defaultdict(list)
    for rule in chain.from_iterable(written):
        if rule.enters and rule.verb is Verb.ALLOW:
            entering[rule.enters].append(rule)
    return entering


def _implied(draft: Draft, rules: Iterable[Rule], entering: Iterable[Rule]) -> Iterable[Rule]:
    """Whatever a profile may begin to run may be mapped in it: its own program, what it runs, what others run as it."""
    implied: dict[tuple[str, bool], Rule] = {}

    def add(glob: Glob, span: Span, *, owner: bool = False) -> None:
        rule = Rule(Family.FILES, Verb.ALLOW, _MAP, glob, span, owner=owner, implied=True)
        implied.setdefault((glob.text, owner), rule)

    for glob, span in draft.exe:
        add(glob, span)
    for rule in rules:
        if rule.family is Family.EXEC and rule.verb is Verb.ALLOW and not rule.enters:
            add(rule.glob, rule.span, owner=rule.owner)
    for rule in entering:
        add(rule.glob, rule.span, owner=rule.owner)
    if draft.everything:
        add(parse("/**", {}), draft.everything)
    return implied.values()
