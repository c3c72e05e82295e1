"""Attacks by long paths: many components, long names, more bytes than a path may have in a call (ATTACKS.md 5)."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from . import calls
from .lab import FOLDER, Lab, Outcome, covers, fresh, refusals
from .secret import TEXT, UNRESOLVED, listed, read

LEVELS = 4096
"""Of bpf/lsm/path.bpf.h: a path of more components is climbed only from a folder that is remembered."""

PATH = 4096
"""Of bpf/lsm/krsi.h: more than the bytes of a path that are told."""

POLICY = """
- profile: victim
  files:
    - {allow: any, path: "/t/**"}
    - {deny: any, path: "/t/**/no{,/,-folder/}"}
"""

LONG = "n" * 255


def descend(depth: int, name: str) -> None:
    os.chdir(FOLDER)
    for _ in range(depth):
        os.chdir(name)


def dig(depth: int, name: str) -> None:
    """Make folders below each other, and in the last one what is allowed and what is not."""
    os.chdir(FOLDER)
    for _ in range(depth):
        Path(name).mkdir()
        os.chdir(name)
    leave_files()


def leave_files() -> None:
    for file in ("yes", "no"):
        Path(file).write_bytes(TEXT)
    os.chdir("/")


def readable() -> list[str]:
    """Return what can be read in the current folder."""
    found = []
    for file in ("no", "yes", "no"):
        try:
            read(file)
        except PermissionError:
            continue
        found.append(file)
    return found


def told_at(depth: int, name: str) -> dict[str, Any]:
    """Return what is told of the file that is not allowed."""
    path = f"/t/{f'{name}/' * depth}no"
    if len(path) < PATH:
        return {"file": {"path": path}}
    return {"file": {"path": path[-PATH + 1 :]}, "truncated": ["file.path"]}


DEPTHS = [(depth, "d") for depth in (1, 20, 30, 31, 32, 33, 64, 128, 1000, LEVELS - 2)]
LENGTHS = [(1, LONG), (15, LONG), (16, LONG), (20, LONG), (64, LONG), (1000, LONG), (30, "n" * 32), (30, "n" * 40)]


@pytest.mark.parametrize(("depth", "name"), DEPTHS + LENGTHS, ids=lambda value: str(value)[:4])
def test_depth(lab: Lab, depth: int, name: str) -> None:
    fresh(lambda: dig(depth, name))
    with lab.policy(POLICY):
        outcome = lab.do("victim", readable, lambda: descend(depth, name))
        told = refusals(lab)
    assert outcome == Outcome(["yes"])
    assert len(told) == 2
    expected = {"operation": "file.open", "refused": ["read"], "errno": "EACCES"} | told_at(depth, name)
    assert all(covers(event, expected) for event in told), str(told)[-3000:]
    assert all(("truncated" in event) == ("truncated" in expected) for event in told)


@pytest.mark.parametrize("depth", [LEVELS - 1, LEVELS + 200])
def test_too_deep(lab: Lab, depth: int) -> None:
    """What cannot be climbed to is refused, the allowed with the rest, and the event says why."""
    fresh(lambda: dig(depth, "d"))
    with lab.policy(POLICY):
        outcome = lab.do("victim", readable, lambda: descend(depth, "d"))
        told = refusals(lab)
    assert outcome == Outcome([])
    assert [event.get("reason") for event in told] == [UNRESOLVED] * 3


def test_deeper_than_is_climbed(lab: Lab) -> None:
    """From a folder that is remembered the way is shorter, and its end the right one."""
    part = LEVELS // 2

    def make() -> None:
        dig(3 * part, "d")
        for parts in (1, 2):
            descend(parts * part, "d")
            leave_files()

    def act() -> list[str]:
        found = []
        for _ in range(3):
            for _ in range(part):
                os.chdir("d")
            found += readable()
        return found

    fresh(make)
    with lab.policy(POLICY):
        assert lab.do("victim", act, lambda: descend(0, "d")) == Outcome(["yes"] * 3)
        assert len(refusals(lab)) == 6


CHANGES: dict[str, Callable[[], object]] = {
    "file.unlink": lambda: Path("no").unlink(),
    "file.rename": lambda: Path("no").rename("new"),
    "file.link": lambda: os.link("no", "new"),
    "file.chmod": lambda: Path("no").chmod(0o777),
    "file.chown": lambda: os.chown("no", 1, 1),
    "file.setattr": lambda: os.utime("no", (1, 1)),
    "file.setxattr": lambda: os.setxattr("no", "trusted.krsi", b"1"),
    "file.truncate": lambda: os.truncate("no", 1),
    "file.mkdir": lambda: Path("no-folder").mkdir(),
}


def attempted() -> dict[str, str]:
    """Try all that changes something; return how each ended."""
    ends = {}
    for operation, change in CHANGES.items():
        try:
            change()
        except OSError as error:
            ends[operation] = errno.errorcode[error.errno or 0]
    return ends


@pytest.mark.parametrize(("depth", "name"), [(1000, "d"), (64, LONG)], ids=["deep", "long"])
def test_changes_at_depth(lab: Lab, depth: int, name: str) -> None:
    """All hooks find paths in the same way."""
    fresh(lambda: dig(depth, name))
    with lab.policy(POLICY):
        outcome = lab.do("victim", attempted, lambda: descend(depth, name))
        told = refusals(lab)
    assert outcome == Outcome(dict.fromkeys(CHANGES, "EACCES"))
    assert {event["operation"] for event in told} == set(CHANGES)
    descend(depth, name)
    assert listed(".") == ["no", "yes"]
    os.chdir("/")


def test_mounts_below_each_other(lab: Lab) -> None:
    """Mounts are crossed on the way up, however many there are at a place and above each other."""

    def make() -> None:
        os.chdir(FOLDER)
        for _ in range(100):
            Path("d").mkdir()
            calls.mount("t", "d", "tmpfs")
            calls.mount("t", "d", "tmpfs")
            os.chdir("d")
        leave_files()

    fresh(make)
    with lab.policy(POLICY):
        outcome = lab.do("victim", readable, lambda: descend(100, "d"))
        told = refusals(lab)
    assert outcome == Outcome(["yes"])
    assert all(covers(event, told_at(100, "d")) for event in told), str(told)
