"""Nodes to a policy: what the items say, and names looked up. What is wrong with one item is said of no other."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Protocol, TypeVar

from krsi.policy.cases import TestDraft, read_test
from krsi.policy.diagnostics import At, Report
from krsi.policy.draft import Body, Draft, read_abstraction, read_profile
from krsi.policy.faults import Fault
from krsi.policy.link import link
from krsi.policy.model import MATCHED, UNCONFINED, Policy
from krsi.policy.node import Node, Pairs, Scalar
from krsi.policy.patterns import Patterns
from krsi.policy.source import Source
from krsi.policy.value import Value
from krsi.policy.variables import variables
from krsi.policy.words import ITEMS, NAME_LIMIT, NOT_YET


class _Named(Protocol):
    @property
    def name(self) -> Scalar: ...


N = TypeVar("N", bound=_Named)


def parse(sources: Sequence[Source], report: Report) -> Policy:
    """Return what *sources* say together. Pure, and blind to the order of items; what is wrong goes to *report*."""
    items = _items(chain.from_iterable(source.items for source in sources), report)
    patterns = Patterns(variables(items["vars"], report))
    abstractions = _named("abstraction", items, patterns, read_abstraction, report)
    drafts = _named("profile", items, patterns, read_profile, report)
    tests = _named("test", items, patterns, read_test, report)
    bodies = [*abstractions.values(), *(draft.body for draft in drafts.values())]
    _check_entered(bodies, tests.values(), drafts, report)
    return Policy(link(drafts, abstractions, report), tuple(test.test for test in tests.values()))


def _items(nodes: Iterable[Node], report: Report) -> dict[str, list[Value]]:
    """Return the items by their kinds."""
    items: dict[str, list[Value]] = {kind: [] for kind in ITEMS}
    for node in nodes:
        entries = node.entries if isinstance(node, Pairs) else ()
        if not entries:
            report.add(Fault.TYPE, node.span, expected="an item such as '- profile: NAME'", found=node)
            report.incomplete = True
        elif entries[0][0].text in ITEMS:
            items[entries[0][0].text].append(Value(node, entries[0][0], _root(*entries[0]), report))
        else:
            _refuse_item([key for key, _ in entries], report)
    return items


def _root(key: Scalar, value: Node) -> At | None:
    """Return how key paths into an item begin: with its name; with nothing if there is none to tell."""
    if key.text == "vars" or not isinstance(value, Scalar) or not value.text:
        return None
    name = value.text if len(value.text) <= NAME_LIMIT else f"{value.text[: NAME_LIMIT - 1]}…"
    return At(None, f"test '{name}'" if key.text == "test" else name)


def _refuse_item(keys: Sequence[Scalar], report: Report) -> None:
    first = keys[0]
    if first.text in NOT_YET["item"]:
        report.add(Fault.NOT_YET, first.span, subject=NOT_YET["item"][first.text])
        return
    report.incomplete = True
    kind = next((key.text for key in keys if key.text in ITEMS), None)
    if kind:
        report.add(Fault.ITEM_FIRST, first.span, word=first.text, kind=kind)
    else:
        report.add(Fault.ITEM, first.span, word=first.text, near=ITEMS, known=", ".join(ITEMS))


def _named(
    kind: str,
    items: Mapping[str, Iterable[Value]],
    patterns: Patterns,
    read: Callable[[Value, Patterns], N | None],
    report: Report,
) -> dict[str, N]:
    """Return what the items of one kind say, by name."""
    found: dict[str, N] = {}
    for item in items[kind]:
        draft = read(item, patterns)
        report.incomplete |= draft is None
        first = found.setdefault(draft.name.text, draft) if draft else None
        if draft and first and first is not draft:
            related = [(first.name.span, "it is here first")]
            item.fail(Fault.DUPLICATE_NAME, draft.name.span, kind=kind, word=draft.name.text, related=related)
    return found


def _check_entered(
    bodies: Iterable[Body], tests: Iterable[TestDraft], profiles: Mapping[str, Draft], report: Report
) -> None:
    """Look up the profiles that rules and tests name."""
    tests = list(tests)
    _check_known([value for body in bodies for value in body.entered], [*profiles, UNCONFINED, MATCHED], report)
    _check_known([value for test in tests for value in test.entered], [*profiles, UNCONFINED], report)
    _check_known([test.profile for test in tests], list(profiles), report)


def _check_known(values: Iterable[Value], names: Sequence[str], report: Report) -> None:
    known = frozenset(names)
    for value in values:
        if value.text not in known and not report.incomplete:
            value.fail(Fault.UNDEFINED, kind="profile", word=value.text, near=names)
