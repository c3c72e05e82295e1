"""What a guest boots: a kernel with its modules, ready made and cached."""

from dataclasses import dataclass
from pathlib import Path

from . import apt, archive, bzimage, cache, disk, initramfs
from .host import LabError, run, say
from .kernels import Kernel

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class KernelImage:
    """A kernel made ready to boot."""

    folder: Path

    @property
    def vmlinux(self) -> Path:
        return self.folder / "vmlinux"

    @property
    def initramfs(self) -> Path:
        return self.folder / "initramfs.cpio"

    @property
    def modules(self) -> Path:
        return self.folder / "modules.ext4"

    @property
    def version(self) -> str:
        """The version of the Debian package."""
        return (self.folder / "version").read_text()


def cached(kernel: Kernel) -> KernelImage | None:
    """Return the newest image of *kernel* that was built before."""
    folder = cache.newest(_stem(kernel))
    return KernelImage(folder) if folder else None


def ready(kernel: Kernel) -> KernelImage:
    """Return an image of *kernel*, without network if there is one in the cache."""
    return cached(kernel) or newest(kernel)


def newest(kernel: Kernel) -> KernelImage:
    """Return an image of the version of *kernel* that its suite has now."""
    say(f"kernel {kernel.name}: looking for {kernel.package} in {kernel.suite}")
    with apt.knowing(archive.of_host().lines(kernel.suite)) as suite:
        version = suite.version(kernel.package)
        say(f"kernel {kernel.name}: version {version}")
        return KernelImage(cache.ensure(_stem(kernel) + version, lambda draft: _build(kernel, suite, draft)))


def _stem(kernel: Kernel) -> str:
    return f"kernel-{kernel.name}-{cache.key(kernel.suite, kernel.package, disk.OPTIONS, *initramfs.DRIVERS)}-"


def _build(kernel: Kernel, suite: apt.Apt, draft: Path) -> None:
    say(f"kernel {kernel.name}: downloading")
    tree = suite.folder / "tree"
    suite.unpack([*suite.required(kernel.package, "linux-"), "busybox-static"], tree)

    say(f"kernel {kernel.name}: making its images")
    (draft / "vmlinux").write_bytes(bzimage.vmlinux(_find(tree, "vmlinuz*").read_bytes()))
    modules = _find(tree, "modules/*")
    root = suite.folder / "root"
    (root / "lib" / "modules").mkdir(parents=True)
    modules = modules.rename(root / "lib" / "modules" / modules.name)
    run("indexing modules", ["depmod", "-b", root, modules.name])
    parts = initramfs.base(_find(tree, "bin/busybox"), initramfs.drivers(root, modules.name))
    (draft / "initramfs.cpio").write_bytes(initramfs.cpio(parts))
    disk.ext4(modules.parent, draft / "modules.ext4", spare=8 * MIB)
    (draft / "version").write_text(suite.version(kernel.package))


def _find(tree: Path, pattern: str) -> Path:
    # Where packages put things differs between suites: /boot or /usr/lib/modules, /lib or /usr/lib.
    found = sorted(tree.rglob(pattern))
    if len(found) != 1:
        raise LabError(f"unpacked packages have {len(found)} files {pattern!r}, should be one: {list(map(str, found))}")
    return found[0]
