"""`krsi test`."""

import json
from pathlib import Path

import pytest

from .policies import FAILS, GOOD, HOLDS
from .running import krsi_process

LINES = GOOD.count("\n")
RENAMED = "rename /srv/up/a to /srv/bin/a: expected"
MOVED = "rename /srv/up/a/ to /srv/x/up/: expected"


def written(folder: Path, text: str) -> Path:
    path = folder / "web.yaml"
    path.write_text(text)
    return path


def test_tests_that_hold(tmp_path: Path) -> None:
    """
    All verdicts, owners, destinations of execs, and renames are as the test expects.
    """
    run = krsi_process("test", written(tmp_path, GOOD + HOLDS))

    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == (
        "result  profile  cases  test\nok      web      14     what holds\n\n1 test, 14 cases: all as expected\n"
    )


def test_tests_that_fail(tmp_path: Path) -> None:
    """
    Each failure says what was expected, what came, where the case stands, and which rule made it so, or why else.
    """
    path = written(tmp_path, GOOD + FAILS + HOLDS)
    run = krsi_process("test", path)
    at = [line.removeprefix(f"{path}:") for line in run.stdout.splitlines() if line.startswith(str(path))]

    assert (run.returncode, run.stderr) == (1, "")
    assert run.stdout.splitlines()[1:3] == [
        "FAILED  web      8 of 8  what does not",
        "ok      web      14      what holds",
    ]
    default = "no rule speaks of it, and the default of files holds"
    unmatched = "the rule says 'as: matched', and no profile matches it"
    assert at == [
        f"{LINES + 4}:14: error: what does not: read /srv/x: expected denied, got allowed",
        "4:27: note: allow /srv/**",
        f"{LINES + 5}:14: error: what does not: read /etc/shadow: expected allowed, got denied: {default}",
        f"{LINES + 6}:14: error: what does not: exec /bin/b: expected allowed as web, got allowed as shell",
        "12:15: note: allow /bin/b as shell",
        f"{LINES + 7}:14: error: what does not: exec /bin/d: expected allowed, got denied: {unmatched}",
        "13:15: note: allow /bin/[cdf] as matched",
        f"{LINES + 8}:14: error: what does not: exec /bin/f: expected allowed as f, got denied: {unmatched} for user 1",
        "13:15: note: allow /bin/[cdf] as matched",
        f"{LINES + 9}:16: error: what does not: {RENAMED} allowed, got denied: the new name would grant map",
        f"{LINES + 10}:16: error: what does not: {MOVED} allowed, got denied: {default}",
        f"{LINES + 11}:13: error: what does not: map /bin/a: expected killed, got allowed",
        "11:15: note: what this says implies it: allow /bin/a",
    ]
    assert run.stdout.splitlines()[-1] == "2 tests, 22 cases: 8 failed"
    assert "\033" not in run.stdout


def test_the_same_for_programs(tmp_path: Path) -> None:
    """
    As JSON there is one object for each case, with the places of the rules.
    """
    path = written(tmp_path, GOOD + FAILS + HOLDS)
    run = krsi_process("test", "--output", "json", path)
    document = json.loads(run.stdout)

    assert (run.returncode, document["passed"], document["failed"]) == (1, 1, 1)
    first, second = document["tests"]
    assert (first["test"], first["passed"], second["test"], second["passed"]) == (
        "what does not",
        False,
        "what holds",
        True,
    )
    assert first["cases"][2] == {
        "access": "exec",
        "path": "/bin/b",
        "at": f"{path}:{LINES + 6}:14",
        "passed": False,
        "expected": "allowed",
        "expected_as": "web",
        "got": "allowed",
        "got_as": ["shell"],
        "rules": [f"{path}:12:15"],
    }
    assert all(case["passed"] for case in second["cases"])


def test_a_policy_without_tests(tmp_path: Path) -> None:
    """
    It says so, and that is no failure.
    """
    text = krsi_process("test", written(tmp_path, GOOD))
    document = krsi_process("test", "--output", "json", tmp_path)

    assert (text.returncode, text.stdout) == (
        0,
        "no tests in 1 file: a policy tests itself with 'test' items\n",
    )
    assert (document.returncode, json.loads(document.stdout)) == (0, {"passed": 0, "failed": 0, "tests": []})


def test_names_that_are_no_text(tmp_path: Path) -> None:
    """
    Paths of any bytes and files of any name are shown, and break nothing.
    """
    path = tmp_path / "caf\udce9.yaml"
    path.write_text(GOOD + '- test: odd\n  profile: web\n  cases: [{read: "/etc/\\\\xff", expect: allow}]\n')
    text, document = krsi_process("test", tmp_path), krsi_process("test", "--output", "json", tmp_path)

    assert (text.returncode, document.returncode) == (1, 1)
    assert "read /etc/\\xff: expected allowed, got denied" in text.stdout
    assert json.loads(document.stdout)["tests"][0]["at"].endswith(f"caf\\xe9.yaml:{LINES + 1}:9")


@pytest.mark.parametrize("mode", ["audit", "learn", "enforce"])
def test_modes_do_not_change_what_is_decided(tmp_path: Path, mode: str) -> None:
    """
    A test is about the policy, whatever becomes of refusals at the moment.
    """
    path = written(tmp_path, GOOD.replace("- profile: web\n", f"- profile: web\n  mode: {mode}\n") + HOLDS)

    assert krsi_process("test", path).returncode == 0
