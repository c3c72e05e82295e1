"""What is seen of real software at work, in a form that is the same whenever it did the same."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PATIENCE_S = 30.0

Transcript = list[str]


def ran(
    *argv: str, given: str = "", env: dict[str, str] | None = None, cwd: str = "/", without: str = ""
) -> Transcript:
    """
    Run a command to its end.

    :param given: its standard input
    :param without: a regular expression of what differs from time to time
    """
    done = subprocess.run(
        argv, input=given, env={**clean_environment(), **(env or {})}, cwd=cwd, text=True, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=2 * PATIENCE_S, check=False,
    )  # fmt: skip
    said = re.sub(without, "…", done.stdout) if without else done.stdout
    return [f"$ {Path(argv[0]).name} {' '.join(argv[1:])}", *said.splitlines(), f"status {done.returncode}"]


def clean_environment() -> dict[str, str]:
    """Return what a service manager would give: nothing of this test run's own."""
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}


def waited(what: str, happened: Callable[[], bool]) -> Transcript:
    """Wait until something has happened, and tell whether it has."""
    end = time.monotonic() + PATIENCE_S
    while not happened():
        if time.monotonic() > end:
            return [f"{what}: not in {PATIENCE_S:.0f} s"]
        time.sleep(0.02)
    return [what]


def lines_of(path: str, without: str) -> Transcript:
    """Return the lines of a log without what differs from time to time."""
    try:
        text = Path(path).read_text(errors="replace")
    except OSError as error:
        return [f"{path}: {error.strerror}"]
    return [f"{path}:", *(re.sub(without, "…", line) for line in text.splitlines())]


def is_running(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def pid_in(path: str) -> int:
    """Return the number in a pid file, 0 if there is none."""
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):
        return 0


def signalled(pid: int, number: int) -> None:
    """Send a signal to a daemon; none to a process that never was."""
    if pid > 1:
        os.kill(pid, number)


def files_in(folders: Sequence[str]) -> Transcript:
    """Return name, mode and owner of all files below some folders."""
    found = sorted(path for folder in folders for path in Path(folder).rglob("*"))
    return [f"{path} {path.lstat().st_mode:o} {path.lstat().st_uid}:{path.lstat().st_gid}" for path in found]
