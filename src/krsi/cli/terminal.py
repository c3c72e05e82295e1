"""What goes to people: colour on terminals only, columns aligned."""

import os
import sys
import time
from collections.abc import Sequence
from typing import IO

_CLEAR = "\r\033[K"
_RESET = "\033[0m"
_COLOURS = {"good": "\033[32m", "bad": "\033[1;31m", "doubtful": "\033[33m", "title": "\033[1m"}


def is_coloured(stream: IO[str]) -> bool:
    """Tell whether to colour what goes to *stream*: https://no-color.org."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def painted(kind: str, text: str, *, on: bool) -> str:
    """Return *text* in the colour of what is ``good``, ``bad``, ``doubtful`` or a ``title``; as it is if not *on*."""
    return f"{_COLOURS[kind]}{text}{_RESET}" if on else text


def table(rows: Sequence[Sequence[object]], header: Sequence[str]) -> str:
    """Return *rows* under *header*, columns aligned: numbers to the right, words to the left."""
    values = list(zip(*rows, strict=True)) or [() for _ in header]
    columns = [[title, *map(_cell, column)] for title, column in zip(header, values, strict=True)]
    numeric = [bool(column) and all(isinstance(value, int) for value in column) for column in values]
    aligned = [_aligned(column, right=right) for column, right in zip(columns, numeric, strict=True)]
    return "\n".join("  ".join(row).rstrip() for row in zip(*aligned, strict=True))


def _aligned(column: Sequence[str], *, right: bool) -> list[str]:
    width = max(map(len, column))
    return [cell.rjust(width) if right else cell.ljust(width) for cell in column]


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


class ProgressLine:
    """Shows on stderr how far long work is: one line that is written over on a terminal, one a phase elsewhere."""

    def __init__(self, after_s: float = 1.0) -> None:
        self._begin = time.monotonic()
        self._after_s = after_s
        self._phase = ""
        self._is_open = False

    def __call__(self, done: int, total: int, phase: str) -> None:
        """Tell how much of a phase is done; nothing is shown of work that is done at once."""
        if time.monotonic() - self._begin < self._after_s:
            return
        if sys.stderr.isatty():
            sys.stderr.write(f"{_CLEAR}{phase}: {done:,} of about {total:,}")
            self._is_open = True
        elif phase != self._phase:
            sys.stderr.write(f"{phase} ...\n")
        self._phase = phase
        sys.stderr.flush()

    def close(self) -> None:
        """Take the line away."""
        if self._is_open:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
            self._is_open = False
