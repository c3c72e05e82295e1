"""Whether this machine can run the guest with KVM, found out by doing it."""

import os
import subprocess
import tempfile
from pathlib import Path

from . import cache, initramfs
from .host import ENVIRONMENT, LabError, cache_folder, say
from .image import KernelImage
from .qemu import ACCELERATORS

PATIENCE_S = 15
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

MACHINE = ("-M", "q35", "-m", "512", "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio")
ALIVE = "krsi-lab: alive"
PROBE = f"#!/bin/busybox sh\necho '{ALIVE}'\nexec /bin/busybox poweroff -f\n".encode()


def choose(kernel: KernelImage) -> str:
    """
    Return the accelerator to use, one of qemu.ACCELERATORS.

    :raises LabError: if KRSI_LAB_ACCEL asks for one that does not exist
    """
    asked = os.environ.get("KRSI_LAB_ACCEL")
    if asked and asked not in ACCELERATORS:
        raise LabError(f"KRSI_LAB_ACCEL is {asked!r}, should be one of {', '.join(ACCELERATORS)}")
    return asked or _found(kernel)


def _found(kernel: KernelImage) -> str:
    # What holds for this boot of the host may not hold for the next: a setting of the firmware, nested virtualisation.
    boot, note = BOOT_ID.read_text().strip(), cache_folder() / "accel"
    with cache.locked("accel"):
        noted = note.read_text().split() if note.exists() else []
        if boot not in noted:
            noted = [boot, "kvm" if _boots_with_kvm(kernel) else "tcg"]
            note.write_text(" ".join(noted))
    return noted[1]


def _boots_with_kvm(kernel: KernelImage) -> bool:
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    say(f"trying KVM, once for this boot of the host (at most {PATIENCE_S} s)")
    with tempfile.TemporaryDirectory(prefix="krsi-lab-kvm-") as name:
        initrd = Path(name) / "initrd"
        init = initramfs.File(PROBE, executable=True)
        initrd.write_bytes(kernel.initramfs.read_bytes() + initramfs.cpio({"init": init}))
        worked = ALIVE in _console(kernel.vmlinux, initrd)
    say("KVM works" if worked else "KVM does not boot a guest here; emulating")
    return worked


def _console(vmlinux: Path, initrd: Path) -> str:
    boot = ("-kernel", str(vmlinux), "-initrd", str(initrd), "-append", "console=ttyS0 panic=-1")
    argv = ["qemu-system-x86_64", *ACCELERATORS["kvm"], *MACHINE, *boot]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(argv, stdin=quiet, stdout=subprocess.PIPE, stderr=quiet, env=ENVIRONMENT) as qemu:
        try:
            printed, _ = qemu.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            qemu.kill()
            printed, _ = qemu.communicate()
    return printed.decode(errors="replace")
