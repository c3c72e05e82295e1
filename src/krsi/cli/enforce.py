"""``krsi enforce``: put policies in force, stream what they decide, until interrupted."""

import argparse
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import IO

from krsi.bpf.features import Kernel
from krsi.cli.loading import Compiled, compiled
from krsi.cli.outcome import OK
from krsi.cli.terminal import is_coloured
from krsi.enforcer import Enforcer
from krsi.event.model import Event
from krsi.policy.model import Mode
from krsi.policy.render import plural
from krsi.sink.pipeline import writer

LOOK_S = 0.05
"""The kernel wakes nobody for an event: the ring is looked at so often."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("policy", nargs="+", metavar="PATH", help="policy file, or folder of policy files")
    parser.add_argument(
        "--output", choices=["json", "compact"], default="json", help="events as JSON lines, or as lines for people"
    )


def run(args: argparse.Namespace) -> int:
    """Enforce until SIGINT or SIGTERM, release, and sum up."""
    policy = compiled(args.policy)
    log = Log(sys.stdout.buffer, args.output, colour=is_coloured(sys.stdout))
    with Interrupt() as interrupt, Enforcer(policy.loaded.policy, policy.image, policy.elf, Kernel()) as enforcer:
        announce(policy, enforcer)
        began = time.monotonic()
        while not interrupt.wait(LOOK_S):
            log.write(enforcer.events())
        log.write(enforcer.last_events())
        sum_up(enforcer, log, time.monotonic() - began)
    return OK


class Log:
    """
    Where events go. That it cannot be written ends nothing: who fills its disk, or ends its reader, is still held.

    :param form: see :func:`krsi.sink.pipeline.writer`
    :ivar unwritten: events that could not be written
    """

    def __init__(self, out: IO[bytes], form: str, *, colour: bool) -> None:
        self._logger = writer(out, form, colour=colour)
        self._failed: int | None = None
        self.unwritten = 0

    def write(self, events: list[Event]) -> None:
        """Write what has happened, or tell the operator why not: once for each reason in a row."""
        if not events:
            return
        try:
            self._logger.info("events", events=events)
            self._failed = None
        except OSError as error:
            self.unwritten += len(events)
            if error.errno != self._failed:
                _tell(f"events cannot be written ({error.strerror}); every access is decided all the same")
            self._failed = error.errno


def announce(policy: Compiled, enforcer: Enforcer) -> None:
    """Tell the operator what is in force, and what is not."""
    for profile in policy.loaded.policy.profiles.values():
        held = "decides" if profile.mode is Mode.ENFORCE else f"is in mode {profile.mode}: nothing is refused"
        _tell(f"profile {profile.name} {held}")
    kib = policy.image.used / 1024
    _tell(f"in force: {plural(len(enforcer.programs), 'program')}, image of {kib:,.1f} KiB; Ctrl-C releases")
    _tell("tasks that run already are not confined before they execute a program that a profile matches")


def sum_up(enforcer: Enforcer, log: Log, seconds: float) -> None:
    """Tell what has come, and whether anything is missing."""
    counts = enforcer.counts
    said = ", ".join(f"{number:,} {word}" for word, number in sorted(counts.events.items())) or "no events"
    _tell(f"released after {seconds:,.1f} s: {said}")
    if counts.lost:
        _tell(f"{counts.lost:,} events found no room in the ring; what they tell of was decided all the same")
    if log.unwritten:
        _tell(f"{log.unwritten:,} events could not be written")
    if counts.damaged:
        _tell(f"{counts.damaged:,} records could not be read: this is a bug in krsi")
    for name, times in enforcer.misses().items():
        _tell(f"the kernel skipped program {name} {times:,} times: what it would have decided was allowed")


def _tell(text: str) -> None:
    with suppress(OSError):  # nobody listens any more, and that is no reason to let tasks go
        print(f"krsi: {text}", file=sys.stderr, flush=True)


class Interrupt:
    """Set by SIGINT and SIGTERM while it is entered."""

    def __init__(self) -> None:
        self._set = threading.Event()

    def __enter__(self) -> "Interrupt":
        self._before = {number: signal.signal(number, self._on) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  signal(2)'s
        self._set.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait so long, or until interrupted; tell whether it was."""
        return self._set.wait(timeout_s)
