"""Attacks by changing a file in some other way than by writing to it (ATTACKS.md 11)."""

import errno
import fcntl
import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from . import calls
from .lab import Lab, Outcome, covers, fresh, refusals
from .secret import ALLOWED, READER, SECRET, TEXT, UNRESOLVED, read, refused, secrets
from .test_hooks import ACL

FALSE = b"false!"

CHANGING = "write, chmod, chown, setattr, setxattr"
STATIC = READER.replace('read, path: "/t/no/**"', f'[{CHANGING}], path: "/t/no/**"')
"""The victim may read the file, but leave no trace on it."""

Of = Callable[[str], object]


def marked() -> None:
    secrets()
    for path in (SECRET, ALLOWED):
        os.setxattr(path, "trusted.krsi", b"1")
        os.utime(path, (5, 5))


def unchanged() -> None:
    """See that the secret is as :func:`marked` left it."""
    status = Path(SECRET).stat()
    assert (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o644, 0, 0)
    assert (status.st_size, status.st_mtime, status.st_nlink) == (len(TEXT), 5, 1)
    assert (os.listxattr(SECRET), os.getxattr(SECRET, "trusted.krsi")) == (["trusted.krsi"], b"1")
    assert Path(SECRET).read_bytes() == TEXT


@contextmanager
def opened(path: str, flags: int) -> Iterator[int]:
    fd = os.open(path, flags)
    try:
        yield fd
    finally:
        os.close(fd)


def through(flags: int, act: Callable[[int], object]) -> Of:
    """Return the act on a path that does *act* on a descriptor."""

    def on(path: str) -> None:
        with opened(path, flags) as fd:
            act(fd)

    return on


def source() -> int:
    """Return a file of the task's own, with what is to be written; it is closed with the task."""
    fd = os.open("/t", os.O_TMPFILE | os.O_RDWR)
    os.write(fd, FALSE)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def pipe_with_text() -> int:
    come, go = os.pipe()
    os.write(go, FALSE)
    return come


def map_shared(fd: int) -> None:
    with mmap.mmap(fd, len(TEXT), mmap.MAP_SHARED) as memory:
        memory[:] = FALSE


def by_handle(path: str) -> None:
    with opened("/t", os.O_RDONLY) as mount:
        fd = calls.open_by_handle_at(mount, calls.file_handle(path), os.O_WRONLY)
        os.write(fd, FALSE)
        os.close(fd)


def reopened(path: str) -> None:
    """Open for reading, and that again for writing."""
    with opened(path, os.O_RDONLY) as fd:
        os.close(os.open(f"/proc/self/fd/{fd}", os.O_WRONLY))


def raced_mode(path: str) -> None:
    """The access mode 3 asks for both rights and gives neither, but ioctls can be done."""
    with opened(path, 3):
        pass


COLLAPSE, PUNCH, ZERO, KEEP_SIZE = 8, 2, 16, 1
WRITES: dict[str, tuple[Of, str]] = {
    "write": (through(os.O_WRONLY, lambda fd: os.write(fd, FALSE)), "write"),
    "append": (through(os.O_WRONLY | os.O_APPEND, lambda fd: os.write(fd, FALSE)), "append"),
    "ftruncate": (through(os.O_WRONLY, lambda fd: os.ftruncate(fd, 1)), "write"),
    "fallocate": (through(os.O_WRONLY, lambda fd: calls.fallocate(fd, PUNCH | KEEP_SIZE, 0, 3)), "write"),
    "copy_file_range": (through(os.O_WRONLY, lambda fd: os.copy_file_range(source(), fd, 6)), "write"),
    "splice": (through(os.O_WRONLY, lambda fd: os.splice(pipe_with_text(), fd, 6)), "write"),
    "sendfile": (through(os.O_WRONLY, lambda fd: os.sendfile(fd, source(), 0, 6)), "write"),
    "mmap": (through(os.O_RDWR, map_shared), "write"),
    "pwritev2": (through(os.O_WRONLY, lambda fd: calls.pwritev2(fd, FALSE, 0, 0)), "write"),
    "openat2": (lambda path: os.close(calls.openat2(calls.AT_FDCWD, path, os.O_WRONLY)), "write"),
    "create": (lambda path: os.close(os.open(path, os.O_WRONLY | os.O_CREAT)), "write"),
    "handle": (by_handle, "write"),
    "reopen": (reopened, "write"),
    "mode 3": (raced_mode, "write"),
}


