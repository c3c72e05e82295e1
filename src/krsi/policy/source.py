"""
YAML text as nodes that know their places.

PyYAML serves for libyaml's events alone. What its own loader does behind an author's back is refused (duplicate keys,
tags, merge keys) or bounded (aliases), and no text becomes a number, a date or a truth value here.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from krsi.errors import KrsiError
from krsi.policy.diagnostics import Report
from krsi.policy.faults import Fault
from krsi.policy.files import collect
from krsi.policy.node import Items, Node, Pairs, Scalar
from krsi.policy.place import Span, lines_of
from krsi.policy.syntax import Place, Trouble, explain

__all__ = ["MAX_DEPTH", "MAX_NODES", "Source", "Span", "compose", "read"]

MAX_NODES = 1_000_000
"""Values in all files together, an alias counted as all that it stands for: about 140,000 rules."""

MAX_DEPTH = 32
"""Lists and mappings in each other."""

# What libyaml does not read, what it alone takes for a line break, and what makes text look like other text.
_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)


@dataclass(frozen=True, slots=True)
class Source:
    """A policy file: what stands in its list, as far as it could be read."""

    file: str
    items: tuple[Node, ...]


def read(paths: Sequence[str], report: Report, *, root: bool) -> list[Source]:
    """Read all policy files among and below *paths*; see :func:`krsi.policy.files.collect`."""
    return compose(collect(paths, report, root=root), report)


def compose(documents: Iterable[tuple[str, bytes]], report: Report) -> list[Source]:
    """
    Turn files, each a name and its bytes, into nodes. Of a file that breaks off, the items before that are kept.

    :raises KrsiError: PyYAML was built without libyaml
    """
    if not yaml.__with_libyaml__:
        raise KrsiError(
            "PyYAML was built without libyaml, which reads policies; install its wheel, or libyaml-dev and rebuild"
        )
    sources: list[Source] = []
    count = 0
    for file, data in documents:
        text = _decoded(file, data, report)
        composer = _Composer(file, text, report, count)
        sources.append(Source(file, composer.items()))
        count = composer.count
    return sources


def _decoded(file: str, data: bytes, report: Report) -> str:
    """Return the text of a file, nothing if it is not fit to be read."""
    try:
        text = data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        report.sources[file] = data.decode(errors="replace")
        span = _span(file, data[: error.start].decode())
        return _unfit(report, Fault.NOT_UTF8, span, byte=f"{data[error.start]:02x}")
    report.sources[file] = text
    if found := _FORBIDDEN.search(text):
        escape = "".join(f"\\x{byte:02x}" for byte in found.group().encode())
        span = _span(file, text[: found.start()])
        return _unfit(report, Fault.CHARACTER, span, code=f"{ord(found.group()):04X}", escape=escape)
    return text


def _unfit(report: Report, fault: Fault, span: Span, **values: Any) -> str:
    report.add(fault, span, **values)
    report.incomplete = True
    return ""


def _span(file: str, before: str) -> Span:
    lines = lines_of(before)
    return Span(file, len(lines), len(lines[-1]) + 1)


@dataclass(slots=True)
class _Open:
    """
    A list or mapping of which more is to come.

    :ivar keyed: a key has been read and its value is next; ``key`` is None if the pair is left out
    :ivar whole: no pair has been left out, but for a key that was there already
    """

    event: Any
    count: int
    nodes: list[Node] = field(default_factory=list)
    entries: list[tuple[Scalar, Node]] = field(default_factory=list)
    keys: dict[str, Scalar] = field(default_factory=dict)
    key: Scalar | None = None
    keyed: bool = False
    whole: bool = True


class _StopError(Exception):
    """The rest of the file is not read."""

    def __init__(self, fault: Fault, span: Span, **values: Any) -> None:
        super().__init__(fault)
        self.fault, self.span, self.values = fault, span, values


class _Composer:
    """
    Builds the nodes of one file from libyaml's events, without recursion.

    :ivar count: nodes so far, those of the files before included
    """

    def __init__(self, file: str, text: str, report: Report, count: int) -> None:
        self.count = count
        self._file = file
        self._text = text
        self._report = report
        self._open: list[_Open] = []
        self._root: Node | None = None
        self._anchors: dict[str, tuple[Node, int]] = {}

    def items(self) -> tuple[Node, ...]:
        """Return what stands in the file's list."""
        try:
            self._compose()
        except _StopError as stop:
            self._report.add(stop.fault, stop.span, **stop.values)
        except yaml.MarkedYAMLError as error:
            explain(self._trouble(error), self._report)
        else:
            return self._listed()
        self._report.incomplete = True
        return tuple(self._open[0].nodes) if self._open else self._listed()

    def _compose(self) -> None:
        takes: dict[type, Callable[[Any], None]] = {
            yaml.DocumentStartEvent: self._document,
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.SequenceStartEvent: self._begin,
            yaml.MappingStartEvent: self._begin,
            yaml.SequenceEndEvent: self._end,
            yaml.MappingEndEvent: self._end,
        }
        for event in yaml.parse(self._text, Loader=yaml.CBaseLoader):
            if take := takes.get(type(event)):
                take(event)

    def _listed(self) -> tuple[Node, ...]:
        match self._root:
            case Items(nodes):
                return nodes
            case None | Scalar(text="", quoted=False):
                return ()
            case other:
                self._report.add(Fault.NOT_A_LIST, other.span, found=other)
                self._report.incomplete = True
                return ()

    def _trouble(self, error: Any) -> Trouble:
        place, began = error.problem_mark, error.context_mark or error.problem_mark
        return Trouble(
            self._file,
            self._lines,
            problem=error.problem,
            context=error.context or "",
            place=(place.line, place.column),
            began=(began.line, began.column),
            inside=self._innermost(),
        )

    def _innermost(self) -> Place | None:
        mark = self._open[-1].event.start_mark if self._open else None
        return (mark.line, mark.column) if mark else None

    @cached_property
    def _lines(self) -> list[str]:
        return lines_of(self._text)

    # --- events

    def _document(self, event: Any) -> None:
        if self._root is not None:
            raise _StopError(Fault.DOCUMENTS, self._span(event.start_mark, event.end_mark))

    def _scalar(self, event: Any) -> None:
        start, end, quoted = event.start_mark, event.end_mark, bool(event.style)
        span = self._untagged(event)
        inset: int | None = span.length - len(event.value)  # of a plain text: an anchor may stand before it
        if start.line != end.line or (quoted and inset != 2):
            inset = None
        self._add(1, event)
        self._put(Scalar(event.value, span, quoted, 1 if quoted and inset else inset), event.anchor, 1)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            raise _StopError(Fault.ALIAS, self._span(event.start_mark, event.end_mark), word=event.anchor)
        node, size = self._anchors[event.anchor]
        self._add(size, event)
        self._put(node, None, size)

    def _begin(self, event: Any) -> None:
        if len(self._open) == MAX_DEPTH:
            raise _StopError(Fault.TOO_DEEP, self._span(event.start_mark, event.end_mark), limit=MAX_DEPTH)
        self._untagged(event)
        self._open.append(_Open(event, self.count))
        self._add(1, event)

    def _end(self, event: Any) -> None:
        top = self._open.pop()
        flow = bool(top.event.flow_style)
        span = self._span(top.event.start_mark, event.end_mark)
        if isinstance(top.event, yaml.SequenceStartEvent):
            node: Node = Items(tuple(top.nodes), span, flow)
        else:
            first = next(iter(top.keys.values()), None)
            node = Pairs(tuple(top.entries), span if flow or not first else first.span, flow, top.whole)
        self._put(node, top.event.anchor, self.count - top.count)

    def _untagged(self, event: Any) -> Span:
        span = self._span(event.start_mark, event.end_mark)
        if event.tag is not None:
            self._report.add(Fault.TAG, span)
        return span

    def _add(self, size: int, event: Any) -> None:
        self.count += size
        if self.count > MAX_NODES:
            raise _StopError(Fault.TOO_MANY_NODES, self._span(event.start_mark, event.end_mark), limit=f"{MAX_NODES:,}")

    def _put(self, node: Node, anchor: str | None, size: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, size)
        if not self._open:
            self._root = node
            return
        top = self._open[-1]
        if isinstance(top.event, yaml.SequenceStartEvent):
            top.nodes.append(node)
        elif not top.keyed:
            top.key, top.keyed = self._key(top, node), True
        else:
            top.keyed = False
            if top.key:
                top.entries.append((top.key, node))

    def _key(self, top: _Open, node: Node) -> Scalar | None:
        """Return *node* as a key, None if it cannot be one."""
        if not isinstance(node, Scalar):
            top.whole = False
            self._report.add(Fault.KEY, node.span, found=node)
            return None
        if node.text == "<<" and not node.quoted:
            top.whole = False
            self._report.add(Fault.MERGE, node.span)
            return None
        first = top.keys.setdefault(node.text, node)
        if first is not node:
            self._report.add(Fault.DUPLICATE_KEY, node.span, word=node.text, related=[(first.span, "it is here first")])
            return None
        return node

    def _span(self, start: Any, end: Any) -> Span:
        """Return from *start* to *end*, or to the end of the line if that comes first."""
        stop = end.column if end.line == start.line else len(self._lines[start.line])
        return Span(self._file, start.line + 1, start.column + 1, max(1, stop - start.column))
