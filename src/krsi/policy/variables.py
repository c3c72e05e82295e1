"""The variables of all files: what each stands for, and which of them cannot be used."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from graphlib import TopologicalSorter

from krsi.policy.diagnostics import Report
from krsi.policy.faults import Fault
from krsi.policy.graph import leading_to, loops
from krsi.policy.node import Scalar
from krsi.policy.place import Span
from krsi.policy.value import Value
from krsi.policy.words import VARIABLE, VARIABLES

_REFERENCE = re.compile(r"\\.|@\{([^{},]*)\}", re.DOTALL)
_MUCH = 1 << 40  # sizes stop growing here; in a chain of doublings they would have more digits than there is memory


@dataclass(frozen=True, slots=True)
class Variable:
    """
    A variable that can be used.

    :param size: characters that come out of it where those that it refers to are replaced
    """

    value: Value
    scalars: tuple[Scalar, ...]
    refers: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Variables:
    """
    All variables.

    :param usable: by name, each after those that it refers to
    :param broken: names of those that are defined but cannot be used, about which enough has been said
    """

    usable: Mapping[str, Variable]
    broken: frozenset[str]


def references(text: str) -> list[tuple[int, str]]:
    """Return the names that *text* refers to, each with its offset in characters."""
    if "@{" not in text:
        return []
    return [(found.start(), found[1]) for found in _REFERENCE.finditer(text) if found[1] is not None]


def variables(items: Iterable[Value], report: Report) -> Variables:
    """Read the ``vars`` among *items*."""
    defined = _defined(items, report)
    scalars = {name: _scalars(value) for name, value in defined.items()}
    graph = {name: [other for each in given for _, other in references(each.text)] for name, given in scalars.items()}
    faulty = {name for name, given in scalars.items() if not given}
    faulty.update(name for name in defined if _refers_to_nothing(defined[name], scalars[name], defined))
    for name, loop in loops(graph).items():
        value = defined[name]
        value.fail(Fault.VARIABLE_CYCLE, value.key.span, word=name, chain=" -> ".join([*loop, name]))
        faulty.add(name)
    broken = leading_to(faulty, graph)
    sizes = _sizes({name: scalars[name] for name in defined if name not in broken})
    usable = {name: Variable(defined[name], scalars[name], tuple(graph[name]), size) for name, size in sizes.items()}
    return Variables(usable, frozenset(broken))


def _defined(items: Iterable[Value], report: Report) -> dict[str, Value]:
    defined: dict[str, Value] = {}
    for item in items:
        fields = item.fields(VARIABLES)
        value = fields.get("vars") if fields else None
        named = value.pairs("names and their values") if value else []
        report.incomplete |= not named
        for each in named:
            if not VARIABLE.fullmatch(each.key.text):
                each.fail(Fault.VARIABLE_NAME, each.key.span, word=each.key.text)
            elif (first := defined.setdefault(each.key.text, each)) is not each:
                related = [(first.key.span, "it is here first")]
                each.fail(Fault.DUPLICATE_NAME, each.key.span, kind="variable", word=each.key.text, related=related)
    return defined


def _scalars(value: Value) -> tuple[Scalar, ...]:
    """Return the values of a variable, none if one of them is no text."""
    given = [each.scalar("a text") for each in value.each("texts")]
    scalars = tuple(each for each in given if each)
    return scalars if len(scalars) == len(given) else ()


def _refers_to_nothing(value: Value, scalars: Iterable[Scalar], defined: Collection[str]) -> bool:
    missing = [(each, *found) for each in scalars for found in references(each.text) if found[1] not in defined]
    for scalar, offset, name in missing:
        undefined_variable(value, scalar.part(offset, len(name) + 3), name, defined)
    return bool(missing)


def undefined_variable(value: Value, span: Span, name: str, defined: Iterable[str]) -> None:
    """Report that ``@{name}`` at *span* is no variable, unless it may be in what could not be read."""
    if not value.report.incomplete:
        value.fail(Fault.UNDEFINED, span, kind="variable", word=name, near=defined)


def _sizes(scalars: Mapping[str, tuple[Scalar, ...]]) -> dict[str, int]:
    """Return how many characters come out of each variable: for each value, those of all combinations."""
    graph = {name: {other for each in given for _, other in references(each.text)} for name, given in scalars.items()}
    number: dict[str, int] = {}
    size: dict[str, int] = {}
    for name in TopologicalSorter(graph).static_order():
        number[name] = size[name] = 0
        for each in scalars[name]:
            others = [other for _, other in references(each.text)]
            combinations = reduce(lambda product, other: min(_MUCH, product * number[other]), others, 1)
            number[name] = min(_MUCH, number[name] + combinations)
            longest = len(each.text) + sum(size[other] for other in others)
            size[name] = min(_MUCH, size[name] + combinations * longest)
    return size
