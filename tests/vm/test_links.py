"""Attacks by other names for the same file: hard links, symbolic links, /proc (ATTACKS.md 1 and 2)."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from . import calls
from .lab import Lab
from .secret import ALLOWED, LAUNDERS, SECRET, anything, listed, read, refused, secrets

NEW = "/t/new"

Of = Callable[[str], object]


def through(path: str, act: Callable[[int], object], flags: int = os.O_PATH) -> None:
    fd = os.open(path, flags)
    try:
        act(fd)
    finally:
        os.close(fd)


def link_by_symlink(path: str) -> None:
    Path("/t/symlink").symlink_to(path)
    calls.linkat(calls.AT_FDCWD, "/t/symlink", NEW, calls.AT_SYMLINK_FOLLOW)


def link_in_folder(path: str) -> None:
    through(str(Path(path).parent), lambda folder: os.link("file", NEW, src_dir_fd=folder))


LINKS: dict[str, Of] = {
    "link": lambda path: os.link(path, NEW),
    "symlink": link_by_symlink,
    "folder": link_in_folder,
    "AT_EMPTY_PATH": lambda path: through(path, lambda fd: calls.linkat(fd, "", NEW, calls.AT_EMPTY_PATH)),
    "fd": lambda path: through(path, lambda fd: calls.linkat(0, f"/proc/self/fd/{fd}", NEW, calls.AT_SYMLINK_FOLLOW)),
    "root": lambda path: os.link(f"/proc/self/root{path}", NEW),
}


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_hard_link(lab: Lab, link: Of) -> None:
    """The new name could be read, the old one cannot: so it is not given."""

    def act(path: str) -> None:
        link(path)
        read(NEW)

    refused(
        lab,
        lambda: act(SECRET),
        lambda: act(ALLOWED),
        operation="file.link",
        access="link",
        file={"path": SECRET, "target": NEW},
        reason=LAUNDERS,
    )


def test_hard_link_of_before(lab: Lab) -> None:
    """A file is what it is opened as: names that others gave it have rules of their own."""

    def make() -> None:
        secrets()
        os.link(SECRET, "/t/yes/alias")
        os.link(ALLOWED, "/t/no/alias")

    refused(
        lab,
        lambda: read("/t/no/alias"),
        lambda: read("/t/yes/alias"),
        make=make,
        file={"path": "/t/no/alias"},
        after=anything,
    )


NAMELESS = """
- profile: victim
  files:
    - {allow: any, path: "/{t,proc}/{,**}"}
    - {deny: [create, link], path: "/t/no/**"}
"""


def nameless(folder: str, name: str | None = None) -> None:
    """Make a file without a name in *folder*, and perhaps give it one."""
    fd = os.open(folder, os.O_TMPFILE | os.O_RDWR)
    try:
        os.write(fd, b"text")
        if name:
            calls.linkat(fd, f"/proc/self/fd/{fd}", name, calls.AT_SYMLINK_FOLLOW)
    finally:
        os.close(fd)


def nothing_new() -> None:
    assert listed("/t/no") == ["file"]


def test_nameless_file(lab: Lab) -> None:
    refused(
        lab,
        lambda: nameless("/t/no"),
        lambda: nameless("/t/yes", NEW),
        policy=NAMELESS,
        access="create",
        file={"type": "file"},
        after=nothing_new,
    )


def test_nameless_file_gets_a_name(lab: Lab) -> None:
    refused(
        lab,
        lambda: nameless("/t/yes", "/t/no/new"),
        lambda: nameless("/t/yes", NEW),
        policy=NAMELESS,
        operation="file.link",
        access="link",
        file={"target": "/t/no/new"},
        after=nothing_new,
    )


def symlinks() -> None:
    secrets()
    links = {
        "file-yes": ALLOWED,
        "file-no": SECRET,
        "folder-yes": "/t/yes",
        "folder-no": "no",
        "chain-yes-0": ALLOWED,
        "chain-no-0": "/t/folder-no/../folder-no/file",
    }
    for length in range(1, 20):
        links |= {f"chain-{way}-{length}": f"/t/chain-{way}-{length - 1}" for way in ("yes", "no")}
    for name, target in links.items():
        (Path("/t") / name).symlink_to(target)


def read_here(path: str) -> None:
    os.chdir(Path(path).parent)
    read("/proc/self/cwd/file")


def read_in_root(path: str) -> None:
    """With the file's folder for its root the task calls it something else; it is still what it was."""
    root = os.open("/", os.O_PATH)
    try:
        os.chroot(Path(path).parent)
        read("/file")
    finally:
        os.fchdir(root)
        os.chroot(".")
        os.close(root)


