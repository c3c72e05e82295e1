"""The whole enforcer against the specification: random policies, and real system calls on a real file system."""

import errno
import mmap
import os
import random
import shutil
import signal
import stat
import sys
import termios
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fcntl import LOCK_SH, flock, ioctl
from functools import partial
from pathlib import Path
from typing import Any

from krsi.compiler.image import Reader
from krsi.policy.diagnostics import RefusedError
from krsi.policy.model import (
    EXEC,
    MATCHED,
    Mode,
    Object,
    Policy,
    Profile,
    Request,
    Verdict,
    decide,
    entered,
)

from ..kernel.policies import Maker
from . import calls
from .lab import FOLDER, Lab, Outcome, Task, fresh

PAIRS = int(os.environ.get("KRSI_VM_ORACLE_PAIRS", "2100"))
BATCH = 30
ROOT, OTHER = 0, 1000

Act = Callable[[], object]


class GuestMaker(Maker):
    """As its base, below the tests' folder, and about what a system call can ask."""

    def path(self) -> bytes:
        """Make the path of an object; a folder's ends with a slash."""
        return self._path() or b"/t/a"

    def _path(self) -> bytes | None:
        path = super()._path()
        return path and bytes(FOLDER) + path

    def _pattern(self) -> str:
        return f"{FOLDER}{super()._pattern()}"


def _path(path: bytes) -> Path:
    return Path(os.fsdecode(path))


def _open(flags: int, path: bytes) -> None:
    os.close(os.open(path, flags))


def _execute(path: bytes) -> None:
    """Execute what is no program: the kernel agrees if it says so."""
    try:
        os.execv(path, [path])
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise


def _make(path: bytes) -> None:
    if path.endswith(b"/"):
        _path(path).mkdir()
    else:
        os.mknod(path)


def _remove(path: bytes) -> None:
    if path.endswith(b"/"):
        _path(path).rmdir()
    else:
        _path(path).unlink()


BY_PATH: dict[str, Callable[[bytes], object]] = {
    "read": partial(_open, os.O_RDONLY),
    "write": partial(_open, os.O_WRONLY),
    "append": partial(_open, os.O_WRONLY | os.O_APPEND),
    "create": _make,
    "delete": _remove,
    "chmod": lambda path: _path(path).chmod(0o700),
    "chown": lambda path: os.chown(path, 1, 1),
    "setattr": lambda path: os.utime(path, (1, 1)),
    "setxattr": lambda path: os.setxattr(path, b"trusted.krsi", b"1"),
    "getattr": os.stat,
    "truncate": lambda path: os.truncate(path, 0),
    "mknod": lambda path: os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3)),
    EXEC: _execute,
}
BY_DESCRIPTOR: dict[str, Callable[[int], object]] = {
    "map": lambda fd: calls.map_file(fd, mmap.PROT_READ | mmap.PROT_EXEC),
    "ioctl": lambda fd: ioctl(fd, termios.FIONREAD, b"\0" * 4),
    "lock": lambda fd: flock(fd, LOCK_SH),
}
NEW = {"create", "mknod"}
NOT_OF_FOLDERS = {"write", "append", "truncate", "mknod", "map", "ioctl", "link", EXEC}


@dataclass(frozen=True)
class Trial:
    """A question as a system call: what must be there, what is done, and what is asked by it."""

    request: Request
    act: Act
    prepare: Act | None = None

    def make(self) -> None:
        """Make what is acted on, and nothing else."""
        for path in FOLDER.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        target = self.request.target
        is_new = bool(self.request.access & NEW)
        _place(self.request.object, make=not is_new)
        if target:
            _place(target, make=target.owner is not None)


def _place(obj: Object, *, make: bool) -> None:
    path = _path(obj.path or b"")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not make:
        return
    if (obj.path or b"").endswith(b"/"):
        path.mkdir(exist_ok=True)
    else:
        path.write_bytes(b"\xff no program")
        path.chmod(0o755)
    os.chown(path, ROOT if obj.owner else OTHER, 0)


def _trial(maker: GuestMaker, rng: random.Random) -> Trial | None:
    access = rng.choice([*BY_PATH, *BY_DESCRIPTOR, "rename", "rename", "link"])
    path = maker.path()
    if path.endswith(b"/") and access in NOT_OF_FOLDERS:
        return None
    owner = access in NEW or rng.random() < 0.5
    obj = Object(path, owner)
    if access in BY_PATH:
        return Trial(Request(frozenset([access]), obj), partial(BY_PATH[access], path))
    if access in BY_DESCRIPTOR:
        held: list[int] = []

        def hold() -> None:
            held.append(os.open(path, os.O_RDONLY))

        return Trial(Request(frozenset([access]), obj), lambda: BY_DESCRIPTOR[access](held[0]), hold)
    return _move(access, obj, maker.path(), rng)


