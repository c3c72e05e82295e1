"""The oracle is worth something only if it sees a mistake: operators of the decision are broken, one at a time."""

import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from krsi.bpf.features import Kernel
from krsi.kernel_side import KernelSide

from . import test_oracle as oracle
from .policies import Maker

ROOT = Path(__file__).resolve().parents[2]
PAIRS = 60_000
MISTAKES = [
    (".refused = access & ~weight.allow", ".refused = access & weight.allow"),
    (".killed = access & weight.kill", ".killed = access | weight.kill"),
    (".logged = access & weight.log", ".logged = access & ~weight.log"),
    ("record->allow[one] & record->allow[other]", "record->allow[one] | record->allow[other]"),
    ("record->kill[one] | record->kill[other]", "record->kill[one] & record->kill[other]"),
    ("here.refused |= there.refused", "here.refused &= there.refused"),
    ("from->owner == to->owner ?", "from->owner != to->owner ?"),
    ("after.allow & ~before.allow & ~KRSI_ACCESS_NAMING", "after.allow & ~before.allow & KRSI_ACCESS_NAMING"),
    ("after.allow & KRSI_ACCESS_EXEC &&", "after.allow & KRSI_ACCESS_READ &&"),
    ("from->is_folder != to->is_folder ||", "from->is_folder == to->is_folder ||"),
    ("cell->owner == policy->number ?", "cell->owner <= policy->number ?"),
    ("KRSI_CANDIDATE_ANY_UID || entry->uid == uid", "KRSI_CANDIDATE_ANY_UID || entry->uid != uid"),
    ("next == NOBODY && !policy->number", "next == NOBODY || !policy->number"),
]


@contextmanager
def broken(folder: Path, right: str, wrong: str) -> Iterator[KernelSide]:
    """The object with a mistake in decide.bpf.h."""
    shutil.copytree(ROOT / "bpf" / "lsm", folder / "bpf" / "lsm")
    header = folder / "bpf" / "lsm" / "decide.bpf.h"
    text = header.read_text()
    assert text.count(right) == 1, f"{right!r} is not in {header.name} any more"
    header.write_text(text.replace(right, wrong))
    (folder / "src" / "krsi").mkdir(parents=True)
    command = ["make", "--silent", "--file", str(ROOT / "Makefile"), "src/krsi/krsi.bpf.o"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    elf = (folder / "src" / "krsi" / "krsi.bpf.o").read_bytes()
    with KernelSide(elf, oracle.compiled(Maker(0).policy()), (), Kernel()) as side:
        yield side


@pytest.mark.parametrize(("right", "wrong"), MISTAKES, ids=[right for right, _ in MISTAKES])
def test_a_broken_operator_is_caught(tmp_path: Path, right: str, wrong: str) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    with broken(tmp_path, right, wrong) as side, pytest.raises(AssertionError, match=r"KRSI_SEED=\d+"):
        oracle.compare(side, seed, PAIRS)
