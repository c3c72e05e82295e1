"""
The files that the cost benchmark opens, and its programs, each where a confinement looks for it.

A file at depth N has N names in its path, of ten letters each. They lie in trees of their own, named for how a policy
speaks of them, on the guest's root file system (ext4).
"""

import shutil
from pathlib import Path

KINDS = {
    "literal": "literally0",  # each file is named by a rule
    "star": "onestar000",  # FOLDER/*
    "doublestar": "twostars00",  # TREE/**
    "refused": "notallowed",
    "quiet": "notlogged0",  # refused, and not logged
}
DEPTHS = (1, 2, 3, 5, 10, 20)
LONG = "a_name_that_does_not_fit_into_a_dentry_of_any_kernel"

WORK = "/workfolder"
PROGRAM = f"{WORK}/nothing000"
MOVED = f"{WORK}/moved00000"
NEW = f"{WORK}/newfile000"
TOOLS = "/benchtools"
KRSI, APPARMOR, PLAIN = (f"{TOOLS}/{name}" for name in ("krsi000000", "apparmor00", "plain00000"))


def folder(kind: str, depth: int) -> str:
    """Return the folder of the file at *depth*, with its last slash."""
    names = [KINDS[kind], *(f"folder{number:04}" for number in range(2, depth))][: depth - 1]
    return "".join(f"/{name}" for name in names) + "/"


def file(kind: str, depth: int) -> str:
    """Return the path of the file at *depth*."""
    return f"{folder(kind, depth)}{KINDS[kind][:6]}{depth:04}"


def long_file(kind: str, depth: int) -> str:
    """Return the path of the one with a long name."""
    return folder(kind, depth) + LONG


def make(binaries: Path) -> None:
    """Make all of it."""
    for kind in KINDS:
        Path(folder(kind, max(DEPTHS))).mkdir(parents=True)
        for depth in DEPTHS:
            Path(file(kind, depth)).touch()
            Path(long_file(kind, depth)).touch()
    for place in (WORK, TOOLS):
        Path(place).mkdir()
    Path(MOVED).touch()
    shutil.copy(binaries / "nothing", PROGRAM)
    for tool in (KRSI, APPARMOR, PLAIN):
        shutil.copy(binaries / "measure", tool)
