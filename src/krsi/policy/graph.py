"""What refers to what: loops, and what hangs on what."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

Graph = Mapping[str, Sequence[str]]
"""The names that each name refers to; one that is no key refers to nothing."""

_SHOWN = 8  # names of a loop; to list all of each would take the square of their number


def loops(graph: Graph) -> dict[str, list[str]]:
    """
    Return names without which no loop is left, each with the loop through it that was found.

    A loop begins with the name, and its last name refers to the first; of a long one the middle is left out.
    """
    found: dict[str, list[str]] = {}
    done: set[str] = set()
    for start in graph:
        path: dict[str, None] = {}
        rest = [iter((start,))]  # of each name on the path, and before them of the start, what is still to be seen
        while rest:
            name = next(rest[-1], None)
            if name is None:
                rest.pop()
                done.update([path.popitem()[0]] if path else [])
            elif name in path:
                found.setdefault(name, _loop(path, name))
            elif name not in done:
                path[name] = None
                rest.append(iter(graph.get(name, ())))
    return found


def _loop(path: dict[str, None], name: str) -> list[str]:
    last = list(islice(reversed(path), _SHOWN))
    return last[last.index(name) :: -1] if name in last else [name, "…", *reversed(last)]


def leading_to(targets: Iterable[str], graph: Graph) -> set[str]:
    """Return *targets* and all that refer to them, directly or not."""
    referring = defaultdict(list)
    for name, others in graph.items():
        for other in others:
            referring[other].append(name)
    found: set[str] = set()
    todo = list(targets)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(referring[name])
    return found
