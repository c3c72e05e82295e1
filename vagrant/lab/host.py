"""What the lab asks of the machine it runs on: programs, and a folder for its images."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# Each program that vagrant/run starts, with the Debian package that has it.
PROGRAMS = {
    "apt-get": "apt",
    "depmod": "kmod",
    "dpkg-deb": "dpkg",
    "fakeroot": "fakeroot",
    "git": "git",
    "lz4": "lz4",
    "mke2fs": "e2fsprogs",
    "mmdebstrap": "mmdebstrap",
    "newuidmap": "uidmap",
    "qemu-system-x86_64": "qemu-system-x86",
    "zstd": "zstd",
}

# Debian keeps depmod and mke2fs where a user's PATH does not look.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
ENVIRONMENT = os.environ | {"PATH": PATH, "LC_ALL": "C.UTF-8"}

TREE = Path(__file__).resolve().parents[2]


class LabError(Exception):
    """The lab itself failed; the command that it should have run says nothing."""


def say(message: str) -> None:
    """Tell the person who waits what goes on."""
    print(f"lab: {message}", file=sys.stderr, flush=True)


def require(programs: Mapping[str, str]) -> None:
    """
    Check that *programs*, each with its Debian package, are installed.

    :raises LabError: with the apt-get line that installs what is not
    """
    lacking = [package for program, package in programs.items() if not shutil.which(program, path=PATH)]
    if lacking:
        raise LabError(f"programs are missing on this machine; install them: apt-get install {' '.join(lacking)}")


def cache_folder() -> Path:
    """Return the folder that keeps images."""
    chosen = os.environ.get("KRSI_LAB_CACHE")
    if chosen:
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "krsi" / "lab"


def run(doing: str, argv: Sequence[str | Path], cwd: Path | None = None) -> str:
    """
    Run a program to its end and return its output.

    :raises LabError: if it fails, with *doing* and the last lines that it printed
    """
    with _started(argv, cwd, subprocess.PIPE) as process:
        output, complaints = process.communicate()
    _check(doing, process.returncode, output + complaints)
    return output


def follow(doing: str, argv: Sequence[str | Path], cwd: Path, mark: str) -> None:
    """
    Run a program that takes long, and say at once what it prints behind *mark* at the start of a line.

    :raises LabError: as run() does
    """
    printed = []
    with _started(argv, cwd, subprocess.STDOUT) as process:
        for line in process.stdout or ():
            printed.append(line)
            if line.startswith(mark):
                say(f"{doing}: {line.removeprefix(mark).rstrip()}")
    _check(doing, process.returncode, "".join(printed))


def _started(argv: Sequence[str | Path], cwd: Path | None, stderr: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        argv,
        cwd=cwd,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        errors="surrogateescape",
    )


def _check(doing: str, status: int, printed: str) -> None:
    if status:
        last = "".join(f"\n    {line}" for line in printed.splitlines()[-20:])
        raise LabError(f"{doing}: exit status {status}{last}")
