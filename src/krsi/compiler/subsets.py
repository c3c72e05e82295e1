"""The deterministic automaton of patterns, by the subset construction of native/automaton.c."""

from collections.abc import Sequence
from typing import Any

from krsi._native import ffi, lib
from krsi.compiler.program import programs
from krsi.compiler.stages import ExhaustedError, Limits, Progress, make, work
from krsi.policy.glob import Glob


class ExplodedError(ExhaustedError):
    """
    There are too many states.

    :param scores: how much each pattern adds to the difference between them; comparable, nothing else
    """

    def __init__(self, message: str, scores: Sequence[int]) -> None:
        super().__init__(message)
        self.scores = scores


def build(globs: Sequence[Glob], limits: Limits, progress: Progress | None) -> Any:
    """
    Return a ``struct krsi_dfa *`` that is done.

    :raises ExplodedError: it has more states, or takes more memory, than it may
    :raises ExhaustedError: the patterns alone take more memory than they may
    """
    code = programs(globs)
    data, sets = ffi.from_buffer(code.data), ffi.from_buffer(code.sets)
    source = (data, len(data), code.groups, code.patterns, sets, len(sets) // 32)
    nfa = make(lib.krsi_nfa_new, lib.krsi_nfa_free, *source, limits=limits)
    dfa = make(lib.krsi_dfa_new, lib.krsi_dfa_free, nfa, limits.states, limits=limits)
    try:
        work(
            lib.krsi_dfa_step,
            dfa,
            limits,
            lambda: (lib.krsi_dfa_worked(dfa), lib.krsi_dfa_found(dfa), "following patterns"),
            progress,
        )
    except ExhaustedError as error:
        raise ExplodedError(str(error), _scores(dfa, len(globs))) from None
    return dfa


def states_of(globs: Sequence[Glob], limits: Limits) -> int | None:
    """Return how many states the automaton of *globs* has, or None if that is more than it may."""
    try:
        return int(lib.krsi_dfa_found(build(globs, limits, None)))
    except ExhaustedError:
        return None


def _scores(dfa: Any, count: int) -> list[int]:
    scores = ffi.new("uint64_t[]", count)
    if lib.krsi_dfa_scores(dfa, scores) < 0:
        raise MemoryError("no memory left to find out which patterns explode")
    return list(scores)
