"""Paths to a policy that can be enforced, or to all that is wrong with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from krsi.policy.beside import beside
from krsi.policy.check import check
from krsi.policy.diagnostics import RefusedError, Report
from krsi.policy.model import Policy
from krsi.policy.parse import parse
from krsi.policy.source import Source, compose, read


@dataclass(frozen=True, slots=True)
class Loaded:
    """
    A policy without errors.

    :param sources: the text of each file, by the name that places in it bear
    :param report: the warnings
    """

    policy: Policy
    sources: Mapping[str, str]
    report: Report


def load(paths: Sequence[str], *, root: bool) -> Loaded:
    """
    Read, parse and check all policy files among and below *paths*, and the abstractions beside them that they include.

    :param root: the policy is to be enforced by root: refuse what others could change
    :raises RefusedError: there are errors; its text is all of them, its ``report`` shows them in colour too
    """
    given = list(paths)
    while True:
        report = Report()
        sources = read(given, report, root=root)
        more = [path for path in beside(sources) if path not in given]
        if not more:
            return _understood(sources, report)
        given += more


def understand(documents: Iterable[tuple[str, bytes]]) -> Loaded:
    """
    Parse and check files that have been read, each a name and its bytes. Pure.

    :raises RefusedError: as :func:`load`
    """
    report = Report()
    return _understood(compose(documents, report), report)


def _understood(sources: Sequence[Source], report: Report) -> Loaded:
    policy = parse(sources, report)
    check(policy, report)
    if report.failed:
        raise RefusedError(report)
    return Loaded(policy, report.sources, report)
