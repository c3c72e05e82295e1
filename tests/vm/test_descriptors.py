"""
Attacks by descriptors of elsewhere (ATTACKS.md 10).

What a running task has open when it is confined stays open: krsi takes nothing away, and asks when a file is opened.
Whatever comes later is asked about when it comes: over a socket, from another task, or with the program at exec.
"""

import errno
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from . import calls
from .lab import Lab, Outcome, covers, fresh, prove, refusals
from .secret import ALLOWED, READER, SECRET, TEXT, hold, read, refused, secrets, untouched
from .test_hooks import run

KINDS = {
    "read": (os.O_RDONLY, "", ["read"]),
    "write": (os.O_WRONLY, "", ["write"]),
    "append": (os.O_WRONLY | os.O_APPEND, "", ["append"]),
    "both": (os.O_RDWR, "", ["read", "write"]),
    "folder": (os.O_RDONLY | os.O_DIRECTORY, "/..", ["read"]),
    "neither": (3, "", ["read", "write"]),
}
"""How a file is open: flags, where from the file it is, and what must be allowed for that."""

NOTHING = READER.replace('read, path: "/t/no/**"', '[read, write, append], path: "/t/no/{,**}"')


def place(path: str, where: str) -> str:
    return os.path.normpath(path + where) if where else path


def name_of(path: str) -> str:
    return f"{path}/" if Path(path).is_dir() else path


def test_open_before_confinement(lab: Lab) -> None:
    """Stays open; by it nothing can be opened again."""
    held: list[int] = []

    def prepare() -> None:
        hold(held, SECRET)
        held.append(os.open(SECRET, os.O_RDONLY))

    def use() -> bytes:
        return os.pread(held[1], 99, 0)

    fresh(secrets)
    with lab.policy(READER):
        assert lab.do("victim", use, prepare) == Outcome(TEXT)
        assert not refusals(lab)
    refused(lab, lambda: read(f"/proc/self/fd/{held[0]}"), lambda: read(ALLOWED), prepare=prepare)
    refused(lab, lambda: read(f"/proc/self/fd/{held[1]}"), lambda: read(ALLOWED), prepare=prepare)


@pytest.mark.parametrize(("flags", "where", "access"), KINDS.values(), ids=KINDS)
def test_taken_from_another_task(lab: Lab, flags: int, where: str, access: list[str]) -> None:
    held: dict[str, int] = {}
    here = os.pidfd_open(os.getpid())

    def make() -> None:
        secrets()
        for path in (SECRET, ALLOWED):
            if path in held:
                os.close(held[path])
            held[path] = os.open(place(path, where), flags)

    prove(
        lab,
        policy=NOTHING,
        make=make,
        act=lambda: os.close(calls.pidfd_getfd(here, held[SECRET])),
        control=lambda: os.close(calls.pidfd_getfd(here, held[ALLOWED])),
        event={"operation": "file.receive", "refused": access, "file": {"path": "/t/no/" if where else SECRET}},
        errno=errno.EACCES,
        after=untouched,
    )
    for fd in (here, *held.values()):
        os.close(fd)


def received(come: socket.socket) -> list[str]:
    """Return what the descriptors that come are of."""
    _, found, _, _ = socket.recv_fds(come, 1, 16)
    paths = [str(Path(f"/proc/self/fd/{fd}").readlink()) for fd in found]
    for fd in found:
        os.close(fd)
    return paths


@pytest.mark.parametrize(("flags", "where", "access"), KINDS.values(), ids=KINDS)
def test_sent_by_another_task(lab: Lab, flags: int, where: str, access: list[str]) -> None:
    """Those that may not be had do not come, nor do those behind them; the message says that it was cut."""
    here, there = socket.socketpair()

    def act() -> list[str]:
        return received(there)

    fresh(secrets)
    yes, no = place(ALLOWED, where), place(SECRET, where)
    with ExitStack() as stack, lab.policy(NOTHING):
        stack.enter_context(here)
        stack.enter_context(there)
        fds = {path: os.open(path, flags) for path in (yes, no)}
        for fd in fds.values():
            stack.callback(os.close, fd)
        for profile, expected in ((None, [yes, no, yes]), ("victim", [yes])):
            socket.send_fds(here, [b"x"], [fds[yes], fds[no], fds[yes]])
            assert lab.do(profile, act) == Outcome(expected)
        told = refusals(lab)
    expected_event = {"operation": "file.receive", "refused": access, "file": {"path": name_of(no)}}
    assert len(told) == 1
    assert covers(told[0], expected_event), str(told)


def test_a_path_descriptor_that_is_sent(lab: Lab) -> None:
    """By O_PATH nothing can be read or written: it comes, and opening it is asked about."""
    here, there = socket.socketpair()
    held: list[int] = []

    def act() -> None:
        _, found, _, _ = socket.recv_fds(there, 1, 16)
        read(f"/proc/self/fd/{found[0]}")

    fresh(secrets)
    hold(held, SECRET, ALLOWED)
    with here, there, lab.policy(READER):
        for profile, fd, worked in ((None, held[0], True), ("victim", held[1], True), ("victim", held[0], False)):
            socket.send_fds(here, [b"x"], [fd])
            assert lab.do(profile, act).worked is worked
        told = refusals(lab)
    assert len(told) == 1
    assert covers(told[0], {"operation": "file.open", "file": {"path": SECRET}}), str(told)
    hold(held)