@pytest.mark.parametrize(("write", "access"), WRITES.values(), ids=WRITES)
def test_write(lab: Lab, write: Of, access: str) -> None:
    """However it is written then, a file is opened for it."""
    refused(
        lab,
        lambda: write(SECRET),
        lambda: write(ALLOWED),
        access=access,
        policy=STATIC,
        make=marked,
        after=unchanged,
    )


TIMES = (1, 1)
FLAGS = os.O_RDONLY
OTHERS: dict[str, tuple[Of, str, str]] = {
    "truncate": (lambda path: os.truncate(path, 1), "file.truncate", "truncate"),
    "O_TRUNC": (lambda path: os.close(os.open(path, os.O_RDONLY | os.O_TRUNC)), "file.truncate", "truncate"),
    "truncate to the same": (lambda path: os.truncate(path, len(TEXT)), "file.truncate", "truncate"),
    "chmod": (lambda path: Path(path).chmod(0o777), "file.chmod", "chmod"),
    "fchmod": (through(FLAGS, lambda fd: os.fchmod(fd, 0o777)), "file.chmod", "chmod"),
    "chmod fd": (through(os.O_PATH, lambda fd: Path(f"/proc/self/fd/{fd}").chmod(0o777)), "file.chmod", "chmod"),
    "chown": (lambda path: os.chown(path, 1, 1), "file.chown", "chown"),
    "chgrp": (lambda path: os.chown(path, -1, 1), "file.chown", "chown"),
    "lchown": (lambda path: os.lchown(path, 1, 1), "file.chown", "chown"),
    "fchown": (through(FLAGS, lambda fd: os.fchown(fd, 1, 1)), "file.chown", "chown"),
    "chown to nobody": (lambda path: os.chown(path, -1, -1), "file.chown", "chown"),
    "utimensat": (lambda path: os.utime(path, TIMES), "file.setattr", "setattr"),
    "utimensat now": (os.utime, "file.setattr", "setattr"),
    "futimens": (through(FLAGS, lambda fd: os.utime(fd, TIMES)), "file.setattr", "setattr"),
    "setxattr": (lambda path: os.setxattr(path, "trusted.krsi", b"2"), "file.setxattr", "setxattr"),
    "fsetxattr": (through(FLAGS, lambda fd: os.setxattr(fd, "trusted.krsi", b"2")), "file.setxattr", "setxattr"),
    "capability": (
        lambda path: os.setxattr(path, "security.capability", b"\1\0\0\2" + bytes(16)),
        "file.setxattr",
        "setxattr",
    ),
    "acl": (lambda path: os.setxattr(path, "system.posix_acl_access", ACL), "file.setxattr", "setxattr"),
    "removexattr": (lambda path: os.removexattr(path, "trusted.krsi"), "file.setxattr", "setxattr"),
}


@pytest.mark.parametrize(("change", "operation", "access"), OTHERS.values(), ids=OTHERS)
def test_change(lab: Lab, change: Of, operation: str, access: str) -> None:
    """What needs no descriptor for writing has a right of its own."""
    refused(
        lab,
        lambda: change(SECRET),
        lambda: change(ALLOWED),
        operation=operation,
        access=access,
        policy=STATIC,
        make=marked,
        after=unchanged,
    )


def test_chmod_of_a_path_descriptor(lab: Lab) -> None:
    try:
        with opened("/tmp", os.O_PATH) as fd:
            calls.fchmodat2(fd, 0o1777)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        pytest.skip("this kernel has no fchmodat2(2)")
    change = through(os.O_PATH, lambda fd: calls.fchmodat2(fd, 0o777))
    refused(
        lab,
        lambda: change(SECRET),
        lambda: change(ALLOWED),
        operation="file.chmod",
        access="chmod",
        policy=STATIC,
        make=marked,
        after=unchanged,
    )


