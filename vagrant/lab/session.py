"""One command in one guest: everything made ready, run, and judged."""

import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import accel, console, image, initramfs, payload, rootfs
from .guest import Guest, GuestFailedError, running
from .host import TREE, LabError, run, say
from .kernels import Kernel
from .qemu import Files, Settings

TIMED_OUT = 124
BOOT_S = 300
FAREWELL_S = 60


@dataclass(frozen=True, slots=True)
class Task:
    """What a person asked the lab to do."""

    kernel: Kernel
    command: Sequence[str]
    settings: Settings
    timeout_s: float | None
    out: Path | None


def perform(task: Task) -> int:
    """
    Run the command of *task* in a guest of its own and return its exit status.

    :raises LabError: if the guest did not get as far as the command, or died, or its kernel is at fault
    """
    kernel, root = image.ready(task.kernel), rootfs.ready()
    how = "tcg" if task.settings.icount else accel.choose(kernel)
    with tempfile.TemporaryDirectory(prefix="krsi-lab-") as name:
        files = _files(Path(name), kernel, root, task)
        say(f"kernel {task.kernel.name}: starting ({how})")
        try:
            with running(how, task.settings, files) as guest:
                status = _converse(guest, task.timeout_s)
        except GuestFailedError as failure:
            raise LabError(f"{failure}\n{_evidence(files)}") from failure
        finally:
            _fetch(files.out, task.out)
        _judge(files.console.read_text(errors="replace"), status)
    return status


def _files(work: Path, kernel: image.KernelImage, root: Path, task: Task) -> Files:
    files = Files(
        kernel=kernel,
        initrd=work / "initrd",
        root=root,
        tree=work / "tree.tar",
        console=work / "console.log",
        complaints=work / "qemu.log",
        out=work / "out.tar" if task.out else None,
    )
    payload.pack(TREE, files.tree)
    files.initrd.write_bytes(kernel.initramfs.read_bytes() + initramfs.cpio(_own_part(task.command)))
    files.console.touch()
    return files


def _own_part(command: Sequence[str]) -> dict[str, initramfs.File]:
    scripts = TREE / "vagrant" / "guest"
    return {
        "init": initramfs.File((scripts / "initramfs").read_bytes(), executable=True),
        "lab/init": initramfs.File((scripts / "init").read_bytes(), executable=True),
        "lab/command": initramfs.File(f"exec {shlex.join(command)}\n".encode()),
    }


def _converse(guest: Guest, timeout_s: float | None) -> int:
    try:
        guest.word(BOOT_S)
    except TimeoutError as error:
        raise GuestFailedError(f"the guest did not get to its command within {BOOT_S} s") from error
    try:
        return int(guest.word(timeout_s))
    except TimeoutError:
        say(f"the command did not end within {timeout_s} s; killing it")
        return _stop(guest)


def _stop(guest: Guest) -> int:
    guest.stop()
    try:
        guest.word(FAREWELL_S)
    except TimeoutError as error:
        raise GuestFailedError(f"the guest did not kill its command within {FAREWELL_S} s") from error
    return TIMED_OUT


def _fetch(tar: Path | None, folder: Path | None) -> None:
    if tar and folder and tar.exists() and tar.stat().st_size:
        folder.mkdir(parents=True, exist_ok=True)
        run(f"unpacking what the guest left in {folder}", ["tar", "--no-same-owner", "-C", folder, "-xf", tar])


def _evidence(files: Files) -> str:
    log = files.console.read_text(errors="replace")
    faults = console.findings(log).faults
    qemu = files.complaints.read_text(errors="replace").splitlines()
    return "\n".join([*_indented(qemu + faults), "the console's last lines:", *_indented(log.splitlines()[-20:])])


def _judge(log: str, status: int) -> None:
    found = console.findings(log)
    for line in found.stalls:
        say(f"the guest's kernel stalled: {line}")
    if found.faults:
        listed = "\n".join(_indented(found.faults))
        raise LabError(f"the guest's kernel is at fault (the command ended with {status})\n{listed}")


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]