def test_memory_comes_from_anywhere(lab: Lab) -> None:
    """Pipes, sockets and memfds have no path, and are nobody's secret by it."""
    here = os.pidfd_open(os.getpid())
    pipe = os.pipe()
    fds = [*pipe, os.memfd_create("file")]

    def act() -> None:
        for fd in fds:
            os.close(calls.pidfd_getfd(here, fd))

    fresh(secrets)
    with lab.policy(NOTHING):
        assert lab.do("victim", act).worked
        assert not refusals(lab)
    for fd in (here, *fds):
        os.close(fd)


@pytest.mark.parametrize(("path", "worked"), [(ALLOWED, True), (SECRET, False)], ids=["allowed", "secret"])
def test_a_descriptor_that_comes_with_an_event(lab: Lab, path: str, *, worked: bool) -> None:
    """fanotify(7) opens what others use in the name of who watches them."""
    watches: list[int] = []

    def watch() -> None:
        watches.append(calls.watch_opens(path))

    def look() -> None:
        event = os.read(watches[0], 24)
        read(f"/proc/self/fd/{int.from_bytes(event[16:20], 'little')}")

    fresh(secrets)
    with lab.policy(READER), lab.task("victim", watch, look) as victim:
        assert victim(watch).worked
        read(path)
        outcome = victim(look)
        told = refusals(lab)
    assert outcome == (Outcome() if worked else Outcome(errno=errno.EACCES))
    assert worked or covers(told[0], {"operation": "file.open", "refused": ["read"], "file": {"path": SECRET}})


INHERITS = """
- profile: victim
  files:
    - {allow: [read, map], path: "/{usr,lib*,etc,proc}/**"}
    - {allow: any, path: "/t/{,**}"}
    - {allow: [read, write], path: /dev/null}
  exec:
    - {allow: "/usr/bin/{true,cat}", as: other}
- profile: other
  files:
    - {allow: [read, map], path: "/{usr,lib*,etc,proc}/**"}
    - {allow: [read, write, append], path: "/t/{,yes/{,**}}"}
    - {allow: [read, write], path: /dev/null}
"""


def brought(fd: int, number: int | None = None, program: tuple[str, ...] = ("/usr/bin/true",)) -> None:
    """Execute a program with *fd* open."""
    kept = fd if number is None else os.dup2(fd, number)
    os.set_inheritable(kept, True)
    try:
        assert run(*program) == 0
    finally:
        os.close(fd)
        if number is not None and number > 2:
            os.close(kept)


def brought_among_others(path: str) -> None:
    others = [os.open(ALLOWED, os.O_RDONLY) for _ in range(200)]
    try:
        for fd in others:
            os.set_inheritable(fd, True)
        brought(os.open(path, os.O_RDONLY))
    finally:
        for fd in others:
            os.close(fd)


def brought_deleted(path: str) -> None:
    fd = os.open(path, os.O_RDONLY)
    Path(path).unlink()
    brought(fd)


def brought_as_stdin(path: str) -> None:
    before = os.dup(0)
    try:
        brought(os.open(path, os.O_RDONLY), 0)
    finally:
        os.dup2(before, 0)
        os.close(before)


BROUGHT: dict[str, Callable[[str], None]] = {
    "high": lambda path: brought(os.open(path, os.O_RDONLY), 1000),
    "among others": brought_among_others,
    "deleted": brought_deleted,
    "stdin": brought_as_stdin,
}


def inherited(lab: Lab, bring: Callable[[str], None], access: list[str], path: str = SECRET) -> None:
    prove(
        lab,
        policy=INHERITS,
        make=secrets,
        act=lambda: bring(SECRET),
        control=lambda: bring(ALLOWED),
        event={
            "verdict": "denied",
            "operation": "file.inherit",
            "refused": access,
            "errno": "EACCES",
            "file": {"path": path},
        },
        errno=errno.EACCES,
    )


@pytest.mark.parametrize(("flags", "where", "access"), [KINDS[kind] for kind in KINDS if kind != "neither"])
def test_brought_along_by_exec(lab: Lab, flags: int, where: str, access: list[str]) -> None:
    """What the new profile would not be given refuses the exec that would give it."""
    inherited(
        lab,
        lambda path: brought(os.open(place(path, where), flags)),
        access,
        "/t/no/" if where else SECRET,
    )


@pytest.mark.parametrize("bring", BROUGHT.values(), ids=BROUGHT)
def test_brought_along_in_some_way(lab: Lab, bring: Callable[[str], None]) -> None:
    inherited(lab, bring, ["read"])


def test_not_brought_along(lab: Lab) -> None:
    """What the exec closes does not matter."""

    def act() -> None:
        fd = os.open(SECRET, os.O_RDONLY)
        assert run("/usr/bin/true") == 0
        os.close(fd)

    fresh(secrets)
    with lab.policy(INHERITS):
        assert lab.do("victim", act).worked
        assert not refusals(lab)


def test_a_path_descriptor_brought_along(lab: Lab) -> None:
    """It does no harm; what is opened by it is asked about."""

    def act(path: str) -> None:
        brought(os.open(path, os.O_PATH), 9, ("/usr/bin/cat", "/proc/self/fd/9"))

    fresh(secrets)
    with lab.policy(INHERITS):
        assert lab.do("victim", lambda: act(ALLOWED)).worked
        assert not refusals(lab)
        with pytest.raises(AssertionError):
            lab.do("victim", lambda: act(SECRET))
        assert covers(refusals(lab)[0], {"operation": "file.open", "profile": "other", "file": {"path": SECRET}})
