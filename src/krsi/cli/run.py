"""``krsi run``: one command under a profile, whatever the policy's match says; events go to stderr or a file."""

import argparse
import os
import select
import signal
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

from krsi.bpf.features import Kernel
from krsi.cli.enforce import LOOK_S, Log
from krsi.cli.loading import Compiled, compiled
from krsi.cli.outcome import USAGE
from krsi.cli.terminal import is_coloured
from krsi.enforcer import Enforcer
from krsi.policy.diagnostics import nearest

_CANNOT_EXECUTE, _NOT_FOUND, _SIGNALLED = 126, 127, 128  # as shells do


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.usage = "krsi run [-h] --profile NAME [--log FILE] PATH [PATH ...] -- COMMAND [ARG ...]"
    parser.add_argument("--profile", required=True, metavar="NAME", help="the profile to run under")
    parser.add_argument("--log", metavar="FILE", help="append events to FILE as JSON lines, instead of showing them")
    parser.add_argument("policy", nargs="+", metavar="PATH", help="policy file, or folder of policy files")


def run(args: argparse.Namespace) -> int:
    """Return the command's exit status; 128 and the signal's number if one ended it."""
    if not args.rest:
        print("krsi run: error: say behind '--' what to run", file=sys.stderr)
        return USAGE
    policy = compiled(args.policy)
    if args.profile not in policy.loaded.policy.profiles:
        return _unknown(policy, args.profile)
    with ExitStack() as stack:
        out: IO[bytes] = stack.enter_context(Path(args.log).open("ab")) if args.log else sys.stderr.buffer
        log = Log(out, "json" if args.log else "compact", colour=is_coloured(sys.stderr))
        enforcer = stack.enter_context(Enforcer(policy.loaded.policy, policy.image, policy.elf, Kernel()))
        command = stack.enter_context(Command(args.rest))
        enforcer.confine(command.pidfd, args.profile)
        command.start()
        while (status := command.wait(LOOK_S)) is None:
            log.write(enforcer.events())
        log.write(enforcer.last_events())
        return status


def _unknown(policy: Compiled, name: str) -> int:
    near = nearest(name, policy.loaded.policy.profiles)
    hint = f"did you mean '{near}'?" if near else f"there are {', '.join(sorted(policy.loaded.policy.profiles))}"
    print(f"krsi run: error: there is no profile '{name}': {hint}", file=sys.stderr)
    return USAGE


PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Signals that end krsi only by ending the command, which would go on unconfined."""


class Command:
    """
    A child that waits to be started. While it is entered, signals that would end this process go to the child;
    Ctrl-C it gets from the terminal by itself.
    """

    def __init__(self, argv: list[str]) -> None:
        reading, self._writing = os.pipe()  # closed on our side, it tells the child that nothing comes of it
        sys.stdout.flush()
        sys.stderr.flush()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._writing)
            _execute(argv, reading)
        os.close(reading)
        self.pidfd = os.pidfd_open(self._pid)

    def __enter__(self) -> "Command":
        self._before = {number: signal.signal(number, self._pass_on) for number in PASSED_ON}
        self._before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._writing)
        os.close(self.pidfd)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  signal(2)'s
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    def start(self) -> None:
        """Let it execute."""
        os.write(self._writing, b"x")

    def wait(self, timeout_s: float) -> int | None:
        """Return its exit status as a shell would, None if it still runs after so long."""
        if not select.select([self.pidfd], [], [], timeout_s)[0]:
            return None
        status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return status if status >= 0 else _SIGNALLED - status


def _execute(argv: list[str], reading: int) -> NoReturn:
    """In the child: execute when told to; if nobody tells, krsi has failed and nothing may run."""
    if not os.read(reading, 1):
        os._exit(_CANNOT_EXECUTE)
    try:
        os.execvp(argv[0], argv)  # noqa: S606  what it is for
    except OSError as error:
        os.write(2, f"krsi run: cannot execute '{argv[0]}': {error.strerror}\n".encode())
        os._exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _CANNOT_EXECUTE)
