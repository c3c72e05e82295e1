"""Texts of a policy as patterns and, in tests, as paths."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from math import prod
from typing import NamedTuple

from krsi.policy.faults import Fault
from krsi.policy.glob import Glob, GlobError, parse
from krsi.policy.node import Scalar
from krsi.policy.place import Span
from krsi.policy.value import Value
from krsi.policy.variables import Variable, Variables, references, undefined_variable

MAX_LENGTH = 65_536
"""Of a pattern as written, in characters."""

MAX_EXPANDED = 8 << 20
"""Of all patterns with variables together, these replaced by their values, in characters: what reading them costs."""

MAX_PATHS = 1_000
"""Paths that one path with variables may stand for in a test."""

_COST = 64  # of a path, besides its characters


class Pattern(NamedTuple):
    """A pattern and where it stands."""

    glob: Glob
    span: Span


class Patterns:
    """Reads patterns with the variables of all files. What comes back empty has been reported."""

    def __init__(self, variables: Variables) -> None:
        self._usable = variables.usable
        self._texts = {name: tuple(each.text for each in known.scalars) for name, known in variables.usable.items()}
        self._broken = set(variables.broken)
        self._known: dict[str, Glob] = {}
        self._left = MAX_EXPANDED
        for name, known in variables.usable.items():  # what refers to others comes after them
            if not self._makes_sense(name, known):
                self._broken.add(name)

    def all(self, value: Value) -> list[Pattern]:
        """Return one pattern or those of a list."""
        found = [self._one(each) for each in value.each("a pattern or a list of patterns")]
        return [pattern for pattern in found if pattern]

    def paths(self, values: Sequence[Value]) -> list[tuple[bytes, ...]]:
        """Return the paths that *values* stand for together: one tuple for each choice of what their variables hold."""
        scalars = [each.scalar("a path") for each in values]
        given = [(value, each) for value, each in zip(values, scalars, strict=True) if each]
        readable = [self._is_readable(value, each) for value, each in given]
        if len(given) < len(values) or not all(readable):
            return []
        texts = {name: self._texts[name] for name in sorted(self._reached(each.text for _, each in given))}
        number = prod(map(len, texts.values()))
        longest = sum(len(each.text) for _, each in given) + sum(max(map(len, each)) for each in texts.values())
        if number > MAX_PATHS:
            values[0].fail(Fault.TOO_MANY_PATHS, limit=f"{MAX_PATHS:,}")
            return []
        return self._chosen(given, texts) if self._afford(values[0], number * (longest + _COST)) else []

    def _chosen(
        self, given: list[tuple[Value, Scalar]], texts: Mapping[str, tuple[str, ...]]
    ) -> list[tuple[bytes, ...]]:
        found: dict[tuple[bytes, ...], None] = {}
        for choice in product(*texts.values()):
            chosen = {name: (text,) for name, text in zip(texts, choice, strict=True)}
            paths = [self._path(value, scalar, chosen) for value, scalar in given]
            if None in paths:
                return []
            found[tuple(path for path in paths if path)] = None
        return list(found)

    def _path(self, value: Value, scalar: Scalar, texts: Mapping[str, tuple[str, ...]]) -> bytes | None:
        glob = self._parse(value, scalar, texts)
        if glob and glob.literal is None:
            value.fail(Fault.WILDCARD, sample=glob.sample().decode(errors="backslashreplace"))
        return glob.literal if glob else None

    def _one(self, value: Value) -> Pattern | None:
        scalar = value.scalar("a pattern")
        if not scalar:
            return None
        glob = self._known.get(scalar.text)
        if glob is None and self._is_readable(value, scalar):
            glob = self._parse(value, scalar, self._texts)
        if glob is None:
            return None
        self._known[scalar.text] = glob
        return Pattern(glob, scalar.span)

    def _is_readable(self, value: Value, scalar: Scalar) -> bool:
        """Refuse what is no pattern for other reasons than its signs, and what is costly."""
        text = scalar.text
        if "\n" in text:
            value.fail(Fault.LINE_BREAK)
            return False
        if len(text) > MAX_LENGTH:
            value.fail(Fault.LONG_PATTERN, limit=f"{MAX_LENGTH:,}")
            return False
        names = references(text)
        for offset, name in names:
            if name not in self._usable and name not in self._broken:
                undefined_variable(value, scalar.part(offset, len(name) + 3), name, self._usable)
        if any(name in self._broken or name not in self._usable for _, name in names):
            return False
        return not names or self._afford(value, len(text) + sum(self._usable[name].size for _, name in names))

    def _afford(self, value: Value, size: int) -> bool:
        if self._left >= 0 > self._left - size:
            value.fail(Fault.TOO_MUCH_EXPANDED, limit=MAX_EXPANDED >> 20)
        self._left -= size
        return self._left >= 0

    def _parse(
        self, value: Value, scalar: Scalar, texts: Mapping[str, tuple[str, ...]], before: str = ""
    ) -> Glob | None:
        try:
            return parse(before + scalar.text, texts)
        except GlobError as error:
            span = scalar.part(max(0, error.offset - len(before)), error.length)
            value.fail(Fault.PATTERN, span, problem=error.message, remedy=error.hint)
        return None

    def _makes_sense(self, name: str, variable: Variable) -> bool:
        """Say once of a variable what would otherwise be said wherever it is used."""
        value = variable.value
        if not all(
            self._is_readable(value, each) and self._parse(value, each, self._texts, "/x") for each in variable.scalars
        ):
            return False
        whole = Scalar(f"/x@{{{name}}}", value.key.span, inset=None)
        return self._parse(value, whole, self._texts) is not None

    def _reached(self, texts: Iterable[str]) -> set[str]:
        reached: set[str] = set()
        todo = [name for text in texts for _, name in references(text)]
        while todo:
            name = todo.pop()
            if name not in reached:
                reached.add(name)
                todo.extend(self._usable[name].refers)
        return reached
