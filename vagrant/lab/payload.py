"""The working tree as the guest gets it: a tar of what git tracks or would track, and of the guest's own packages."""

import io
import tarfile
from pathlib import Path

from .host import run

# Python packages for the guest: built, so git ignores them.
BUILT = "build/guest"


def pack(tree: Path, tar: Path) -> None:
    """Write the payload of *tree* to *tar*."""
    with tarfile.open(tar, "w", format=tarfile.GNU_FORMAT) as archive:
        for path in listing(tree):
            _add(archive, tree, path)


def listing(tree: Path) -> list[str]:
    """Return what belongs to the payload, relative to *tree*."""
    built = (path.relative_to(tree) for path in (tree / BUILT).rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted({*_git_files(tree), *map(str, built)})


def _git_files(tree: Path) -> list[str]:
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    return [path for path in run(f"listing the working tree {tree}", argv, cwd=tree).split("\0") if path]


def _add(archive: tarfile.TarFile, tree: Path, path: str) -> None:
    # Somebody may be at work in the tree: what git lists may be gone, and a file's size may change as it is read.
    try:
        member = archive.gettarinfo(tree / path, path)
        content = (tree / path).read_bytes() if member.isreg() else b""
    except FileNotFoundError:
        return
    member.size = len(content)
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    archive.addfile(member, io.BytesIO(content))
