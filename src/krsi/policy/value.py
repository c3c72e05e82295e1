"""A node that knows what it is the value of, asked for what it should be. What it is not is reported, once."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from krsi.policy.diagnostics import At, Report
from krsi.policy.faults import Fault
from krsi.policy.node import Items, Node, Pairs, Scalar
from krsi.policy.place import Span
from krsi.policy.words import NAME, NAME_LIMIT, Table

_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Value:
    """
    The value of a key, or one of several. What returns None has reported why.

    :param key: the key that it belongs to
    """

    node: Node
    key: Scalar
    at: At | None
    report: Report

    def fail(
        self,
        fault: Fault,
        span: Span | None = None,
        *,
        near: Iterable[str] = (),
        related: Iterable[tuple[Span, str]] = (),
        **values: object,
    ) -> None:
        """Report *fault* here, or at *span*."""
        self.report.add(fault, span or self.node.span, self.at, near=near, related=related, **values)

    @property
    def text(self) -> str:
        """The text, nothing where it is none."""
        return self.node.text if isinstance(self.node, Scalar) else ""

    def scalar(self, expected: str) -> Scalar | None:
        """Return the text, which is not empty."""
        node = self.node
        if isinstance(node, Scalar) and node.text:
            return node
        if isinstance(node, Scalar):
            self._empty()
        else:
            self._not(expected)
        return None

    def items(self, expected: str) -> list["Value"]:
        """Return what stands in a list, which is not empty."""
        node = self.node
        if isinstance(node, Items) and node.nodes:
            return [Value(each, self.key, At(self.at, number), self.report) for number, each in enumerate(node.nodes)]
        if isinstance(node, Items):
            self.fail(Fault.EMPTY_LIST, key=self.key.text)
        elif self.scalar(expected):
            self._not(expected)
        return []

    def each(self, expected: str) -> list["Value"]:
        """Return what stands in a list, or the one value that is no list."""
        return self.items(expected) if isinstance(self.node, Items) else [self]

    def word(self, what: str, words: Collection[str]) -> str | None:
        """Return the text, which is one of *words*."""
        scalar = self.scalar(what)
        if scalar and scalar.text not in words:
            self.fail(Fault.UNKNOWN_WORD, word=scalar.text, what=what, near=words, known=", ".join(words))
            return None
        return scalar.text if scalar else None

    def name(self) -> Scalar | None:
        """Return the text, which could be a name."""
        scalar = self.scalar("a name")
        if scalar and not NAME.fullmatch(scalar.text):
            self.fail(Fault.NAME, word=scalar.text, limit=NAME_LIMIT)
            return None
        return scalar

    def flag(self) -> bool | None:
        """Return whether it is true; anything in quotes is neither."""
        scalar = self.scalar("true or false")
        if scalar and (scalar.quoted or scalar.text not in _FLAGS):
            self.fail(Fault.FLAG, found=scalar)
            return None
        return _FLAGS[scalar.text] if scalar else None

    def pairs(self, expected: str) -> list["Value"]:
        """Return the values of a mapping whose keys are the author's; there is at least one."""
        node = self.node
        if isinstance(node, Pairs) and node.entries:
            return [Value(value, key, At(self.at, key.text), self.report) for key, value in node.entries]
        if isinstance(node, Pairs):
            self._empty()
        elif self.scalar(expected):
            self._not(expected)
        return []

    def fields(self, table: Table) -> "Fields | None":
        """Return the values of a mapping by their keys."""
        if not isinstance(self.node, Pairs):
            if self.scalar(f"{table.what} (a mapping)"):
                self._not(f"{table.what} (a mapping)")
            return None
        if not self.node.entries:
            self._empty()
            return None
        known: dict[str, Value] = {}
        for key, node in self.node.entries:
            value = Value(node, key, At(self.at, key.text), self.report)
            if table.allows(key.text):
                known[key.text] = value
            else:
                value.refuse_key(table, comma=self.node.flow)
        return Fields(self, table, known, whole=self.node.whole and len(known) == len(self.node.entries))

    def refuse_key(self, table: Table, *, comma: bool) -> None:
        """Report that the key is none of *table*; *comma* says that a comma may have made it one."""
        word, span = self.key.text, self.key.span
        empty = isinstance(self.node, Scalar) and not self.node.text
        if word in table.later:
            self.fail(Fault.NOT_YET, span, subject=table.later[word])
        elif word in table.elsewhere:
            self.fail(Fault.MISPLACED, span, what=table.what, word=word, right=table.elsewhere[word])
        elif empty and ":" in word:
            self.fail(Fault.COLON, span, what=table.what, word=word)
        elif empty and comma:
            self.fail(Fault.COMMA, span, what=table.what, word=word)
        else:
            words = [*table.either, *table.keys]
            self.fail(Fault.UNKNOWN_KEY, span, what=table.what, word=word, near=words, known=", ".join(words))

    def _empty(self) -> None:
        if self.at and isinstance(self.at.part, int):
            self.fail(Fault.EMPTY_ITEM, key=self.key.text)
        else:
            self.fail(Fault.NO_VALUE, self.key.span, key=self.key.text)

    def _not(self, expected: str) -> None:
        pattern = "pattern" in expected and not isinstance(self.node, Scalar) and self.node.flow
        self.fail(Fault.TYPE_PATTERN if pattern else Fault.TYPE, expected=expected, found=self.node)


@dataclass(frozen=True, slots=True)
class Fields:
    """
    The values of a mapping by their keys, those that are no keys left out.

    :param whole: none was left out, so that what is not here was not meant to be
    """

    value: Value
    table: Table
    values: dict[str, Value]
    whole: bool

    def get(self, key: str) -> Value | None:
        """Return the value of *key*; None if there is none, which is reported if it is needed."""
        value = self.values.get(key)
        if value is None and self.whole and key in self.table.keys and self.table.keys[key].needed:
            self.value.fail(Fault.MISSING_KEY, what=self.table.what, key=key)
        return value

    def either(self, none: Fault, two: Fault, form: str = "") -> Value | None:
        """Return the one of the keys that exclude each other; report *none* or *two* where it is not one."""
        given = [value for key, value in self.values.items() if key in self.table.either]
        if not given and self.whole:
            self.value.fail(none, form=form)
        if len(given) > 1:
            first, second = given[0].key, given[1].key
            self.value.fail(
                two, second.span, first=first.text, second=second.text, related=[(first.span, "the first is here")]
            )
        return given[0] if len(given) == 1 else None