def reopen(path: str, by: str) -> None:
    through(path, lambda fd: read(f"{by}/{fd}"))


def way(path: str) -> str:
    return Path(path).parent.name


def resolved_in_root(path: str) -> None:
    through(
        str(Path(path).parent), lambda folder: os.close(calls.openat2(folder, "/file", resolve=calls.RESOLVE_IN_ROOT))
    )


ROUTES: dict[str, Of] = {
    "symlink": lambda path: read(f"/t/file-{way(path)}"),
    "folder": lambda path: read(f"/t/folder-{way(path)}/file"),
    "dots": lambda path: read(f"/t/folder-yes/../{way(path)}/./file"),
    "slashes": lambda path: read(f"//t///{way(path)}//file"),
    "chain": lambda path: read(f"/t/chain-{way(path)}-19"),
    "self/root": lambda path: read(f"/proc/self/root{path}"),
    "1/root": lambda path: read(f"/proc/1/root{path}"),
    "task/root": lambda path: read(f"/proc/thread-self/root/proc/{os.getppid()}/root{path}"),
    "self/cwd": read_here,
    "folder/fd": lambda path: through(str(Path(path).parent), lambda fd: read(f"/proc/self/fd/{fd}/file")),
    "self/fd": lambda path: reopen(path, "/proc/self/fd"),
    "dev/fd": lambda path: reopen(path, "/dev/fd"),
    "openat": lambda path: through(str(Path(path).parent), lambda folder: read("file", folder)),
    "openat2": resolved_in_root,
    "chroot": read_in_root,
}


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
def test_route(lab: Lab, route: Of) -> None:
    """However it is reached, a file has the path that it has."""
    refused(lab, lambda: route(SECRET), lambda: route(ALLOWED), make=symlinks)


def test_created_through_a_symlink(lab: Lab) -> None:
    """What a link leads to is made where it would be, and not where the link is."""

    def make() -> None:
        secrets()
        Path("/t/link-no").symlink_to("/t/no/new")
        Path("/t/link-yes").symlink_to("/t/no/../yes/new")

    def act(link: str) -> None:
        os.close(os.open(link, os.O_CREAT | os.O_WRONLY))

    refused(
        lab,
        lambda: act("/t/link-no"),
        lambda: act("/t/link-yes"),
        policy=NAMELESS,
        make=make,
        operation="file.mknod",
        access="create",
        file={"path": "/t/no/new"},
        after=nothing_new,
    )


ROOT_ONLY = """
- profile: victim
  files:
    - {allow: read, path: /}
    - {allow: read, path: /t/}
    - {allow: read, path: "/t/yes/{,**}"}
"""


@pytest.mark.parametrize("root", ["/", "/proc/self/root", "/t/..", "/proc/self/root/.."])
def test_the_root_folder(lab: Lab, root: str) -> None:
    """It has a name of one byte, which a rule can say."""
    others = ROOT_ONLY.replace("allow: read, path: /}", "allow: read, path: /proc/}")
    refused(lab, lambda: listed(root), lambda: listed("/t/yes"), policy=others, file={"path": "/", "type": "dir"})
    refused(lab, lambda: listed("/t/no"), lambda: listed(root), policy=ROOT_ONLY, file={"path": "/t/no/"})