GROWING = """
- profile: victim
  files:
    - {allow: any, path: "{/t/{,yes/{,**}},/proc/**}"}
    - {allow: [read, append], path: "/t/no/**"}
"""
APPENDING = os.O_RDWR | os.O_APPEND
SHORTENING: dict[str, tuple[Of, str, str]] = {
    "ftruncate": (through(APPENDING, lambda fd: os.ftruncate(fd, 1)), "file.truncate", "truncate"),
    "O_TRUNC": (lambda path: os.close(os.open(path, APPENDING | os.O_TRUNC)), "file.truncate", "truncate"),
    "stop": (through(APPENDING, lambda fd: fcntl.fcntl(fd, fcntl.F_SETFL, 0)), "file.fcntl", "write"),
    "mmap": (through(APPENDING, map_shared), "file.map", "write"),
    "reopen": (
        through(APPENDING, lambda fd: os.close(os.open(f"/proc/self/fd/{fd}", os.O_WRONLY))),
        "file.open",
        "write",
    ),
}


@pytest.mark.parametrize(("change", "operation", "access"), SHORTENING.values(), ids=SHORTENING)
def test_only_to_append(lab: Lab, change: Of, operation: str, access: str) -> None:
    """What is there cannot be changed through a descriptor that may add to it."""
    refused(
        lab,
        lambda: change(SECRET),
        lambda: change(ALLOWED),
        operation=operation,
        access=access,
        policy=GROWING,
        make=marked,
        after=unchanged,
    )


def no_append(fd: int) -> None:
    rwf_noappend = 0x20
    calls.pwritev2(fd, FALSE, 0, rwf_noappend)


@pytest.mark.parametrize(
    "change",
    [no_append, lambda fd: calls.fallocate(fd, PUNCH | KEEP_SIZE, 0, 3)],
    ids=["RWF_NOAPPEND", "fallocate"],
)
def test_what_no_hook_tells_from_appending(lab: Lab, change: Callable[[int], None]) -> None:
    """
    The blind spot that krsi.hooks names at file_open. Where this begins to fail there is a hook to use.

    An inode that only grows (chattr +a) is what the kernel itself offers against it.
    """
    act = through(os.O_WRONLY | os.O_APPEND, change)
    fresh(secrets)
    try:
        act(SECRET)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        pytest.skip("this kernel has no such write")
    fresh(secrets)
    with lab.policy(GROWING):
        assert lab.do("victim", lambda: act(SECRET)).worked
        assert not refusals(lab)
    assert Path(SECRET).read_bytes() != TEXT


def test_a_handle_without_a_name(lab: Lab) -> None:
    """A file that is opened by its number, whose name nobody has looked up, has none to be judged by."""
    path = Path("/var/tmp/krsi-handle")
    path.write_bytes(TEXT)

    def act() -> None:
        with opened("/var", os.O_RDONLY) as mount:
            fd = calls.open_by_handle_at(mount, handle, os.O_RDONLY)
            assert os.read(fd, 99) == TEXT
            os.close(fd)

    def forget() -> None:
        os.sync()
        Path("/proc/sys/vm/drop_caches").write_text("2")

    handle = calls.file_handle(str(path))
    try:
        with lab.policy(
            '- profile: victim\n  files: [{allow: any, path: "/**"}, {deny: read, path: /var/tmp/krsi-handle}]'
        ):
            forget()
            assert lab.do(None, act).worked
            forget()
            assert lab.do("victim", act) == Outcome(errno=errno.EACCES)
            assert covers(refusals(lab)[0], {"operation": "file.open", "reason": UNRESOLVED})
            assert path.exists()
            assert lab.do("victim", act) == Outcome(errno=errno.EACCES)
            refusals(lab)
    finally:
        path.unlink()


def test_read_by_handle(lab: Lab) -> None:
    def act(path: str) -> None:
        with opened("/t", os.O_RDONLY) as mount:
            fd = calls.open_by_handle_at(mount, calls.file_handle(path), os.O_RDONLY)
            read(f"/proc/self/fd/{fd}")
            os.close(fd)

    refused(lab, lambda: act(SECRET), lambda: act(ALLOWED))


def test_a_handle_of_what_is_not_below_the_mount(lab: Lab) -> None:
    """By the descriptor of a bind mount a handle opens any file of its file system; it has no path by that mount."""

    def make() -> None:
        secrets()
        Path("/t/yes/bound").mkdir()
        Path("/t/other").mkdir()
        calls.mount("/t/yes/bound", "/t/other", flags=calls.MS_BIND)

    def act() -> None:
        with opened("/t/other", os.O_RDONLY) as mount:
            os.close(calls.open_by_handle_at(mount, calls.file_handle(SECRET), os.O_RDONLY))

    refused(lab, act, lambda: read(ALLOWED), make=make, file={"type": "file"}, reason=UNRESOLVED)
