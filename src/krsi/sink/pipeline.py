"""
The way of events out: structlog, which is handed batches. One call for an event would cost more than the event.

A batch is the one key of a log call; the last processor turns it into bytes, and the logger writes them.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import IO, Any

import structlog

from krsi.event.model import Event
from krsi.sink import compact, jsonl

Lines = Callable[[Sequence[Event]], bytes]


class _Writer:
    """structlog's idea of a logger: takes rendered bytes."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def info(self, data: bytes) -> None:
        self._out.write(data)
        self._out.flush()


def writer(out: IO[bytes], form: str, *, colour: bool) -> Any:
    """
    Return a structlog logger whose ``info("events", events=…)`` writes to *out*.

    :param form: ``json`` or ``compact``
    """
    lines: Lines = jsonl.lines if form == "json" else partial(compact.lines, colour=colour)
    return structlog.wrap_logger(_Writer(out), processors=[_rendering(lines)], wrapper_class=structlog.BoundLogger)


def _rendering(lines: Lines) -> structlog.typing.Processor:
    def render(logger: object, method: str, entry: structlog.typing.EventDict) -> bytes:  # noqa: ARG001  structlog's
        return lines(entry["events"])

    return render
