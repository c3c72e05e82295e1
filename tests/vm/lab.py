"""
The guest tests' own enforcer: the object is loaded once a session, and each test puts its policy in force.

A test's tasks are forks of the test that are confined on the spot, so that what they try is written down as Python
beside what is expected of it. How tasks become confined in real life, by exec, is tested by what does so.
"""

import os
import pickle
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from krsi.bpf.features import Kernel
from krsi.bpf.handle import Scope
from krsi.bpf.ringbuf import RingBuffer
from krsi.compiler.compile import compile_policy
from krsi.compiler.image import Image
from krsi.event.clock import BootClock
from krsi.event.decode import Decoder
from krsi.event.enrich import Enricher, Generation
from krsi.event.model import Event
from krsi.event.stream import Stream
from krsi.kernel_side import KernelSide, object_abi, object_bytes
from krsi.policy.diagnostics import Report
from krsi.policy.load import load
from krsi.policy.model import EXEC, FILE_ACCESSES, MOUNT, UNCONFINED, Policy
from krsi.support import programs_for

from . import calls

WORDS = 1 << 16
"""Room for each test's image, in 64-bit words."""

PATIENCE_S = 60.0
"""After so long a task is taken for stuck. Emulated processors are slow."""

FOLDER = Path("/t")
"""Where tests keep what is attacked; a file system of its own, new for each stage."""

_null = os.open(os.devnull, os.O_RDWR)

Act = Callable[[], object]
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What became of an act: one of these.

    :param value: what it returned
    :param errno: of the OSError that it raised
    :param signal: that ended its process
    """

    value: object = None
    errno: int | None = None
    signal: int | None = None

    @property
    def worked(self) -> bool:
        return self.errno is None and self.signal is None


class Task(Scope):
    """A fork of this process that waits to be told which of its acts to do next, in the order of *acts*."""

    _ends: ClassVar[set[int]] = set()  # of pipes to all tasks, which no other task may hold

    def __init__(self, *acts: Act) -> None:
        self.acts = acts
        asked, self._asks = os.pipe()
        self._answers, answering = os.pipe()
        self._ends.update({self._asks, self._answers})
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if not self.pid:
            for end in self._ends:
                os.close(end)
            self._live(asked, answering)
        os.close(asked)
        os.close(answering)
        self.pidfd = os.pidfd_open(self.pid)

    def _live(self, asked: int, answering: int) -> None:
        for fd in range(3):
            os.dup2(_null, fd)
        answers = os.fdopen(answering, "wb")
        try:
            while number := os.read(asked, 1):
                answer = pickle.dumps(_done(self.acts[number[0]]))
                answers.write(len(answer).to_bytes(8, "little") + answer)
                answers.flush()
        finally:
            os._exit(0)

    def __call__(self, act: Act) -> Outcome:
        """Have *act* done."""
        os.write(self._asks, bytes([self.acts.index(act)]))
        if not select.select([self._answers], [], [], PATIENCE_S)[0]:
            os.kill(self.pid, signal.SIGKILL)
            raise TimeoutError(f"an act took more than {PATIENCE_S} s")
        if answer := self._answer():
            outcome = pickle.loads(answer)
            if isinstance(outcome, Outcome):
                return outcome
            raise AssertionError(f"the act raised {outcome}")
        return Outcome(signal=os.WTERMSIG(os.waitpid(self.pid, 0)[1]))

    def _answer(self) -> bytes:
        """Read an answer; none comes of a task that was killed."""
        length = int.from_bytes(os.read(self._answers, 8), "little")
        parts: list[bytes] = []
        while length and (part := os.read(self._answers, length)):
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        self._ends.difference_update({self._asks, self._answers})
        for fd in (self._asks, self._answers, self.pidfd):
            os.close(fd)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def _done(act: Act) -> Outcome | str:
    try:
        return Outcome(act())
    except OSError as error:
        return Outcome(errno=error.errno)
    except Exception as error:
        return repr(error)


class Lab(Scope):
    """All programs that this kernel can take, attached; until a policy is put in force nobody is confined."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "policy.yaml"
        self.source = str(self._file)
        self._elf = object_bytes()
        self.abi = object_abi(self._elf)
        self.kernel = Kernel()
        self._nothing = Policy({})
        self._domains: tuple[str, ...] = (UNCONFINED,)
        self._generation = 0
        self.programs = programs_for({*FILE_ACCESSES, EXEC, MOUNT}, self.kernel)
        image = self.image = self._compiled(self._nothing)
        began = time.monotonic()
        self.side = KernelSide(self._elf, image, self.programs, self.kernel)
        self.side.check_paths(image)
        self._ring = RingBuffer(self.side.map("events").fd)
        clock = BootClock()
        self._enricher = Enricher("boot", clock)
        self._stream = Stream(Decoder(self.abi), self._enricher, self.side.told, clock.now)
        self.side.attach()
        self.took_s = time.monotonic() - began

    def _compiled(self, policy: Policy) -> Image:
        self._generation += 1
        image = compile_policy(policy, Report(), self.abi, generation=self._generation, before=self._domains)
        self._domains = tuple(image.domains)
        return image.resized(WORDS)

    @contextmanager
    def policy(self, text: str) -> Iterator[None]:
        """Have the policy *text* in force; events of before are dropped."""
        self._file.write_text(text)
        policy = load([str(self._file)], root=True).policy
        self.put(policy)
        try:
            yield
        finally:
            self.put(self._nothing)

    def put(self, policy: Policy) -> Image:
        """Put *policy* in force."""
        image = self._compiled(policy)
        self._enricher.add_generation(image.generation, Generation(policy, image.domains))
        self.side.put(image)
        self.image = image
        self.events()
        return image

    def confine(self, pidfd: int, profile: str) -> None:
        """Confine a task on the spot."""
        abi = self.abi
        value = abi.unpack("task", bytes(abi.size("task"))) | {"domain": self._domains.index(profile)}
        self.side.map("tasks").update(pidfd.to_bytes(4, sys.byteorder), abi.pack("task", value))

    def task(self, profile: str | None, *acts: Act) -> Task:
        """Return a task, confined unless *profile* is None."""
        task = Task(*acts)
        if profile:
            self.confine(task.pidfd, profile)
        return task

    def do(self, profile: str | None, act: Act, prepare: Act | None = None) -> Outcome:
        """Do *act* in a task of its own, which is confined when it has done *prepare*."""
        with self.prepared(profile, act, prepare) as task:
            return task(act)

    def prepared(self, profile: str | None, act: Act, prepare: Act | None) -> Task:
        """As :meth:`task`, after *prepare*."""
        task = Task(act, prepare) if prepare else Task(act)
        if prepare:
            prepared = task(prepare)
            assert prepared.worked, f"prepare: {prepared}"
        if profile:
            self.confine(task.pidfd, profile)
        return task

    def events(self) -> list[dict[str, Any]]:
        """Return what was told since the last call, as documents."""
        return _documents(self._stream.events(iter(self._ring.drain(self._ring.capacity))))

    def missing(self) -> list[dict[str, Any]]:
        """Return what tells of records that did not come."""
        return _documents(self._stream.missing(self.side.told()))

    def close(self) -> None:
        self._ring.close()
        self.side.close()


