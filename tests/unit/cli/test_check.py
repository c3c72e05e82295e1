"""`krsi check`."""

import json
from pathlib import Path

import pytest

from .policies import GOOD
from .running import krsi_process


@pytest.fixture
def web(tmp_path: Path) -> Path:
    path = tmp_path / "web.yaml"
    path.write_text(GOOD)
    return path


def test_what_a_policy_covers(web: Path) -> None:
    """
    Each profile with its mode, rules and entrances, what it decides and what not, and what the image takes.
    """
    run = krsi_process("check", web)

    assert (run.returncode, run.stderr) == (0, "")
    head, *profiles = run.stdout.split("\n")[:5]
    assert head.split() == ["profile", "mode", "rules", "entered", "by"]
    assert [line.split() for line in profiles] == [
        ["c", "enforce", "0", "/bin/c"],
        ["f", "enforce", "0", "/bin/f,", "as", "0,", "33"],
        ["shell", "enforce", "0", "exec", "from", "web"],
        ["web", "enforce", "10", "/usr/sbin/web"],
    ]
    assert "web decides read, write, append, create, delete, rename, link, map, chmod," in run.stdout
    assert "  not decided: lock (no rule of the profile names lock)\n" in run.stdout
    assert "  refused: mounts, which would give files other names\n" in run.stdout
    assert run.stdout.splitlines()[-1].startswith("image: ")
    assert "\033" not in run.stdout


def test_the_same_for_programs(web: Path) -> None:
    """
    As JSON it is the same, with numbers.
    """
    run = krsi_process("check", "--output", "json", web)
    document = json.loads(run.stdout)

    assert (run.returncode, run.stderr) == (0, "")
    assert document["profiles"].keys() == {"web", "shell", "c", "f"}
    assert document["profiles"]["web"]["rules"] == 10
    assert document["profiles"]["web"]["match"] == ["/usr/sbin/web"]
    assert document["profiles"]["web"]["undecided"].keys() == {"getattr", "ioctl", "lock"}
    assert document["profiles"]["shell"] == {
        "mode": "enforce",
        "rules": 0,
        "decided": document["profiles"]["shell"]["decided"],
        "undecided": document["profiles"]["shell"]["undecided"],
        "match": [],
        "entered_from": ["web"],
    }
    assert 0 < document["image"]["used"] <= document["image"]["bytes"]


def test_nothing(tmp_path: Path) -> None:
    """
    A policy of nothing is a policy.
    """
    (tmp_path / "none.yaml").touch()
    run = krsi_process("check", tmp_path)

    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("profile  mode  rules  entered by\n")


def test_warnings_are_no_errors(tmp_path: Path) -> None:
    """
    What is only odd is shown on stderr, and the policy is good.
    """
    path = tmp_path / "web.yaml"
    path.write_text("- profile: web\n")
    run = krsi_process("check", path)

    assert run.returncode == 0
    assert "warning: no task ever enters profile 'web'" in run.stderr


def test_folders(web: Path) -> None:
    """
    A folder stands for the policy files in it, and an empty one is an error.
    """
    (web.parent / "empty").mkdir()

    assert krsi_process("check", web.parent).returncode == 0
    assert "no policy in this folder" in krsi_process("check", web.parent / "empty").stderr


def test_patterns_that_tie_are_refused(tmp_path: Path) -> None:
    """
    What only the compiler sees is shown like all else.
    """
    path = tmp_path / "web.yaml"
    path.write_text("- profile: a\n  match: {exe: '/bin/a*'}\n- profile: b\n  match: {exe: '/bin/a?'}\n")
    run = krsi_process("check", path)

    assert (run.returncode, run.stdout) == (1, "")
    assert "by an equally specific pattern" in run.stderr


def test_patterns_that_explode_are_refused(tmp_path: Path) -> None:
    """
    A pattern that takes too much is named, with what to do about it.
    """
    path = tmp_path / "web.yaml"
    path.write_text(f"- profile: a\n  match: {{exe: /a}}\n  files: [{{allow: read, path: '/**a{'?' * 60}'}}]\n")
    run = krsi_process("check", path)

    assert (run.returncode, run.stdout) == (1, "")
    assert f"/**a{'?' * 60}  (more than" in run.stderr
    assert "Traceback" not in run.stderr
