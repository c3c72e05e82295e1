"""
Attacks by mounts: other places for the same files (ATTACKS.md 4).

Whoever is confined mounts nothing; here others do. A file has the path that its mount namespace gives it.
"""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from . import calls
from .lab import Act, Lab, Task, covers, fresh, prove, refusals
from .secret import (
    ALLOWED,
    READER,
    SECRET,
    TEXT,
    UNRESOLVED,
    anything,
    hold,
    read,
    refused,
    secrets,
    untouched,
)

BIND = calls.MS_BIND
OTHER = "/t/other/file"


def bound(source: str, target: str) -> None:
    calls.mount(source, target, flags=BIND)


def with_other() -> None:
    secrets()
    Path(OTHER).parent.mkdir()
    Path(OTHER).write_bytes(TEXT)


def bound_over() -> None:
    with_other()
    bound("/t/other", "/t/no")


def bound_elsewhere() -> None:
    """The secret's folder has a second place, which is as secret, and the other's folder one that is not."""
    with_other()
    for name in ("no/again", "yes/again"):
        (Path("/t") / name).mkdir()
    bound("/t/no", "/t/yes/again")
    bound("/t/other", "/t/no/again")


def file_bound() -> None:
    """As container engines do with /etc/resolv.conf."""
    with_other()
    bound(OTHER, SECRET)


def covered() -> None:
    secrets()
    calls.mount("t", "/t/no", "tmpfs")
    Path(SECRET).write_bytes(TEXT)


def mounted_twice() -> None:
    covered()
    calls.mount("t", "/t/no", "tmpfs")
    Path(SECRET).write_bytes(TEXT)


def moved_there() -> None:
    """A mount that was elsewhere, and known there."""
    with_other()
    calls.mount("t", "/t/other", "tmpfs")
    Path(OTHER).write_bytes(TEXT)
    read(OTHER)
    calls.mount("/t/other", "/t/no", flags=calls.MS_MOVE)


def cloned_there() -> None:
    with_other()
    tree = calls.open_tree("/t/other")
    calls.move_mount(tree, "/t/no")
    os.close(tree)


@pytest.mark.parametrize("make", [bound_over, file_bound, covered, mounted_twice, moved_there, cloned_there])
def test_whatever_is_mounted_there(lab: Lab, make: Act) -> None:
    """The rule is for the path, whatever file system has it."""
    refused(lab, lambda: read(SECRET), lambda: read(ALLOWED), make=make, after=lambda: read(SECRET))


def test_a_second_place(lab: Lab) -> None:
    """Who may mount gives a file another path, and then that one's rule holds for whoever takes it."""
    refused(
        lab,
        lambda: read("/t/no/again/file"),
        lambda: read("/t/yes/again/file"),
        make=bound_elsewhere,
        file={"path": "/t/no/again/file"},
        after=anything,
    )


def test_a_folder_below_a_mount(lab: Lab) -> None:
    """A descriptor of what is covered has the path that it had."""
    held: list[int] = []

    def make() -> None:
        secrets()
        hold(held, "/t/no", "/t/yes")
        for folder in ("/t/no", "/t/yes"):
            calls.mount("t", folder, "tmpfs")

    refused(lab, lambda: read("file", held[0]), lambda: read("file", held[1]), make=make, after=anything)
    hold(held)


def test_a_mount_that_moves_under_the_victim(lab: Lab) -> None:
    """What is remembered of a folder does not outlive a change of what is mounted where."""
    held: list[int] = []

    def act() -> None:
        read("file", held[0])

    fresh(secrets)
    calls.mount("t", "/t/yes", "tmpfs")
    Path(ALLOWED).write_bytes(TEXT)
    hold(held, "/t/yes")
    with lab.policy(READER), lab.task("victim", act) as victim:
        for _ in range(10):
            assert victim(act).worked
            calls.mount("/t/yes", "/t/no", flags=calls.MS_MOVE)
            assert not victim(act).worked
            assert [event["file"]["path"] for event in refusals(lab)] == [SECRET]
            calls.mount("/t/no", "/t/yes", flags=calls.MS_MOVE)
    hold(held)


