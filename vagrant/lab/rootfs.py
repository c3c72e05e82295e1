"""The guest's user space: a minimal Debian with the packages of packages.txt, made once and shared by all kernels."""

from collections.abc import Sequence
from pathlib import Path

from . import archive, cache, disk
from .host import TREE, follow, say

SUITE = "bookworm"
RECIPE = TREE / "vagrant"
INPUTS = ("packages.txt", "provision.sh")
GIB = 1 << 30

UNREAD = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")


def name() -> str:
    """Return the cached image's name, which changes with whatever would change its content."""
    return f"root-{key(*options(packages()))}"


def key(*given: str) -> str:
    """Return a short name for a file system made with the *given* options of mmdebstrap."""
    return cache.key(SUITE, disk.OPTIONS, *given, *((RECIPE / file).read_text() for file in INPUTS))


def ready() -> Path:
    """Return the image, made first if it is not in the cache."""
    return cache.ensure(name(), _build) / "root.ext4"


def is_cached() -> bool:
    """Say whether the image was made before."""
    return cache.has(name())


def _build(draft: Path) -> None:
    tar = draft / "root.tar"
    bootstrap(tar, options(packages()))
    say("root file system: making the image")
    disk.ext4_of_tar(tar, draft / "root.ext4", 4 * GIB)
    tar.unlink()


def bootstrap(tar: Path, given: Sequence[str]) -> None:
    """Make *tar* a Debian of our suite, by mmdebstrap with the *given* options."""
    say("root file system: installing packages (a minute or two)")
    sources = archive.of_host().lines(SUITE)
    follow("mmdebstrap", ["mmdebstrap", *given, SUITE, str(tar), *sources], cwd=RECIPE, mark="I: ")


def packages() -> list[str]:
    """Return the names in packages.txt."""
    lines = (RECIPE / "packages.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def options(include: Sequence[str]) -> list[str]:
    """Return mmdebstrap's options for a system with *include* that our provisioning has passed over."""
    return [
        "--variant=minbase",
        "--architectures=amd64",
        f"--include={','.join(include)}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in UNREAD),
        '--aptopt=Acquire::Languages "none"',
        '--customize-hook=mkdir "$1/provision"',
        "--customize-hook=copy-in provision.sh packages.txt /provision",
        '--customize-hook=chroot "$1" /provision/provision.sh',
        # resolv.conf is the host's own.
        '--customize-hook=rm -r "$1/provision" "$1/etc/resolv.conf"',
    ]
