"""Tests: what is tried in a profile, and what is expected."""

from collections.abc import Iterator
from dataclasses import dataclass

from krsi.policy.faults import Fault
from krsi.policy.model import EXEC, Case, Test
from krsi.policy.node import Scalar
from krsi.policy.patterns import Patterns
from krsi.policy.value import Fields, Value
from krsi.policy.words import CASE, TEST, TWO_NAMES, VERDICTS


@dataclass(frozen=True, slots=True)
class TestDraft:
    """
    A test as written: names are not looked up yet.

    :param entered: the names of profiles in ``as:``
    """

    __test__ = False  # not one of pytest's

    name: Scalar
    test: Test
    profile: Value
    entered: tuple[Value, ...]


def read_test(item: Value, patterns: Patterns) -> TestDraft | None:
    """Read a ``test``; None if it has no name or profile."""
    fields = item.fields(TEST)
    if not fields:
        return None
    name, profile, cases = fields.get("test"), fields.get("profile"), fields.get("cases")
    title = name.scalar("a text") if name else None
    asked = profile.scalar("the name of a profile") if profile else None
    entered: list[Value] = []
    tried = (
        [case for each in cases.items("a list of cases") for case in _cases(each, patterns, entered)] if cases else []
    )
    if not title or not asked or not profile:
        return None
    return TestDraft(title, Test(title.text, asked.text, tuple(tried), title.span), profile, tuple(entered))


def _cases(value: Value, patterns: Patterns, entered: list[Value]) -> Iterator[Case]:
    fields = value.fields(CASE)
    tried = fields.either(Fault.NO_ACCESS, Fault.TWO_ACCESSES) if fields else None
    if not fields or not tried:
        return
    access, expect, to, owner = tried.key.text, fields.get("expect"), fields.get("to"), fields.get("owner")
    verdict = expect.word("a verdict", VERDICTS) if expect else None
    owned = bool(owner.flag()) if owner else False
    enters = _enters(fields, access, verdict, entered)
    _check_target(fields, tried, to)
    paths = patterns.paths([tried, to] if to else [tried])
    if verdict:
        for path, *target in paths:
            second = target[0] if target else None
            yield Case(access, path, VERDICTS[verdict], tried.node.span, second, owned, enters)


def _check_target(fields: Fields, tried: Value, to: Value | None) -> None:
    access = tried.key.text
    if to and access not in TWO_NAMES:
        to.fail(Fault.TARGET_MISPLACED, to.key.span, word=access)
    elif not to and access in TWO_NAMES and fields.whole:
        tried.fail(Fault.NO_TARGET, tried.key.span, word=access)


def _enters(fields: Fields, access: str, verdict: str | None, entered: list[Value]) -> str | None:
    value = fields.get("as")
    scalar = value.scalar("the name of a profile") if value else None
    if not value or not scalar:
        return None
    if access != EXEC or verdict not in {"allow", None}:
        value.fail(Fault.ENTERS_MISPLACED, value.key.span)
    entered.append(value)
    return scalar.text