NOWHERE: dict[str, Callable[[], int]] = {
    "open_tree": lambda: calls.open_tree("/t/yes"),
    "open_tree of a mount": lambda: calls.open_tree("/t"),
    "fsmount": lambda: calls.new_mount("tmpfs"),
}


@pytest.mark.parametrize("tree", NOWHERE.values(), ids=NOWHERE)
def test_a_tree_that_is_nowhere(lab: Lab, tree: Callable[[], int]) -> None:
    """A clone of a folder that nobody mounted has no path, so no rule can speak for it: not even `/**`."""

    def act() -> None:
        root = tree()
        try:
            os.close(os.open(".", os.O_RDONLY, dir_fd=root))
        finally:
            os.close(root)

    refused(
        lab,
        act,
        lambda: read(ALLOWED),
        policy=READER.replace("/{t,dev,proc}/{,**}", "/{,**}"),
        file={"type": "dir"},
        reason=UNRESOLVED,
    )


def test_a_file_in_a_tree_that_is_nowhere(lab: Lab) -> None:
    def act() -> None:
        root = calls.open_tree("/t/no")
        try:
            read("file", root)
        finally:
            os.close(root)

    refused(lab, act, lambda: read(ALLOWED), file={"type": "file"}, reason=UNRESOLVED)


def test_a_mount_taken_away(lab: Lab) -> None:
    """What is left of it to who stands in it has no path any more."""
    held: list[int] = []

    def make() -> None:
        secrets()
        calls.mount("t", "/t/yes", "tmpfs")
        Path(ALLOWED).write_bytes(TEXT)
        hold(held, "/t/yes")
        calls.umount("/t/yes")

    refused(
        lab,
        lambda: read("file", held[0]),
        lambda: read(ALLOWED),
        make=make,
        file={"type": "file"},
        reason=UNRESOLVED,
    )
    hold(held)


def test_a_folder_that_left_its_mount(lab: Lab) -> None:
    """Moved away from below a bind mount's root, a folder is not below it any more, and nothing else leads there."""
    held: list[int] = []

    def make() -> None:
        with_other()
        Path("/t/yes/deep/deeper").mkdir(parents=True)
        Path("/t/yes/deep/deeper/file").write_bytes(TEXT)
        bound("/t/yes/deep", "/t/other")
        hold(held, "/t/other/deeper")
        Path("/t/yes/deep/deeper").rename("/t/yes/away")

    refused(
        lab,
        lambda: read("file", held[0]),
        lambda: read("/t/yes/away/file"),
        make=make,
        file={"type": "file"},
        reason=UNRESOLVED,
    )
    hold(held)


def own_root() -> None:
    """Live in a mount namespace whose root is another file system, with the old one at /old."""
    calls.unshare(calls.CLONE_NEWNS)
    calls.mount("none", "/", flags=calls.MS_REC | calls.MS_PRIVATE)
    calls.mount("t", "/t/other", "tmpfs")
    for path in (ALLOWED, SECRET):
        file = Path("/t/other") / path[1:]
        file.parent.mkdir(parents=True)
        file.write_bytes(TEXT)
    Path("/t/other/old").mkdir()
    calls.pivot_root("/t/other", "/t/other/old")
    os.chdir("/")


def test_pivot_root(lab: Lab) -> None:
    """Rules are for the paths that the task's mount namespace has."""
    refused(lab, lambda: read(SECRET), lambda: read(ALLOWED), make=with_other, prepare=own_root)


def test_the_root_before(lab: Lab) -> None:
    path = f"/old{ALLOWED}"
    refused(lab, lambda: read(path), lambda: read(ALLOWED), make=with_other, prepare=own_root, file={"path": path})


def test_the_root_of_another_namespace(lab: Lab) -> None:
    """What is reached through another task's root has the path that it has there."""
    fresh(with_other)
    with Task(own_root) as other:
        assert other(own_root).worked

        def allowed() -> None:
            read(f"/proc/{other.pid}/root{ALLOWED}")

        def secret() -> None:
            read(f"/proc/{other.pid}/root{SECRET}")

        with lab.policy(READER):
            assert lab.do("victim", allowed).worked
            assert not refusals(lab)
            assert not lab.do("victim", secret).worked
            assert covers(refusals(lab)[0], {"operation": "file.open", "file": {"path": SECRET}})


