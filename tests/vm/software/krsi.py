"""`krsi enforce` as operators run it: a process that says when it is in force, and JSON lines."""

import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

STARTS_S = 150.0
"""What loading may take in an emulated guest."""

ENDS_S = 30.0
SETTLES_S = 0.5
"""More than it takes until an event is written."""

Event = dict[str, Any]


class Krsi:
    """Enforces *policies* from when it is entered until :meth:`stop` or the end."""

    def __init__(self, policies: Sequence[str]) -> None:
        self._argv = ["krsi", "enforce", *policies]
        self._folder = tempfile.TemporaryDirectory()
        self._events, self._said = (Path(self._folder.name) / name for name in ("events", "said"))
        self._read = 0

    def __enter__(self) -> "Krsi":
        with self._events.open("wb") as out, self._said.open("wb") as err:
            self._process = subprocess.Popen(self._argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        end = time.monotonic() + STARTS_S
        while "in force" not in self.said():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"krsi enforce is not in force (status {self._process.poll()}): {self.said()}")
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._folder.cleanup()

    def stop(self) -> int:
        """Release everything, and return its exit status."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        return self._process.wait(ENDS_S)

    def said(self) -> str:
        """Return what it told the operator."""
        return self._said.read_text()

    def events(self) -> list[Event]:
        """Return what has happened since the last call."""
        time.sleep(SETTLES_S)
        lines = self._events.read_bytes().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        new = whole[self._read :]
        self._read = len(whole)
        return [json.loads(line) for line in new]

    def refusals(self) -> list[Event]:
        """Return what was refused or lost since the last call."""
        return [
            event for event in self.events() if event.get("verdict") in {"denied", "killed"} or event["event"] == "loss"
        ]
