"""Attacks by file systems on top of others (ATTACKS.md 6)."""

import errno
import mmap
import os
import stat
from pathlib import Path

import pytest

from krsi.bpf.btf import Btf

from . import calls
from .lab import Act, Lab, Outcome, fresh, refusals
from .secret import ALLOWED, READER, TEXT, listed, read, refused


def overlay() -> None:
    for name in ("lower", "upper", "work", "merged", "yes"):
        (Path("/t") / name).mkdir()
    for name in ("file", "other"):
        (Path("/t/lower") / name).write_bytes(TEXT)
    Path(ALLOWED).write_bytes(TEXT)
    calls.mount("t", "/t/merged", "overlay", data="lowerdir=/t/lower,upperdir=/t/upper,workdir=/t/work")


def copied_up() -> None:
    overlay()
    with Path("/t/merged/file").open("ab") as file:
        file.write(b"")
    assert listed("/t/upper") == ["file"]


def whited_out() -> None:
    """The file in the upper layer replaces one of the lower, which is behind a whiteout."""
    overlay()
    Path("/t/merged/file").unlink()
    Path("/t/merged/new").write_bytes(TEXT)
    Path("/t/merged/new").rename("/t/merged/file")


@pytest.mark.parametrize(
    ("make", "layer"),
    [
        *((make, layer) for make in (overlay, copied_up, whited_out) for layer in ("merged", "lower")),
        *((make, "upper") for make in (copied_up, whited_out)),
    ],
)
def test_overlay(lab: Lab, make: Act, layer: str) -> None:
    """A file of an overlay has its path there; what lies in the layers has its own, and each path its rule."""
    path = f"/t/{layer}/file"
    others = [f"/t/{other}/file" for other in ("merged", "lower") if other != layer]

    def control() -> None:
        for other in others:
            read(other)

    refused(
        lab,
        lambda: read(path),
        control,
        policy=READER.replace("/t/no/**", f"/t/{layer}/**"),
        make=make,
        file={"path": path},
        after=lambda: read(path),
    )


def test_the_layers_are_not_asked_about(lab: Lab) -> None:
    """All that overlayfs does below is its own: whoever may only use the overlay can do all that it may."""

    def act() -> None:
        one, two = Path("/t/merged/one"), Path("/t/merged/two")
        one.write_bytes(TEXT)
        one.rename(two)
        os.link(two, one)
        one.unlink()
        for path in (two, Path("/t/merged/file")):
            path.chmod(0o600)
            os.chown(path, 1, 1)
            os.utime(path, (1, 1))
            os.setxattr(path, "trusted.krsi", b"1")
            os.truncate(path, 3)
            assert path.read_bytes() == TEXT[:3]
        Path("/t/merged/other").unlink()
        Path("/t/merged/folder").mkdir()
        Path("/t/merged/folder").rmdir()

    fresh(overlay)
    with lab.policy('- profile: victim\n  files: [{allow: any, path: "/t/merged/{,**}"}]\n'):
        outcome = lab.do("victim", act)
        told = refusals(lab)
    assert not told
    assert outcome.worked, str(outcome)
    assert Path("/t/lower/file").read_bytes() == TEXT


LAYERS = [
    ("write", "file.open", lambda: Path("/t/upper/file").write_bytes(b"false")),
    ("delete", "file.unlink", lambda: Path("/t/upper/file").unlink()),
    ("mknod", "file.mknod", lambda: os.mknod("/t/upper/other", stat.S_IFCHR, os.makedev(0, 0))),
    ("setxattr", "file.setxattr", lambda: os.setxattr("/t/upper/file", "trusted.overlay.origin", b"")),
]


@pytest.mark.parametrize(("access", "operation", "act"), LAYERS, ids=[layer[0] for layer in LAYERS])
def test_below_an_overlay(lab: Lab, access: str, operation: str, act: Act) -> None:
    """Whoever may not write in the upper layer cannot change or hide by it what the overlay shows."""
    refused(
        lab,
        act,
        lambda: read("/t/merged/file"),
        policy=READER.replace('deny: read, path: "/t/no/**"', 'deny: any, path: "/t/upper/{,**}"'),
        make=copied_up,
        operation=operation,
        access=access,
        file={"path": "/t/upper/other" if access == "mknod" else "/t/upper/file"},
        after=lambda: read("/t/merged/other"),
    )


def test_code_of_an_overlay(lab: Lab) -> None:
    """
    What is mapped as code is a file of the overlay. A mapping that becomes code later is, on kernels whose files know
    their user's path besides their own, one of a layer's file, which has no path in the namespace: it is refused.
    """

    def act() -> None:
        fd = os.open("/t/merged/file", os.O_RDONLY)
        calls.map_file(fd, mmap.PROT_READ | mmap.PROT_EXEC)
        address = calls.map_file(fd, mmap.PROT_READ)
        os.close(fd)
        calls.mprotect(address, mmap.PROT_READ | mmap.PROT_EXEC)

    fresh(overlay)
    policy = '- profile: victim\n  files:\n    - {allow: [read, map], path: "/t/merged/**"}\n'
    has_paths_of_users = Btf.of_kernel().has_struct_member("backing_file", "user_path")
    assert lab.do(None, act).worked
    with lab.policy(policy):
        outcome = lab.do("victim", act)
        told = refusals(lab)
    assert outcome == (Outcome(errno=errno.EACCES) if has_paths_of_users else Outcome()), str(told)
    assert [event["operation"] for event in told] == ["file.mprotect"] * has_paths_of_users
