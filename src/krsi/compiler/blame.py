"""Which patterns make an automaton explode, found by compiling some of them alone."""

import time
from collections.abc import Sequence

from krsi.compiler.stages import Limits
from krsi.compiler.subsets import ExplodedError, states_of
from krsi.policy.glob import Glob

SHOWN = 5
_CANDIDATES = 256  # patterns that are looked at, those that tell the most states apart
_FEW = 50_000  # states that a few patterns alone should never need
_SECONDS = 3.0  # for the search; what is found until then is said


def blame(globs: Sequence[Glob], error: ExplodedError, limits: Limits) -> str:
    """Return the message for *globs*, whose automaton exploded: which of them do, how, and what to change."""
    few = Limits(min(limits.states, _FEW), limits.bytes)
    order = sorted(range(len(globs)), key=lambda place: (-error.scores[place], place))
    suspects = [globs[place] for place in order[:_CANDIDATES] if error.scores[place]]
    culprits = _culprits(suspects, few, time.monotonic() + _SECONDS)
    if not culprits:
        return f"{len(globs)} patterns need {error}: give fewer, or a folder's 'dir/**' in place of what lies in it"
    summary = f"the patterns need {error}; {_summary(culprits, few)}"
    return "\n".join([summary, *_lines(culprits, few), _advice(culprits)])


def _culprits(suspects: Sequence[Glob], few: Limits, deadline: float) -> list[Glob]:
    """Return patterns of *suspects* that explode together, as few as can be found until *deadline*; or none."""
    if states_of(suspects, few) is not None:
        return []
    least, most = 0, len(suspects)  # so many of the first ones do not explode, and do
    while most - least > 1 and time.monotonic() < deadline:
        middle = (least + most) // 2
        least, most = (middle, most) if states_of(suspects[:middle], few) is not None else (least, middle)
    culprits = list(suspects[:most])
    for suspect in reversed(suspects[:most]):
        rest = [other for other in culprits if other is not suspect]
        if time.monotonic() < deadline and states_of(rest, few) is None:
            culprits = rest
    return culprits


def _summary(culprits: Sequence[Glob], few: Limits) -> str:
    if len(culprits) == 1:
        return f"this one alone needs more than {few.states}:"
    return f"these {len(culprits)} alone need more than {few.states}, each to be kept in mind beside the others:"


def _lines(culprits: Sequence[Glob], few: Limits) -> list[str]:
    """Return a line for each of the first culprits, with the states that it and those before it need."""
    shown = enumerate(culprits[:SHOWN])
    lines = [
        f"  {glob.text}  ({_needs(number, states_of(culprits[: number + 1], few), few)})" for number, glob in shown
    ]
    rest = len(culprits) - SHOWN
    return lines + ([f"  and {rest} like {'it' if rest == 1 else 'them'}"] if rest > 0 else [])


def _needs(number: int, count: int | None, few: Limits) -> str:
    states = f"more than {few.states}" if count is None else str(count)
    return f"{states} states" if number == 0 else f"with {'that' if number == 1 else 'those'} above {states}"


def _advice(culprits: Sequence[Glob]) -> str:
    if len(culprits) == 1:
        return "write '*' in place of what is counted behind its first wildcard: '?', classes, braces"
    return "begin them with a folder, so that they apply in different places, or make one pattern of them with braces"
