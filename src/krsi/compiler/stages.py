"""How the stages in native/ are made and worked: within limits, in slices, with progress."""

import errno
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from krsi import _native

Progress = Callable[[int, int, str], None]
"""Told how much is done, out of how much at a guess, and in which phase; at most ten times a second."""

_SLICE = 4096  # states worked off between two looks at the clock: a few milliseconds
_EVERY = 0.1  # seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What a compilation may take before it is given up.

    :param states: of the deterministic automaton
    :param bytes: of memory that each stage may take
    """

    states: int = 4_000_000
    bytes: int = 1 << 30


class ExhaustedError(Exception):
    """A stage takes more than it may; the text says what."""


def make(new: Callable[..., Any], free: Callable[..., None], *args: Any, limits: Limits) -> Any:
    """
    Return a stage made of *args*; the caller keeps alive what they point to until it is done.

    :raises ExhaustedError: it takes more than it may
    """
    error = _native.ffi.new("int *")
    stage = new(*args, limits.bytes, error)
    if stage == _native.ffi.NULL:
        raise _failure(error[0], limits)
    return _native.ffi.gc(stage, free)


def work(
    step: Callable[[Any, int], int],
    stage: Any,
    limits: Limits,
    status: Callable[[], tuple[int, int, str]],
    progress: Progress | None,
) -> None:
    """
    Work *stage* until it is done; *status* says what to tell *progress*.

    :raises ExhaustedError: it takes more than it may
    """
    told = time.monotonic()
    while (more := step(stage, _SLICE)) > 0:
        if progress and time.monotonic() - told >= _EVERY:
            progress(*status())
            told = time.monotonic()
    if more < 0:
        raise _failure(more, limits)


def _failure(number: int, limits: Limits) -> Exception:
    reasons = {
        -errno.EOVERFLOW: ExhaustedError(f"more than {limits.states} states"),
        -errno.E2BIG: ExhaustedError(f"more than {limits.bytes >> 20} MiB of memory"),
        -errno.ENOMEM: MemoryError("no memory left to compile the patterns"),
    }
    return reasons.get(number) or AssertionError(f"native stage: error {number}")
