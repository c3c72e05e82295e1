"""
All path patterns of all profiles as one minimal automaton over bytes, packed so that BPF code can run it.

Three stages, each in C (native/): patterns -> deterministic automaton, whose accept sets say which patterns match;
classes of accept sets -> minimal automaton; rows -> cells.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

from krsi._native import ffi, lib
from krsi.compiler.blame import blame
from krsi.compiler.stages import ExhaustedError, Limits, Progress, make, work
from krsi.compiler.subsets import ExplodedError, build
from krsi.errors import CompileError
from krsi.policy.glob import Glob

__all__ = ["MAX_CLASS", "Automaton", "Limits", "Progress", "RawAutomaton", "determinise"]
_CELL = struct.Struct("<II")
MAX_CLASS = (1 << 32) // _CELL.size - 2  # the next one would make a first cell look like an unused one


@dataclass(frozen=True, slots=True)
class Automaton:
    """
    A packed automaton; native/comb.h says what the cells hold. A state is a place in the cells in bytes, 0 is dead.

    It is minimal: two paths lead to the same state just if all that can follow them leads both to the same class.
    """

    cells: bytes = field(repr=False)
    start: int
    states: int

    def run(self, path: bytes, state: int | None = None) -> int:
        """Return the state behind *path*, which holds no NUL, begun in *state* or at the start."""
        state = self.start if state is None else state
        for byte in path:
            owner, to = self._cell(state + _CELL.size * byte)
            state = (to if owner == state else self._cell(state)[1]) & ~lib.KRSI_COMB_STAYS
        return state

    def class_of(self, state: int) -> int:
        """Return the class of what matches in *state*; 0 is nothing."""
        return self._cell(state)[0] // _CELL.size

    def _cell(self, place: int) -> tuple[int, int]:
        owner, to = _CELL.unpack_from(self.cells, place)
        return owner, to


class RawAutomaton:
    """A deterministic automaton, not minimal yet because nobody has said which accept sets are alike."""

    def __init__(self, dfa: Any, limits: Limits, progress: Progress | None) -> None:
        self._dfa = dfa
        self._limits = limits
        self._progress = progress
        self.states: int = lib.krsi_dfa_found(dfa)

    @cached_property
    def accepts(self) -> Sequence[tuple[int, ...]]:
        """The distinct sets of patterns that match together, as sorted places in what was given; the first is empty."""
        starts = ffi.unpack(lib.krsi_dfa_accept_starts(self._dfa), lib.krsi_dfa_accepts(self._dfa) + 1)
        members = ffi.unpack(lib.krsi_dfa_accept_members(self._dfa), starts[-1]) if starts[-1] else []
        return [tuple(members[begin:end]) for begin, end in pairwise(starts)]

    def minimise(self, class_of: Sequence[int]) -> Automaton:
        """
        Return the packed minimal automaton in which accept set *i* is of class ``class_of[i]``, 0 to MAX_CLASS.

        :raises CompileError: it takes more memory than it may
        """
        if len(class_of) != len(self.accepts) or class_of[0] != 0 or min(class_of) < 0 or max(class_of) > MAX_CLASS:
            raise ValueError(f"each accept set must have a class up to {MAX_CLASS}, and the empty one class 0")
        try:
            return self._packed(self._minimal(ffi.new("uint32_t[]", list(class_of))))
        except ExhaustedError as error:
            raise CompileError(f"to minimise and pack the patterns' {self.states} states takes {error}") from None

    def _minimal(self, classes: Any) -> Any:
        minimal = make(lib.krsi_minimal_new, lib.krsi_minimal_free, self._dfa, classes, limits=self._limits)
        work(
            lib.krsi_minimal_step,
            minimal,
            self._limits,
            lambda: (lib.krsi_minimal_states(minimal), self.states, "minimising"),
            self._progress,
        )
        return minimal

    def _packed(self, minimal: Any) -> Automaton:
        states = lib.krsi_minimal_states(minimal)
        comb = make(lib.krsi_comb_new, lib.krsi_comb_free, minimal, limits=self._limits)
        work(
            lib.krsi_comb_step,
            comb,
            self._limits,
            lambda: (lib.krsi_comb_placed(comb), states, "packing"),
            self._progress,
        )
        size = _CELL.size * lib.krsi_comb_cells(comb)
        if size > self._limits.bytes:
            raise ExhaustedError(f"{size >> 20} MiB of cells")
        cells = bytearray(size)
        lib.krsi_comb_write(comb, ffi.from_buffer("uint32_t[]", cells, require_writable=True))
        return Automaton(bytes(cells), lib.krsi_comb_start(comb), states)


def determinise(globs: Sequence[Glob], limit: Limits | None = None, progress: Progress | None = None) -> RawAutomaton:
    """
    Return the deterministic automaton of *globs*.

    :raises CompileError: it takes more than *limit*; says which patterns are to blame
    """
    limits = limit or Limits()
    try:
        return RawAutomaton(build(globs, limits, progress), limits, progress)
    except ExplodedError as error:
        raise CompileError(blame(globs, error, limits)) from None
    except ExhaustedError as error:
        raise CompileError(f"{len(globs)} patterns take {error}: give fewer or shorter ones") from None
