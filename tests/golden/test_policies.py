"""
Policies, and the whole text of what is said about each (``bad``) or of what it means (``good``).

``KRSI_GOLDEN=write pytest tests/golden`` writes the texts anew; what changed is then for the reviewer to judge.
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from krsi.compiler.compile import compile_policy
from krsi.kernel_side import object_abi, object_bytes
from krsi.policy.diagnostics import Diagnostic, RefusedError
from krsi.policy.faults import Fault
from krsi.policy.load import load
from krsi.policy.model import UNCONFINED, Family, Policy, Profile, Rule

from .scenes import AS_ROOT, SCENES

ABI = object_abi(object_bytes())
BAD = Path(__file__).parent / "bad"
GOOD = Path(__file__).parent / "good"
FILES = sorted(path.name for path in BAD.iterdir() if path.suffix == ".yaml" or path.is_dir())


def said(paths: Sequence[str], *, root: bool = False) -> tuple[str, list[Diagnostic]]:
    """Return what is said of the policy at *paths* until it is an image, as text and as such."""
    try:
        loaded = load(paths, root=root)
        compile_policy(loaded.policy, loaded.report, ABI)
    except RefusedError as error:
        return str(error), error.report.diagnostics
    return loaded.report.text(), loaded.report.diagnostics


def said_of_scene(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[Diagnostic]]:
    with monkeypatch.context() as patch:
        patch.chdir(folder)
        text, diagnostics = said(SCENES[name](patch), root=name in AS_ROOT)
    return re.sub(r"group \d+", "group 0", text.replace(str(folder), "/tmp/scene")), diagnostics


def check(golden: Path, text: str) -> None:
    if os.environ.get("KRSI_GOLDEN") == "write":
        golden.write_text(text + "\n")
    assert golden.read_text() == text + "\n"


@pytest.mark.parametrize("name", FILES)
def test_what_is_said_of_a_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    check(BAD / f"{Path(name).stem}.txt", said([name])[0])


@pytest.mark.parametrize("name", SCENES)
def test_what_is_said_of_a_scene(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _ = said_of_scene(name, tmp_path, monkeypatch)
    if name == "owner" and os.geteuid() != 0:
        pytest.skip("only root can give a file away, so it is the folder above that is blamed")
    check(BAD / f"{name}.txt", text)


def test_every_sentence_is_in_some_golden_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: set[Fault] = set()
    for name in SCENES:
        (tmp_path / name).mkdir(mode=0o755)
        found.update(each.fault for each in said_of_scene(name, tmp_path / name, monkeypatch)[1])
    monkeypatch.chdir(BAD)
    for name in FILES:
        found.update(each.fault for each in said([name])[1])
    assert set(Fault) == found


def test_no_golden_text_is_left_over() -> None:
    names = [Path(name).stem for name in FILES] + list(SCENES)
    assert sorted(names) == sorted(path.stem for path in BAD.glob("*.txt"))


@pytest.mark.parametrize("path", sorted(GOOD.glob("*.yaml")), ids=lambda path: path.stem)
def test_what_a_good_policy_means(path: Path) -> None:
    loaded = load([str(path)], root=False)
    assert loaded.report.text() == ""
    assert compile_policy(loaded.policy, loaded.report, ABI).domains[0] == UNCONFINED
    check(path.with_suffix(".txt"), "\n".join(meaning(loaded.policy)))


def meaning(policy: Policy) -> Iterator[str]:
    for profile in policy.profiles.values():
        yield f"profile {profile.name}: {profile.mode}, {_defaults(profile)}"
        if profile.description:
            yield f"  {profile.description}"
        if profile.match:
            exe = " ".join(glob.text for glob in profile.match.exe)
            yield f"  entered by {exe} of {profile.match.uids or 'anybody'}"
        yield from (f"  {rule.span.line}: {_meaning(rule)}" for rule in profile.rules)
    for test in policy.tests:
        yield f"test {test.name}: {test.profile}"
        for case in test.cases:
            to = f" to {case.to!r}" if case.to else ""
            enters = f" as {case.enters}" if case.enters else ""
            tried = f"{case.access} {case.path!r}{to}{' own' * case.owner}"
            yield f"  {case.span.line}: {tried}: {case.expect.name}{enters}"


def _defaults(profile: Profile) -> str:
    return ", ".join(f"{family} {profile.default(family).name}" for family in Family)


def _meaning(rule: Rule) -> str:
    text = (
        f"{rule.verb} {' '.join(sorted(rule.access))}{' implied' * rule.implied}{' own' * rule.owner} {rule.glob.text}"
    )
    more = {
        "as": rule.enters,
        "log": rule.log,
        "severity": rule.severity,
        "reason": rule.reason,
        "tags": rule.tags or None,
    }
    return text + "".join(f", {name} {value!r}" for name, value in more.items() if value is not None)
