"""Laws of the policy language."""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from krsi.policy.diagnostics import RefusedError, Report
from krsi.policy.load import understand
from krsi.policy.model import Case, Profile, Rule
from krsi.policy.place import Span, lines_of
from krsi.policy.schema import schema

from .policies import ANYTHING, good_policies, odd_policies

NOWHERE = Span("", 0, 0)
VALIDATOR = Draft202012Validator(schema())


def as_json(document: Any) -> bytes:
    """JSON is YAML, but for escaped slashes and surrogates."""
    return json.dumps(document, ensure_ascii=False).encode(errors="replace")


def worded(document: Any) -> Any:
    """Return *document* with the word that ``null`` is to krsi."""
    if isinstance(document, list):
        return [worded(each) for each in document]
    if isinstance(document, dict):
        return {key: worded(value) for key, value in document.items()}
    return "null" if document is None else document


def report_on(*documents: bytes) -> Report:
    """Return what is said of files; nothing else may be raised."""
    try:
        return understand((str(number), data) for number, data in enumerate(documents)).report
    except RefusedError as error:
        return error.report


def meaning(*documents: Any) -> Any:
    """Return what files say, regardless of place and order."""
    policy = understand((str(number), as_json(each)) for number, each in enumerate(documents)).policy
    profiles = frozenset(map(_profile, policy.profiles.values()))
    return profiles, frozenset((test.name, test.profile, frozenset(map(_case, test.cases))) for test in policy.tests)


def _profile(profile: Profile) -> Any:
    match = profile.match and (frozenset(glob.text for glob in profile.match.exe), frozenset(profile.match.uids))
    defaults = frozenset(profile.defaults.items())
    return profile.name, frozenset(map(_rule, profile.rules)), match, profile.mode, defaults, profile.description


def _rule(rule: Rule) -> Any:
    texts = (rule.glob.text, rule.enters, rule.severity, rule.reason, frozenset(rule.tags))
    return rule.family, rule.verb, rule.access, rule.owner, rule.log, rule.implied, texts


def _case(case: Case) -> Case:
    return replace(case, span=NOWHERE)


def shuffled(document: Any, order: random.Random) -> Any:
    """Return *document* with its lists and mappings in another order; an item's first key stays the first."""
    if isinstance(document, list):
        return order.sample([shuffled(each, order) for each in document], len(document))
    if isinstance(document, dict) and document:
        first, *others = document
        return {key: shuffled(document[key], order) for key in (first, *order.sample(others, len(others)))}
    return document


def check_places(report: Report) -> None:
    for diagnostic in report.diagnostics:
        for span in (diagnostic.span, *(span for span, _ in diagnostic.related)):
            lines = [*lines_of(report.sources[span.file]), ""]  # libyaml puts the end of a file on a line of its own
            assert 1 <= span.column < span.column + span.length <= len(lines[span.line - 1]) + 2


@given(st.lists(st.binary(max_size=200), max_size=3))
@example([b"\xff\xfe", b"\0", b"- &a [*a]"])
def test_no_bytes_crash_the_reader(documents: list[bytes]) -> None:
    report_on(*documents)


@given(st.text(alphabet=st.sampled_from("-: []{},&*!|>'\"#%@`?~<\\\n\t axy/\u00e9\u6f22"), max_size=60))
@settings(max_examples=500)
def test_no_text_crashes_the_reader(text: str) -> None:
    check_places(report_on(text.encode()))


@given(ANYTHING | st.lists(ANYTHING))
def test_no_document_crashes_the_parser(document: Any) -> None:
    report_on(as_json(document))


@given(odd_policies())
@settings(max_examples=100, deadline=None)
def test_what_is_said_is_about_places_that_are_there_and_fit_for_a_terminal(document: Any) -> None:
    report = report_on(as_json(document))
    check_places(report)
    assert all(line.isprintable() for line in report.text().split("\n"))


@given(odd_policies())
@settings(max_examples=100, deadline=None)
def test_what_the_parser_accepts_the_schema_accepts(document: Any) -> None:
    if not report_on(as_json(document)).failed:
        assert [error.message for error in VALIDATOR.iter_errors(worded(document))] == []


@given(good_policies(), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_order_never_matters(document: list[Any], order: random.Random) -> None:
    assert meaning(shuffled(document, order)) == meaning(document)


@given(good_policies(), st.lists(st.integers(0, 2), min_size=20, max_size=20))
@settings(max_examples=50, deadline=None)
def test_it_does_not_matter_in_which_file_an_item_stands(document: list[Any], files: Sequence[int]) -> None:
    parts = [[item for item, file in zip(document, files, strict=False) if file == number] for number in range(3)]
    assert meaning(*parts) == meaning(document)


@given(odd_policies(), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_order_does_not_make_a_policy_right_or_wrong(document: Any, order: random.Random) -> None:
    assert report_on(as_json(shuffled(document, order))).failed == report_on(as_json(document)).failed
