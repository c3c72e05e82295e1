"""QEMU's command line for a guest; pure."""

from dataclasses import dataclass
from pathlib import Path

from .image import KernelImage

# With bpf, and with AppArmor beside it. Quiet but for warnings, which the console log is searched for. Ciphers do not
# test themselves, which would take an emulated CPU half a second.
CMDLINE = "console=ttyS0 loglevel=5 panic=-1 lsm=landlock,lockdown,yama,apparmor,bpf apparmor=1 cryptomgr.notests"

# Under -icount the guest's clock counts its instructions; these would drown what is measured.
ICOUNT_CMDLINE = "mitigations=off init_on_alloc=0 init_on_free=0"

# With a thread for each processor, one may run a stale translation of code that another has just patched, as the kernel
# does with its own: QEMU 7.2 lost 2 guests of 75 to it, none with one thread. But only threads race as processors do.
ACCELERATORS = {
    "kvm": ("-accel", "kvm", "-cpu", "host"),
    "tcg": ("-accel", "tcg,thread=single", "-cpu", "max"),
    "mttcg": ("-accel", "tcg,thread=multi", "-cpu", "max"),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person may choose about a guest."""

    memory_mib: int = 1536
    cpus: int = 2
    icount: bool = False
    append: str = ""


@dataclass(frozen=True, slots=True)
class Files:
    """The files a guest boots from, and where it writes. The root file system stays as it is."""

    kernel: KernelImage
    initrd: Path
    root: Path
    tree: Path
    console: Path
    complaints: Path  # QEMU's own
    out: Path | None


def argv(accel: str, settings: Settings, files: Files, output_fd: int, control_fd: int) -> list[str]:
    """Return the command that starts a guest, with sockets for the command's output and for control."""
    return [
        "qemu-system-x86_64",
        *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-M", "q35,sata=off,smbus=off"),
        *("-m", str(settings.memory_mib), *_processor(accel, settings)),
        *("-kernel", str(files.kernel.vmlinux), "-initrd", str(files.initrd), "-append", _cmdline(settings)),
        *("-serial", f"file:{files.console}"),
        *_disk(files.root, "snapshot=on"),
        *_disk(files.kernel.modules, "readonly=on"),
        *_disk(files.tree, "readonly=on"),
        *("-device", "virtio-serial-pci"),
        *_port(1, f"socket,fd={output_fd}"),
        *_port(2, f"socket,fd={control_fd}"),
        *(_port(3, f"file,path={_escaped(files.out)}") if files.out else ()),
    ]


def _processor(accel: str, settings: Settings) -> list[str]:
    if settings.icount:
        return [*ACCELERATORS["tcg"], "-smp", "1", "-icount", "shift=0,sleep=off"]
    return [*ACCELERATORS[accel], "-smp", str(settings.cpus)]


def _cmdline(settings: Settings) -> str:
    return " ".join([CMDLINE, *([ICOUNT_CMDLINE] if settings.icount else []), settings.append]).rstrip()


def _disk(image: Path, how: str) -> list[str]:
    return ["-drive", f"if=virtio,format=raw,cache=unsafe,file={_escaped(image)},{how}"]


def _port(number: int, chardev: str) -> list[str]:
    return ["-chardev", f"{chardev},id=port{number}", "-device", f"virtserialport,nr={number},chardev=port{number}"]


def _escaped(path: Path) -> str:
    # A comma ends a value in QEMU's options; two stand for one.
    return str(path).replace(",", ",,")
