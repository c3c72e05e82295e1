"""
What the cost benchmark found, as tables between two marks of ``bench/RESULTS.md``.

Run by ``make bench`` as ``python -m bench.publish RESULT.json…``, one for each kernel; goals are the first one's.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

RESULTS = Path("bench/RESULTS.md")
BEGIN, END = "<!-- made by make bench -->\n", "<!-- until here -->\n"
NOTHING = "nothing"
DEPTHS = (1, 2, 3, 5, 10, 20)
COUNTS = (10, 1000, 10000)


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured on a kernel: instructions by who was in force, and by what was done."""

    kernel: str
    instructions: Mapping[str, Mapping[str, float]]

    def total(self, column: str, probe: str) -> float | None:
        """Return the whole price, None if that was not measured."""
        return self.instructions.get(column, {}).get(probe)

    def added(self, column: str, probe: str, free: str | None = None) -> float | None:
        """Return what is added to the price with nothing in force, by another name if it has one there."""
        total, base = self.total(column, probe), self.total(NOTHING, free or probe)
        return None if total is None or base is None else total - base


def _number(value: float | None, form: str = ",.0f") -> str:
    return "–" if value is None else format(value, form)  # noqa: RUF001  as tables have it


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


OPERATIONS = {
    **{f"open and close, depth {depth}": f"open star {depth}" for depth in DEPTHS},
    "open and close, depth 5, a name of 51 letters": "long star 5",
    "open and close, depth 5, the first after a rename anywhere": "cold star 5",
    "open and close, depth 20, the first after a rename anywhere": "cold star 20",
    "stat": "stat",
    "create and unlink": "create",
    "rename": "rename",
    "fork, exit, wait": "fork",
    "vfork, exec, exit, wait": "exec",
}


def operations(result: Result) -> str:
    """Show each operation under each confinement."""

    def row(title: str, probe: str) -> list[str]:
        confined = "krsi top" if probe == "open star 1" else "krsi confined"
        columns = ("krsi unconfined", confined, "apparmor", "landlock")
        added = [_number(result.added(column, probe), "+,.0f") for column in columns]
        return [title, _number(result.total(NOTHING, probe)), *added]

    head = ["operation", "nothing, in all", "krsi, unconfined", "krsi, confined", "AppArmor", "Landlock"]
    return _table(head, [row(title, probe) for title, probe in OPERATIONS.items()])


PATTERNS: dict[str, Callable[[int], tuple[str, str]]] = {
    "the file's name": lambda depth: ("krsi confined", f"open literal {depth}"),
    "`FOLDER/*`": lambda depth: ("krsi top" if depth == 1 else "krsi confined", f"open star {depth}"),
    "`TREE/**`": lambda depth: ("krsi confined", f"open doublestar {depth}"),
    "none: `default: allow`": lambda depth: ("krsi default allow", f"open literal {depth}"),
}


def patterns(result: Result) -> str:
    """Show what allowed opens cost by the pattern that allows them."""
    rows = (
        [title, *(_number(result.added(*of(depth)), "+,.0f") for depth in DEPTHS)] for title, of in PATTERNS.items()
    )
    return _table(["allowed by", *(f"depth {depth}" for depth in DEPTHS)], rows)


def rules(result: Result) -> str:
    """Show what allowed opens cost by the number of rules."""
    kinds = {"literal": "the file's name", "star": "`FOLDER/*`", "doublestar": "`TREE/**`"}
    sets = {"rules": "elsewhere", "neighbours": "for names that begin like that of `*`'s file"}
    rows = [
        [
            f"{pattern}; rules {where}",
            *(_number(result.added(f"krsi {n} {what}", f"open {kind} 5"), "+,.0f") for n in COUNTS),
        ]
        for what, where in sets.items()
        for kind, pattern in kinds.items()
    ]
    return _table(["allowed by", *(f"{count:,} rules" for count in COUNTS)], rows)


REFUSALS = {
    "no such file": (NOTHING, "missing {}"),
    "krsi, with its event": ("krsi confined", "refused refused {}"),
    "krsi, `log: false`": ("krsi confined", "refused quiet {}"),
    "AppArmor, logged, no auditd": ("apparmor", "refused refused {}"),
    "AppArmor, `deny`, not logged": ("apparmor", "refused quiet {}"),
    "Landlock, not logged": ("landlock", "refused refused {}"),
}
REFUSED_DEPTHS = (1, 2, 5, 20)