def _move(access: str, obj: Object, new: bytes, rng: random.Random) -> Trial | None:
    old = obj.path or b""
    if _is_around(old, new) or _is_around(new, old) or old.endswith(b"/") != new.endswith(b"/"):
        return None
    exchange = access == "rename" and rng.random() < 0.3
    is_taken = exchange or (access == "rename" and rng.random() < 0.5)
    target = Object(new, rng.random() < 0.5 if is_taken else None)
    flags = calls.RENAME_EXCHANGE if exchange else 0
    act: Act = (
        partial(os.link, old, new)
        if access == "link"
        else partial(calls.renameat2, os.fsdecode(old), os.fsdecode(new), flags)
    )
    return Trial(Request(frozenset([access]), obj, target, exchange), act)


def _is_around(one: bytes, other: bytes) -> bool:
    return f"{os.fsdecode(other)}/".startswith(f"{os.fsdecode(one).rstrip('/')}/")


def _asked(request: Request) -> Request:
    """What the kernel makes of it: of a name that nothing has, the owner is the object's."""
    target = request.target
    if target and target.owner is None:
        target = Object(target.path, request.object.owner)
    return Request(request.access, request.object, target, request.exchange)


def _expected(policy: Policy, profile: Profile, request: Request, reader: Reader) -> tuple[Verdict, bool]:
    decision = decide(profile, request)
    if decision.verdict is Verdict.ALLOW and _leads_elsewhere(profile, request, reader):
        return Verdict.DENY, True
    path = request.object.path or b""
    if request.access == {EXEC} and decision.enters == MATCHED and entered(policy, path, ROOT) is None:
        return (decision.verdict or Verdict.DENY), True
    return decision.verdict, decision.logged


def _leads_elsewhere(profile: Profile, request: Request, reader: Reader) -> bool:
    old, target = request.object.path or b"", request.target
    if not target or not old.endswith(b"/") or not request.access & profile.mediates():
        return False
    return reader.state(old) != reader.state(target.path or b"")


def _outcome(verdict: Verdict, profile: Profile) -> Outcome | None:
    """What the system call must end with; None if it works."""
    if profile.mode is not Mode.ENFORCE or verdict is Verdict.ALLOW:
        return None
    return Outcome(signal=signal.SIGKILL) if verdict is Verdict.KILL else Outcome(errno=errno.EACCES)


class Tasks:
    """A task for each profile that does all acts of a policy, until one kills it: forks are dear."""

    def __init__(self, lab: Lab, trials: Sequence[Trial]) -> None:
        self._lab = lab
        self._acts = [trial.act for trial in trials]
        self._tasks: dict[str, Task] = {}

    def do(self, name: str, trial: Trial) -> tuple[Outcome, list[dict[str, Any]]]:
        """Make what *trial* is about, and have a task of profile *name* do it; return what is told of it too."""
        trial.make()
        self._lab.events()
        outcome = self._do(name, trial)
        return outcome, [event for event in self._lab.events() if event["event"] == "decision"]

    def _do(self, name: str, trial: Trial) -> Outcome:
        if trial.prepare:
            return self._lab.do(name, trial.act, trial.prepare)
        if name not in self._tasks:
            self._tasks[name] = self._lab.task(name, *self._acts)
        outcome = self._tasks[name](trial.act)
        if outcome.signal:
            self._tasks.pop(name).close()
        return outcome

    def close(self) -> None:
        """Let them go."""
        for task in self._tasks.values():
            task.close()


def _check(policy: Policy, reader: Reader, tasks: Tasks, name: str, trial: Trial) -> None:
    request, profile = _asked(trial.request), policy.profiles[name]
    verdict, logged = _expected(policy, profile, request, reader)
    outcome, told = tasks.do(name, trial)
    refused = _outcome(verdict, profile)
    why = f"{request} in {name} of {policy}: {outcome}, told {told}, expected {verdict!r}, logged {logged}"
    assert outcome == refused if refused else outcome.worked, why
    assert bool(told) == logged, why


def _check_policy(lab: Lab, number: int) -> int:
    """Put a random policy in force and try it; return how many pairs that were."""
    maker, rng = GuestMaker(number), random.Random(number)
    policy = maker.policy()
    try:
        reader = Reader(lab.put(policy), lab.abi)
    except RefusedError:
        return 0  # patterns tie
    trials = [trial for _ in range(BATCH) if (trial := _trial(maker, rng))]
    tasks = Tasks(lab, trials)
    try:
        for trial in trials:
            _check(policy, reader, tasks, rng.choice(sorted(policy.profiles)), trial)
    finally:
        tasks.close()
    return len(trials)


def test_system_calls_end_as_the_specification_says(lab: Lab) -> None:
    """At least 2,000 pairs of random policy and request, each a real system call."""
    seed = int(os.environ.get("KRSI_SEED", random.SystemRandom().randrange(1 << 32)))
    sys.stderr.write(f"\noracle: KRSI_SEED={seed}\n")
    fresh(lambda: None)
    done, number = 0, seed
    while done < PAIRS:
        done += _check_policy(lab, number)
        number += 1
