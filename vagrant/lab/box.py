"""The Vagrant box: the lab's user space with a kernel, systemd and GRUB on a disk of its own."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from . import cache, disk, kernels, rootfs
from .cli import LAB_FAILED
from .host import PROGRAMS, LabError, require, run, say

NAME = "krsi/lab"
BOX = "krsi-lab.box"
SETUP = "guest/box"
KERNEL = "6.12"  # has to be in the suite of the user space
PACKAGES = ("initramfs-tools", "rsync", "sudo", "systemd-resolved", "systemd-sysv", "udev")

# What vagrant/box starts besides the programs of vagrant/run.
BOX_PROGRAMS = {
    "grub-mkimage": "grub-pc-bin",
    "qemu-img": "qemu-utils",
    "ruby": "vagrant-libvirt",
    "sfdisk": "fdisk",
    "vagrant": "vagrant",
}

GRUB = Path("/usr/lib/grub/i386-pc")
GRUB_MODULES = ("biosdisk", "boot", "ext2", "linux", "normal", "part_msdos", "search_label")

MIB, GIB = 1 << 20, 1 << 30
SECTOR = 512
BOOT_CODE = 440  # of the first sector; the partition table follows
DISK_GIB = 3
PARTITION_AT = MIB


def main(argv: Sequence[str]) -> int:
    """Make the box, if it is not in the cache, and give it to Vagrant."""
    parser = argparse.ArgumentParser(prog="vagrant/box", description=f"Make {NAME} and add it to Vagrant's boxes.")
    parser.parse_args(argv)
    try:
        require(PROGRAMS | BOX_PROGRAMS)
        box = cache.ensure(_name(), _build) / BOX
        say(f"adding {NAME} to Vagrant's boxes")
        run("adding the box", ["vagrant", "box", "add", "--force", "--name", NAME, box])
    except LabError as error:
        say(f"error: {error}")
        return LAB_FAILED
    return 0


def _name() -> str:
    return f"box-{cache.key(rootfs.key(*_options('vagrant.pub')), (rootfs.RECIPE / SETUP).read_text(), *GRUB_MODULES)}"


def _options(public_key: str) -> list[str]:
    return [
        *rootfs.options([*rootfs.packages(), kernels.load()[KERNEL].package, *PACKAGES]),
        '--customize-hook=mkdir "$1/provision"',
        f"--customize-hook=copy-in {SETUP} {public_key} /provision",
        '--customize-hook=chroot "$1" /provision/box',
        '--customize-hook=rm -r "$1/provision"',
    ]


def _build(draft: Path) -> None:
    gem = run("looking for Vagrant's key", ["ruby", "-e", 'print Gem::Specification.find_by_name("vagrant").gem_dir'])
    tar, partition, image = draft / "root.tar", draft / "root.ext4", draft / "box.raw"
    rootfs.bootstrap(tar, _options(f"{gem}/keys/vagrant.pub"))
    say("box: making the disk")
    disk.ext4_of_tar(tar, partition, DISK_GIB * GIB - PARTITION_AT)
    _partition(image, partition)
    _make_bootable(image, draft / "core.img")
    say("box: packing (half a minute)")
    run("compressing the disk", ["qemu-img", "convert", "-c", "-O", "qcow2", image, draft / "box.img"])
    metadata = {"provider": "libvirt", "format": "qcow2", "virtual_size": DISK_GIB}
    (draft / "metadata.json").write_text(json.dumps(metadata))
    run("packing the box", ["tar", "-czf", BOX, "metadata.json", "box.img"], cwd=draft)
    for path in set(draft.iterdir()) - {draft / BOX}:
        path.unlink()


def _partition(image: Path, partition: Path) -> None:
    # No loop device: a kernel may lack them, or the support for partitions on them.
    run("making the disk", ["truncate", "--size", f"{DISK_GIB}G", image])
    table = image.with_suffix(".table")
    table.write_text(f"start={PARTITION_AT // SECTOR}, type=83, bootable\n")
    run("partitioning the disk", ["sh", "-c", 'sfdisk --quiet "$1" <"$2"', "sh", image, table])
    copy = ["dd", f"if={partition}", f"of={image}", f"bs={MIB}", f"seek={PARTITION_AT // MIB}", "conv=notrunc,sparse"]
    run("filling the disk", copy)


def _make_bootable(image: Path, core: Path) -> None:
    """Write what grub-install would: the boot sector's code, and the core behind it, before the first partition."""
    options = ["--format=i386-pc", "--prefix=(hd0,msdos1)/boot/grub", f"--output={core}"]
    run("making GRUB's core", ["grub-mkimage", *options, *GRUB_MODULES])
    with image.open("r+b") as disk_image:
        disk_image.write((GRUB / "boot.img").read_bytes()[:BOOT_CODE])
        disk_image.seek(SECTOR)
        disk_image.write(core.read_bytes())
