"""``krsi test``: the tests that policies hold, tried on the specification and on the compiled image. Needs no root."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from krsi.cli.loading import Compiled, compiled
from krsi.cli.outcome import FOUND, OK
from krsi.cli.terminal import ProgressLine, is_coloured, painted, table
from krsi.event.text import escaped
from krsi.policy.cover import undecided
from krsi.policy.model import EXEC, Case, Policy, Rule, Test, Verb, Verdict
from krsi.policy.place import Span
from krsi.policy.render import Note, plural, rendered
from krsi.trial import Outcome, Trial

_VERDICTS = {Verdict.ALLOW: "allowed", Verdict.DENY: "denied", Verdict.KILL: "killed"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("policy", nargs="+", metavar="PATH", help="policy file, or folder of policy files")
    parser.add_argument("--output", choices=["text", "json"], default="text", help="for people, or for programs")


def run(args: argparse.Namespace) -> int:
    """Exit 0 if every case is as expected, 1 if one is not."""
    policy = compiled(args.policy)
    results = _results(policy)
    print(_as_json(policy, results) if args.output == "json" else _as_text(policy, results))
    return OK if all(result.passed for result in results) else FOUND


@dataclass(frozen=True, slots=True)
class _Result:
    """A test and what became of its cases."""

    test: Test
    outcomes: Sequence[Outcome]

    @property
    def failures(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if not outcome.passed]

    @property
    def passed(self) -> bool:
        return not self.failures


def _results(policy: Compiled) -> list[_Result]:
    trial = Trial(policy.loaded.policy, policy.image, policy.abi)
    tests = policy.loaded.policy.tests
    total = sum(len(test.cases) for test in tests)
    progress = ProgressLine()
    results: list[_Result] = []
    done = 0
    for test in tests:
        outcomes: list[Outcome] = []
        for outcome in trial.outcomes(test):
            outcomes.append(outcome)
            done += 1
            progress(done, total, "trying cases")
        results.append(_Result(test, outcomes))
    progress.close()
    return results


def _as_text(policy: Compiled, results: Sequence[_Result]) -> str:
    if not results:
        return f"no tests in {plural(len(policy.loaded.sources), 'file')}: a policy tests itself with 'test' items"
    colour = is_coloured(sys.stdout)
    notes = [note for result in results for each in result.failures for note in _notes(policy, result.test, each)]
    failures = [rendered(notes, policy.loaded.sources, colour=colour), ""] if notes else []
    return "\n".join([*_listed(results, colour=colour), "", *failures, _summary(results, colour=colour)])


def _listed(results: Sequence[_Result], *, colour: bool) -> Iterator[str]:
    rows = [[_word(result), result.test.profile, _counted(result), result.test.name] for result in results]
    head, *lines = table(rows, ["result", "profile", "cases", "test"]).split("\n")
    yield head
    for line, result in zip(lines, results, strict=True):
        word = _word(result)
        yield line.replace(word, painted("good" if result.passed else "bad", word, on=colour), 1)


def _word(result: _Result) -> str:
    return "ok" if result.passed else "FAILED"


def _counted(result: _Result) -> str:
    if result.passed:
        return f"{len(result.outcomes):,}"
    return f"{len(result.failures):,} of {len(result.outcomes):,}"


def _summary(results: Sequence[_Result], *, colour: bool) -> str:
    cases, failed = sum(len(result.outcomes) for result in results), sum(len(result.failures) for result in results)
    bugs = sum(bool(outcome.disagreement) for result in results for outcome in result.outcomes)
    counts = f"{plural(len(results), 'test')}, {plural(cases, 'case')}: "
    told = painted("bad", f"{failed:,} failed", on=colour) if failed else painted("good", "all as expected", on=colour)
    return counts + told + (f", {bugs:,} of them by a bug in krsi" if bugs else "")


def _notes(policy: Compiled, test: Test, outcome: Outcome) -> Iterator[Note]:
    """Tell of a failure: where the case stands, and the rules that made it so."""
    case = outcome.case
    why = _why(policy.loaded.policy, test, outcome)
    said = f"expected {_expected(case)}, got {_got(outcome)}{f': {why}' if why else ''}"
    yield Note("error", case.span, f"{test.name}: {tried(case)}: {said}")
    if outcome.disagreement:
        yield Note("note", case.span, f"this is a bug in krsi: {outcome.disagreement}")
    for rule in _told(outcome):
        yield Note("note", rule.span, _by(rule))


def tried(case: Case) -> str:
    """Return what *case* tries, in words."""
    path, to = escaped(case.path)[0], escaped(case.to)[0] if case.to is not None else None
    return f"{case.access} {path}{f' to {to}' if to is not None else ''}{', its own' if case.owner else ''}"


def _expected(case: Case) -> str:
    return _VERDICTS[case.expect] + (f" as {case.enters}" if case.enters else "")


def _got(outcome: Outcome) -> str:
    word = _VERDICTS[outcome.verdict]
    if outcome.verdict is not Verdict.ALLOW or not outcome.leads:
        return word
    names = [lead.profile + (f" for user {lead.uid}" if lead.uid is not None else "") for lead in outcome.leads]
    return f"{word} as {', '.join(names)}"


def _why(policy: Policy, test: Test, outcome: Outcome) -> str:
    """Return why it was decided so, where no rule says it."""
    decision, access = outcome.decision, outcome.case.access
    if outcome.astray:
        whom = f" for user {outcome.astray.uid}" if outcome.astray.uid is not None else ""
        return f"the rule says 'as: matched', and no profile matches it{whom}"
    if decision.launders:
        granted = ", ".join(outcome.granted)
        return f"the new name would grant {granted}" if granted else "the new name would mean something else"
    if why := undecided(policy.profiles[test.profile]).get(access):
        return f"{access} is not decided, {why}"
    if any(rule.verb is not Verb.AUDIT for rule in decision.rules):
        return ""
    return f"no rule speaks of it, and the default of {'exec' if access == EXEC else 'files'} holds"


def _told(outcome: Outcome) -> list[Rule]:
    """Return the rules that decided, those that the author wrote before what follows from them."""
    decided = [rule for rule in outcome.decision.rules if rule.verb is not Verb.AUDIT]
    return [rule for rule in decided if not rule.implied] or decided


def _by(rule: Rule) -> str:
    implied = "what this says implies it: " if rule.implied else ""
    leads = f" as {rule.enters}" if rule.enters else ""
    return f"{implied}{rule.verb} {rule.glob.text}{leads}{', if its own' if rule.owner else ''}"


def _as_json(policy: Compiled, results: Sequence[_Result]) -> str:
    document = {
        "passed": sum(result.passed for result in results),
        "failed": sum(not result.passed for result in results),
        "tests": [
            {
                "test": result.test.name,
                "profile": result.test.profile,
                "at": _at(result.test.span),
                "passed": result.passed,
                "cases": [_case_document(policy.loaded.policy, result.test, outcome) for outcome in result.outcomes],
            }
            for result in results
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document)).decode()


def _at(span: Span) -> str:
    return escaped(os.fsencode(str(span)))[0]


def _case_document(policy: Policy, test: Test, outcome: Outcome) -> dict[str, object]:
    """Return a case as a document; what is absent is unknown or does not apply."""
    case = outcome.case
    document = {
        "access": case.access,
        "path": escaped(case.path)[0],
        "to": escaped(case.to)[0] if case.to is not None else None,
        "owner": case.owner or None,
        "at": _at(case.span),
        "passed": outcome.passed,
        "expected": _VERDICTS[case.expect],
        "expected_as": case.enters,
        "got": _VERDICTS[outcome.verdict],
        "got_as": sorted({lead.profile for lead in outcome.leads}) or None,
        "rules": [_at(rule.span) for rule in _told(outcome)] or None,
        "why": _why(policy, test, outcome) or None,
        "bug": outcome.disagreement or None,
    }
    return {key: value for key, value in document.items() if value is not None}