def _documents(events: list[Event]) -> list[dict[str, Any]]:
    return [document for event in events if isinstance(document := msgspec.to_builtins(event), dict)]


def prove(
    lab: Lab,
    *,
    policy: str,
    make: Act,
    act: Act,
    control: Act,
    event: Document,
    errno: int | None = None,
    prepare: Act | None = None,
    after: Act = lambda: None,
) -> None:
    """
    See that *act* works, is denied to a task in the profile ``victim`` of *policy*, and works again without it.

    :param make: makes what is acted on in FOLDER, an empty file system each time
    :param control: is allowed to the victim all the time
    :param event: what must be told of the denial, among other things
    :param errno: that the victim gets; None if it is killed
    :param prepare: what the task does before it is confined
    :param after: raises if the denied act has changed anything
    """
    fresh(make)
    baseline = lab.do(None, act, prepare)
    assert baseline.worked, f"without a policy: {baseline}"
    fresh(make)
    with lab.policy(policy):
        neighbour = lab.do(None, act, prepare)
        assert neighbour.worked, f"unconfined: {neighbour}"
        assert not refusals(lab), "unconfined tasks are not told of"
        fresh(make)
        allowed = lab.do("victim", control)
        told = refusals(lab)
        assert allowed.worked, f"control: {allowed}, {told}"
        assert not told, f"the control is allowed: {told}"
        fresh(make)
        task = lab.prepared("victim", act, prepare)
        outcome = task(act)
        told = refusals(lab)
        assert outcome == (Outcome(errno=errno) if errno else Outcome(signal=signal.SIGKILL)), f"{outcome}, {told}"
        assert any(covers(document, event) for document in told), f"{event} is not told among {told}"
        after()
    if errno:
        fresh(make)
        released = lab.do("victim", act, prepare) if prepare else task(act)
        assert released.worked, f"released: {released}"
    task.close()


def refusals(lab: Lab) -> list[dict[str, Any]]:
    """Return the events since the last call that tell of a refusal."""
    return [document for document in lab.events() if document.get("verdict") in {"denied", "killed", "audited"}]


def covers(document: Any, part: Any) -> bool:
    """Tell whether all that *part* says is in *document*."""
    if isinstance(part, Mapping):
        return isinstance(document, Mapping) and all(covers(document.get(key), value) for key, value in part.items())
    return bool(document == part)


def fresh(make: Act) -> None:
    """Put a new file system at FOLDER, with what *make* makes in it."""
    clear()
    FOLDER.mkdir(exist_ok=True)
    calls.mount("t", str(FOLDER), "tmpfs", data="mode=755")
    make()


def clear() -> None:
    """Take the file system at FOLDER away."""
    while FOLDER.is_mount():
        calls.umount(str(FOLDER))
    if FOLDER.exists():
        shutil.rmtree(FOLDER)
