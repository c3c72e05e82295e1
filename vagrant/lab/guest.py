"""A running guest, and the conversation with its init (guest/init has the other side)."""

import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from . import qemu
from .host import ENVIRONMENT

CHUNK = 1 << 16


class GuestFailedError(Exception):
    """The guest did not say how its command ended, and never will."""


class Guest:
    """A guest that runs; what its command prints goes to our standard output whenever we listen."""

    def __init__(self, output: socket.socket, control: socket.socket) -> None:
        self._output = output
        self._control = control
        self._heard = b""

    def word(self, patience_s: float | None) -> str:
        """
        Listen until the guest says its next word.

        :raises TimeoutError: if it says none within *patience_s* (None: there is no hurry)
        :raises GuestFailedError: if it ended without one
        """
        ends = None if patience_s is None else time.monotonic() + patience_s
        while b"\n" not in self._heard:
            self._listen(ends)
        word, _, self._heard = self._heard.partition(b"\n")
        return word.decode()

    def stop(self) -> None:
        """Ask the guest to kill its command."""
        with suppress(ConnectionError):  # it ended by itself, as word() will find
            self._control.sendall(b"stop\n")

    def rest(self) -> None:
        """Pass on what the guest printed before it ended."""
        while self._relay():
            pass

    def _listen(self, ends: float | None) -> None:
        patience_s = None if ends is None else max(0.0, ends - time.monotonic())
        ready, _, _ = select.select([self._output, self._control], [], [], patience_s)
        if not ready:
            raise TimeoutError
        if self._control in ready:
            with suppress(ConnectionError):
                self._heard += self._control.recv(CHUNK)
        if self._output in ready and not self._relay() and b"\n" not in self._heard:
            raise GuestFailedError("the guest ended before its command did")

    def _relay(self) -> bool:
        data = self._output.recv(CHUNK)
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return bool(data)


@contextmanager
def running(accel: str, settings: qemu.Settings, files: qemu.Files) -> Iterator[Guest]:
    """Start a guest, and end it whatever happens."""
    output, its_output = socket.socketpair()
    control, its_control = socket.socketpair()
    with output, control:
        with its_output, its_control, files.complaints.open("wb") as complaints:
            fds = (its_output.fileno(), its_control.fileno())
            process = subprocess.Popen(
                qemu.argv(accel, settings, files, *fds),
                stdin=subprocess.DEVNULL,
                stdout=complaints,
                stderr=complaints,
                pass_fds=fds,
                # QEMU keeps what the guest changes on its disk here.
                env=ENVIRONMENT | {"TMPDIR": str(files.complaints.parent)},
                # Ctrl-C is for us.
                start_new_session=True,
            )
        guest = Guest(output, control)
        try:
            yield guest
        finally:
            _end(process)
            guest.rest()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
