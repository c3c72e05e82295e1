"""Names of all lengths, as the kernel steps over them, against literals and patterns that meet in them."""

import os
import random
import sys
from pathlib import Path

import pytest

from krsi.compiler.image import Reader

from .lab import Lab, Outcome, fresh

LENGTHS = range(1, 48)
"""Names of up to 31 or 39 bytes lie in the dentry, depending on the kernel, longer ones elsewhere."""


def word(rng: random.Random, length: int, letters: str) -> str:
    return "".join(rng.choices(letters, k=length))


def near(rng: random.Random, name: str) -> list[str]:
    """Names that differ from *name* in one place."""
    at = rng.randrange(len(name))
    return [name + "a", name[:-1] or "b", name[:at] + "c" + name[at + 1 :]]


def names_and_patterns(rng: random.Random) -> tuple[list[str], list[str]]:
    names = {word(rng, length, letters) for length in LENGTHS for letters in ["ab"] * 30 + ["abcdef"] * 10}
    names |= {other for name in rng.sample(sorted(names), 300) for other in near(rng, name)}
    tails = ["*", "?", "*b", "?*a", "[ab]*b", "*ab*b", "*{a,bb}"]
    globs = [
        word(rng, rng.randrange(1, 9), "ab") + rng.choice(tails) + word(rng, rng.randrange(4), "ab") for _ in range(25)
    ]
    return sorted(names), [*rng.sample(sorted(names), 400), *globs]


@pytest.mark.parametrize("folder", ["/t", "/t/a/b/c"])
def test_every_name_is_decided_as_the_image_says(lab: Lab, folder: str) -> None:
    seed = int(os.environ.get("KRSI_SEED", random.SystemRandom().randrange(1 << 32)))
    sys.stderr.write(f"\nnames: KRSI_SEED={seed}\n")
    names, patterns = names_and_patterns(random.Random(seed))

    def make() -> None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for name in names:
            Path(folder, name).touch()

    def act() -> list[bool]:
        """What may be opened; twice, for the second time all folders are remembered."""
        return [may_open(f"{folder}/{name}") for name in names * 2]

    fresh(make)
    rules = ", ".join(f'"{folder}/{pattern}"' for pattern in patterns)
    with lab.policy(f"- profile: victim\n  files:\n    - {{allow: read, path: [{rules}], log: false}}\n"):
        outcome = lab.do("victim", act)
        reader = Reader(lab.image, lab.abi)
        number, read = lab.image.number("victim"), lab.abi.number("access", "read")
    expected = [not reader.ask(number, read, f"{folder}/{name}".encode(), owner=True).refused for name in names]
    assert True in expected
    assert False in expected
    assert outcome == Outcome(expected * 2)


def may_open(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY))
    except PermissionError:
        return False
    return True
