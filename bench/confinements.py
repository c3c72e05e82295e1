"""The same confinement in three languages: krsi's policies, an AppArmor profile, Landlock's paths."""

import json
import random
from collections.abc import Iterable, Sequence
from typing import Any

from bench import tree
from bench.compile_automaton import paths

PROFILE = "bench"
Rule = dict[str, Any]

_SEED = 20261120


def _literal() -> list[str]:
    return [path for depth in tree.DEPTHS for path in (tree.file("literal", depth), tree.long_file("literal", depth))]


def _star() -> list[str]:
    return [f"{tree.folder('star', depth)}*" for depth in tree.DEPTHS if depth > 1]


def _doublestar() -> str:
    return f"/{tree.KINDS['doublestar']}/**"


_NEEDED: list[Rule] = [
    {"allow": ["read", "write"], "path": "/dev/null"},
    {"allow": ["read", "map"], "path": f"{tree.TOOLS}/*"},
    {"allow": ["read", "map"], "path": tree.PROGRAM},
    {"allow": ["read", "write", "create", "delete", "rename"], "path": f"{tree.WORK}/*"},
]


def _policy(files: Sequence[Rule], **keys: str) -> bytes:
    profile = {
        "profile": PROFILE,
        "match": {"exe": tree.KRSI},
        "files": [*_NEEDED, *files],
        "exec": [{"allow": tree.PROGRAM}],
    }
    return json.dumps([profile | keys]).encode()


def _allowed() -> list[Rule]:
    return [{"allow": "read", "path": path} for path in (*_literal(), *_star(), _doublestar())]


def patterns(more: Iterable[Rule] = ()) -> bytes:
    """Return the policy with all kinds of patterns."""
    quiet = {"deny": "any", "path": f"/{tree.KINDS['quiet']}/**", "log": False}
    return _policy([*_allowed(), quiet, *more])


def top() -> bytes:
    """Return the policy that has ``*`` in the root folder."""
    return _policy([{"allow": "read", "path": "/*"}])


def default_allow() -> bytes:
    """Return the policy that refuses one tree."""
    return _policy([{"deny": "any", "path": f"/{tree.KINDS['refused']}/**"}], default="allow")


def with_rules(count: int) -> bytes:
    """Return the policy with so many rules more, made up like a distribution's, for files elsewhere."""
    return patterns({"allow": "read", "path": path} for path in paths(random.Random(_SEED), "bench", count))


def with_neighbours(count: int) -> bytes:
    """Return the policy with so many rules more, for names that begin as that of a file which ``*`` allows."""
    begins = f"{tree.folder('star', 5)}{tree.KINDS['star'][:6]}"
    return patterns({"allow": "write", "path": f"{begins}{number:05}"} for number in range(count))


def with_getattr() -> bytes:
    """Return the policy that asks for stat(2) too."""
    return patterns([{"allow": "getattr", "path": path} for path in _star()])


def apparmor() -> str:
    """Return the profile."""
    lines = [
        f"profile {PROFILE} {tree.APPARMOR} {{",
        "  /dev/null rw,",
        f"  {tree.TOOLS}/* rm,",
        f"  {tree.PROGRAM} rmix,",
        f"  {tree.WORK}/* rw,",
        *(f"  {path} r," for path in (*_literal(), tree.file("star", 1), *_star(), _doublestar())),
        f"  deny /{tree.KINDS['quiet']}/** r,",
        "}",
    ]
    return "\n".join(lines)


def landlock() -> list[str]:
    """Return the files and folders that are allowed, with all below them."""
    tops = [f"/{tree.KINDS[kind]}" for kind in ("literal", "star", "doublestar")]
    files = [tree.file(kind, 1) for kind in ("literal", "star", "doublestar")]
    return [*tops, *files, tree.WORK, tree.TOOLS, "/dev/null"]