def enter(namespace: int) -> None:
    try:
        calls.setns(namespace, calls.CLONE_NEWNS)
    finally:
        os.close(namespace)


def folder_as_root() -> None:
    """Since Linux 7.0 open_tree(2) makes mount namespaces too, with any folder for their root."""
    enter(calls.open_tree("/t/no", calls.OPEN_TREE_NAMESPACE))
    read("/file")


def other_file_system_as_root() -> None:
    """In such a one there is whatever its maker puts there, at whatever path."""
    namespace = calls.new_mount("tmpfs", calls.FSMOUNT_NAMESPACE)
    os.close(namespace)


NAMESPACES: dict[str, Act] = {
    "file": lambda: enter(os.open("/proc/self/ns/mnt", os.O_RDONLY)),
    "parent": lambda: enter(os.open(f"/proc/{os.getppid()}/ns/mnt", os.O_RDONLY)),
    "open_tree": folder_as_root,
    "fsmount": other_file_system_as_root,
}


@pytest.mark.parametrize("act", NAMESPACES.values(), ids=NAMESPACES)
def test_another_namespace(lab: Lab, act: Act) -> None:
    """Whoever enters it has other names for everything, so none is opened."""
    fresh(secrets)
    if lab.do(None, act).errno == errno.EINVAL:
        pytest.skip("this kernel makes no such namespaces")
    prove(
        lab,
        policy=READER.replace("/{t,dev,proc}/{,**}", "/{,**}"),
        make=secrets,
        act=act,
        control=lambda: os.close(os.open("/proc/self/ns/net", os.O_RDONLY)),
        event={"verdict": "denied", "operation": "file.open", "refused": ["mount"], "errno": "EPERM"},
        errno=errno.EPERM,
        after=untouched,
    )


def own_namespace() -> None:
    calls.unshare(calls.CLONE_NEWUSER | calls.CLONE_NEWNS)


def fs_of_own() -> None:
    tree = calls.new_mount("tmpfs")
    try:
        calls.move_mount(tree, "/t/yes")
    finally:
        os.close(tree)


MOUNTING: dict[str, tuple[Act, Act | None]] = {
    "remount": (lambda: calls.mount("none", "/t", flags=calls.MS_REMOUNT), None),
    "bind": (lambda: bound("/t/no", "/t/yes"), None),
    "bind a file": (lambda: bound(SECRET, ALLOWED), None),
    "move": (lambda: calls.mount("/t/mount", "/t/yes", flags=calls.MS_MOVE), None),
    "share": (lambda: calls.mount("none", "/t", flags=calls.MS_SHARED), None),
    "fsmount": (fs_of_own, None),
    "in a user namespace": (lambda: calls.mount("t", "/t/yes", "tmpfs"), own_namespace),
    "bind in a user namespace": (lambda: bound("/t/no", "/t/yes"), own_namespace),
    "unmount what is on a folder": (lambda: calls.umount("/t/mount"), None),
    "overlay": (lambda: calls.mount("t", "/t/yes", "overlay", data="lowerdir=/t/no:/t/yes"), None),
}


def with_mount() -> None:
    with_other()
    Path("/t/mount").mkdir()
    calls.mount("t", "/t/mount", "tmpfs")
    calls.mount("none", "/t", flags=calls.MS_REC | calls.MS_PRIVATE)


@pytest.mark.parametrize(("act", "prepare"), MOUNTING.values(), ids=MOUNTING)
def test_who_is_confined_mounts_nothing(lab: Lab, act: Act, prepare: Act | None) -> None:
    prove(
        lab,
        policy=READER,
        make=with_mount,
        act=act,
        control=lambda: read(ALLOWED),
        event={"verdict": "denied", "operation": "system.mount", "refused": ["mount"], "errno": "EPERM"},
        errno=errno.EPERM,
        prepare=prepare,
        after=untouched,
    )
