"""File systems made from files, without root and without loop mounts."""

from pathlib import Path

from .host import run

# Whatever the guest's kernel would do to the disk in the background is done beforehand: it would disturb measurements.
OPTIONS = "-q -t ext4 -E root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0"


def ext4(source: Path, image: Path, spare: int) -> None:
    """Make *image* a file system that holds the files in *source*, owned by root, and has *spare* bytes left."""
    used = sum(path.lstat().st_size + 4096 for path in source.rglob("*"))
    _fakeroot(f'mke2fs {OPTIONS} -d "$1" "$2" {(used + spare) >> 10}k', source, image)


def ext4_of_tar(tar: Path, image: Path, size: int) -> None:
    """Make *image* a file system of *size* bytes, labelled krsi, with what is in *tar*, owners and modes included."""
    unpack = 'mkdir "$2.d" && tar -C "$2.d" -xf "$1"'
    make = f'mke2fs {OPTIONS} -L krsi -d "$2.d" "$2" {size >> 10}k'
    _fakeroot(f'{unpack} && {make} && rm -r "$2.d"', tar, image)


def _fakeroot(script: str, source: Path, image: Path) -> None:
    run(f"making {image.name}", ["fakeroot", "sh", "-c", script, "sh", source, image])
