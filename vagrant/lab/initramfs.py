"""The guest's first file system, in memory: busybox, the modules that reach the disks, and our own small files."""

import lzma
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .host import LabError, run

# The disks, and the ports that carry output. Which of them are built in differs from kernel to kernel.
DRIVERS = ("virtio_pci", "virtio_blk", "virtio_console")


@dataclass(frozen=True, slots=True)
class File:
    """A file of the initramfs."""

    content: bytes
    executable: bool = False

    @property
    def mode(self) -> int:
        return stat.S_IFREG | (0o755 if self.executable else 0o644)


def cpio(files: Mapping[str, File]) -> bytes:
    """
    Return an archive of *files*, and of the folders they lie in, in the kernel's "newc" format.

    Archives may be put one behind the other. See Documentation/driver-api/early-userspace/buffer-format.rst.
    """
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents} - {"."}
    entries = [_entry(path, stat.S_IFDIR | 0o755, b"") for path in sorted(folders)]
    entries += [_entry(path, file.mode, file.content) for path, file in files.items()]
    return b"".join(entries) + _entry("TRAILER!!!", 0, b"")


def base(busybox: Path, modules: Iterable[Path]) -> dict[str, File]:
    """Return the files of the part that is the same for every run on one kernel."""
    loaded = {
        f"modules/{number:02}-{path.name.partition('.')[0]}.ko": File(_plain(path))
        for number, path in enumerate(modules)
    }
    mounts = {f"{folder}/.keep": File(b"") for folder in ("dev", "root")}
    return {"bin/busybox": File(busybox.read_bytes(), executable=True)} | loaded | mounts


def drivers(root: Path, release: str) -> list[Path]:
    """Return the modules below *root* that reach the disks, in the order they must be loaded."""
    shown = run("looking for drivers", ["modprobe", "-d", root, "-S", release, "--show-depends", "--all", *DRIVERS])
    words = (line.split() for line in shown.splitlines())
    return list(dict.fromkeys(Path(path) for action, path, *_ in words if action == "insmod"))


def _plain(module: Path) -> bytes:
    match module.suffix:
        case ".ko":
            return module.read_bytes()
        case ".xz":
            return lzma.decompress(module.read_bytes())
    raise LabError(f"module {module.name}: compressed with something else than xz, which this Python cannot read")


def _entry(name: str, mode: int, content: bytes) -> bytes:
    # ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
    numbers = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % number for number in numbers) + name.encode() + b"\0"
    return _padded(head) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
