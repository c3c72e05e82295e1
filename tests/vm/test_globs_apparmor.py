"""
Patterns against AppArmor itself: files are made and opened by a confined process.

Runs in the guest, as root: ``vagrant/run -k 6.12 -- python3 -m pytest tests/vm/test_globs_apparmor.py``.
"""

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from krsi.compiler.automaton import determinise
from krsi.policy.glob import parse

from .globs_table import patterns, variables

ROOT = Path("/g")  # what the table's paths begin with
CURRENT = Path("/proc/self/attr/apparmor/current")
ALLOWED, REFUSED, NOT_ATTEMPTED, OTHERWISE = range(4)  # exit codes of a probe; only the exact one counts
TABLE = patterns()
PROFILES = {pattern: f"krsi-glob-{number}" for number, pattern in enumerate(TABLE)}


def quoted(text: str) -> str:
    """Write *text* for AppArmor's lexer, which takes a backslash before the end quote for an escape."""
    return '"' + text.replace("\\\\", "\\x5c").replace('\\"', '"').replace('"', '\\"') + '"'


def policy() -> str:
    values = [f"@{{{name}}} = {' '.join(map(quoted, values))}\n" for name, values in variables().items()]
    rules = [f"profile {name} {{ {quoted(pattern)} r, }}\n" for pattern, name in PROFILES.items()]
    return "".join(values + rules)


@pytest.fixture(scope="module")
def profiles() -> Iterator[None]:
    """Load a profile for each pattern, as long as the test runs."""
    subprocess.run(["apparmor_parser", "-rK"], input=policy().encode(), check=True)
    yield
    subprocess.run(["apparmor_parser", "-R"], input=policy().encode(), check=True)


@pytest.fixture
def root() -> Iterator[Path]:
    """An empty file system at the table's root."""
    ROOT.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", ROOT], check=True)
    yield ROOT
    subprocess.run(["umount", ROOT], check=True)
    ROOT.rmdir()


def make(path: bytes) -> None:
    file = Path(os.fsdecode(path))
    if path.endswith(b"/"):
        file.mkdir(parents=True, exist_ok=True)
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(exist_ok=False)


def clear(root: Path) -> None:
    for entry in root.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def probe(path: bytes, profile: str | None) -> int:
    """Open *path* in a process confined by *profile*; return what came of it."""
    child = os.fork()
    if not child:
        os._exit(attempt(path, profile))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def attempt(path: bytes, profile: str | None) -> int:
    try:
        if profile:
            CURRENT.write_text(f"changeprofile {profile}")
    except OSError:
        return NOT_ATTEMPTED
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError as error:
        return REFUSED if error.errno == errno.EACCES else OTHERWISE
    return ALLOWED


@pytest.mark.parametrize("pattern", TABLE)
def test_apparmor_lets_through_what_the_pattern_matches(pattern: str, root: Path, profiles: None) -> None:
    """
    A confined process may open just those paths that table, specification and automaton say the pattern matches.
    """
    glob = parse(pattern, variables())
    automaton = determinise([glob]).minimise([0, 1])

    for path, expected in TABLE[pattern]:
        make(path)
        assert probe(path, None) == ALLOWED, f"{path!r} cannot be opened at all"
        assert probe(path, PROFILES[pattern]) == (ALLOWED if expected else REFUSED), path
        assert glob.matches(path) == expected, path
        assert automaton.class_of(automaton.run(path)) == expected, path
        clear(root)


def test_the_table_is_long_enough() -> None:
    """
    Of each kind of answer there are many.
    """
    answers = [expected for rows in TABLE.values() for _, expected in rows]

    assert answers.count(True) >= 200
    assert answers.count(False) >= 200