def refusals(result: Result) -> str:
    """Show what a refused open costs in all."""
    rows = (
        [title, *(_number(result.total(column, probe.format(depth))) for depth in REFUSED_DEPTHS)]
        for title, (column, probe) in REFUSALS.items()
    )
    return _table(["open that fails", *(f"depth {depth}" for depth in REFUSED_DEPTHS)], rows)


def getattr_rows(result: Result) -> str:
    """Show what stat costs once a policy asks for it."""
    rows = ([who, _number(result.added(f"krsi {who}, getattr", "stat"), "+,.0f")] for who in ("unconfined", "confined"))
    return _table(["stat, where a policy names `getattr`", "added"], rows)


@dataclass(frozen=True, slots=True)
class Goal:
    """What issue 1 asks for."""

    title: str
    limit: float
    found: Callable[[Result], float]


def _most(values: Iterable[float | None]) -> float:
    return max(value for value in values if value is not None)


def _spread(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return 100 * (max(known) / min(known) - 1)


def _row_spread(result: Result, title: str) -> float:
    return _spread(result.added(*PATTERNS[title](depth)) for depth in DEPTHS)


def _count_spread(result: Result, kind: str, what: str) -> float:
    return _spread(result.added(f"krsi {count} {what}", f"open {kind} 5") for count in COUNTS)


GOALS = [
    Goal("open and close at depth 5, unconfined: added", 220, lambda r: r.added("krsi unconfined", "open star 5") or 0),
    *(
        Goal(f"the same, confined, allowed by {title}: added", 600, lambda r, of=of: r.added(*of(5)) or 0)  # type: ignore[misc]
        for title, of in PATTERNS.items()
    ),
    *(
        Goal(f"most of depths 1 to 20 over least, {title}: %", 10, lambda r, title=title: _row_spread(r, title))  # type: ignore[misc]
        for title in PATTERNS
    ),
    Goal(
        "most of 10 to 10,000 rules elsewhere over least: %",
        5,
        lambda r: _most(_count_spread(r, kind, "rules") for kind in ("literal", "star", "doublestar")),
    ),
    Goal(
        "the same, rules for names that begin like the file's: %", 5, lambda r: _count_spread(r, "star", "neighbours")
    ),
    Goal(
        "refused open with its event, depth 2: in all",
        4500,
        lambda r: r.total("krsi confined", "refused refused 2") or 0,
    ),
    Goal("stat where no policy asks for getattr: added", 0, lambda r: abs(r.added("krsi confined", "stat") or 0)),
]


def goals(result: Result) -> str:
    """Show what was asked for and what is."""
    rows = []
    for goal in GOALS:
        found = goal.found(result)
        rows.append(
            [goal.title, _number(goal.limit), _number(found), "held" if round(found) <= goal.limit else "**missed**"]
        )
    return _table(["goal", "at most", "found", ""], rows)


def drift(result: Result) -> str:
    """Say how far the price with nothing in force was from itself, at the end."""
    probes = [probe for probe in OPERATIONS.values() if probe not in ("fork", "exec")]
    again = _most(abs(result.added("nothing again", probe) or 0) for probe in probes)
    busy = _most(abs(result.added("nothing again", probe) or 0) for probe in ("fork", "exec"))
    return f"With nothing in force, measured again at the end: within {again:.0f}, fork and exec within {busy:.0f}.\n"


SECTIONS: dict[str, Callable[[Result], str]] = {
    "Operations: instructions added": operations,
    "Open and close, confined, by pattern and depth: instructions added": patterns,
    "Open and close at depth 5, confined, by number of rules: instructions added": rules,
    "Refused opens: instructions in all": refusals,
    "stat that is asked about": getattr_rows,
}


def chapter(result: Result) -> str:
    """Return all tables of a kernel."""
    sections = [f"### {title}\n\n{table(result)}" for title, table in SECTIONS.items()]
    return "\n".join([f"## Linux {result.kernel}\n", *sections, drift(result)])


def rendered(results: Sequence[Result]) -> str:
    """Return what stands between the marks."""
    first = results[0]
    asked = f"## Goals, on Linux {first.kernel}\n\n{goals(first)}"
    return "\n".join(chain([asked], map(chapter, results)))


def main() -> None:
    results = [Result(**json.loads(Path(name).read_text())) for name in sys.argv[1:]]
    before, _, rest = RESULTS.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    RESULTS.write_text(f"{before}{BEGIN}\n{rendered(results)}\n{END}{after}")


if __name__ == "__main__":
    main()
