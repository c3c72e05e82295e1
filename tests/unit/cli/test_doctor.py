"""`krsi doctor`, whatever this kernel can do."""

import json
import os
from pathlib import Path

import pytest

from krsi.bpf.features import Answer
from krsi.cli import doctor
from krsi.hooks import HOOKS
from krsi.support import Finding, Lsms, active_lsms

from .running import krsi_process


def examined(lsm: bool | None, *, absent: frozenset[str] = frozenset(), root: bool = True) -> doctor._Examined:
    """Return what is found on a kernel that has all but this."""
    return doctor._Examined(
        "6.1.0",
        root,
        [
            Finding("LSM programs", Answer(yes=True if root else None, errno=1), "5.7", "build it"),
            Finding("bpf among the active LSMs", Answer(lsm, 2), "5.7", "boot otherwise", unsure="mount it"),
        ],
        [(hook, Answer(hook.name not in absent)) for hook in HOOKS],
        Lsms(("capability", "landlock", *(["bpf"] if lsm else [])), "/sys/kernel/security/lsm"),
    )


def text(found: doctor._Examined) -> str:
    return "\n".join(doctor._as_text(found))


def test_here() -> None:
    """
    On any kernel it tells of every hook, and the status says what the last line says.
    """
    run = krsi_process("doctor")
    last = run.stdout.splitlines()[-1]

    assert run.stderr == ""
    assert all(hook.name in run.stdout for hook in HOOKS)
    assert run.returncode == (0 if last == "policies can be enforced here" else 3)
    document = json.loads(krsi_process("doctor", "--output", "json").stdout)
    assert document["fit"] == (run.returncode == 0)
    assert document["kernel"] == os.uname().release
    assert [hook["hook"] for hook in document["hooks"]] == [hook.name for hook in HOOKS]


def test_without_root() -> None:
    """
    Whoever may ask for little gets an answer, and nobody else's traceback.
    """
    run = krsi_process("doctor", nobody=True)

    assert (run.returncode, run.stderr) == (3, "")
    assert "unknown  LSM programs               ask as root\n" in run.stdout
    assert run.stdout.splitlines()[-1].endswith("root")


def test_a_kernel_that_can() -> None:
    """
    Nothing is left to do.
    """
    found = examined(lsm=True)

    assert found.is_fit
    assert text(found).splitlines()[-1] == "policies can be enforced here"
    assert "GRUB" not in text(found)


def test_bpf_is_not_among_the_active_lsms() -> None:
    """
    The exact line is shown, and where it goes.
    """
    found = examined(lsm=False)

    assert found.lacking == ["bpf among the active LSMs"]
    assert "active LSMs: capability,landlock (from /sys/kernel/security/lsm)\n" in text(found)
    assert "into GRUB_CMDLINE_LINUX in /etc/default/grub: lsm=landlock,bpf\n" in text(found)
    assert "update-grub" in text(found)


def test_what_cannot_be_asked() -> None:
    """
    An answer that cannot be had is no yes, and it is said how to get it.
    """
    found = examined(lsm=None)

    assert not found.is_fit
    assert "unknown  bpf among the active LSMs  mount it\n" in text(found)


def test_hooks_that_are_not_there() -> None:
    """
    What covers them is named; where nothing does, that policies are refused for it.
    """
    shown = text(examined(lsm=True, absent=frozenset({"file_truncate", "path_chown"})))

    assert ["no", "file_truncate", "truncate", "path_truncate"] in [line.split() for line in shown.splitlines()]
    assert "nothing: policies that decide this are refused (Linux 5.7 and newer have it)\n" in shown
    assert "policies can be enforced here" in shown


def test_hooks_that_are_always_needed() -> None:
    """
    Without one of these nothing can be enforced, and without root neither.
    """
    assert examined(lsm=True, absent=frozenset({"task_alloc"})).lacking == ["task_alloc"]
    assert not examined(lsm=True, root=False).is_fit


def test_blind_spots() -> None:
    """
    What escapes the hooks that are here is told; of others nothing.
    """
    shown = text(examined(lsm=True, absent=frozenset({"mmap_file"})))

    assert "file_open: Descriptors opened before" in shown
    assert "mmap_file: " not in shown


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"sys/kernel/security/lsm": "capability,bpf"}, Lsms(("capability", "bpf"), "/sys/kernel/security/lsm")),
        ({"proc/cmdline": "quiet lsm=yama lsm=bpf,landlock ro\n"}, Lsms(("bpf", "landlock"), "/proc/cmdline")),
        ({"proc/cmdline": "quiet notlsm=x\n"}, None),
        ({}, None),
    ],
)
def test_where_active_lsms_are_read(tmp_path: Path, files: dict[str, str], expected: Lsms | None) -> None:
    """
    The kernel says it, or its command line; of two parameters the last one holds.
    """
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(content)

    assert active_lsms(tmp_path) == expected


def test_how_the_kernel_was_built(tmp_path: Path) -> None:
    """
    Without anything else there is what it was built with.
    """
    (tmp_path / "boot").mkdir()
    config = tmp_path / "boot" / f"config-{os.uname().release}"
    config.write_text('CONFIG_A=y\nCONFIG_LSM="landlock,yama"\nCONFIG_B=y\n')

    assert active_lsms(tmp_path) == Lsms(("landlock", "yama"), f"/boot/{config.name}")
