"""What all commands have in common: help, speed, and errors that are one sentence."""

import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from krsi import __version__
from krsi.cli import COMMANDS
from krsi.policy.schema import schema

from .policies import GOOD
from .running import SOURCES, krsi_process, open_folder


@pytest.fixture
def web(tmp_path: Path) -> Path:
    path = tmp_path / "web.yaml"
    path.write_text(GOOD)
    return path


def test_help_lists_the_commands() -> None:
    """
    Every command is named with what it does.
    """
    run = krsi_process("--help")

    assert (run.returncode, run.stderr) == (0, "")
    assert all(name in run.stdout and says in run.stdout for name, says in COMMANDS.items())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    """
    A command says what it takes, and is a module with the two functions that all have.
    """
    run = krsi_process(command, "--help")

    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith(f"usage: krsi {command}")
    assert {"add_arguments", "run"} <= vars(importlib.import_module(f"krsi.cli.{command}")).keys()


def test_version() -> None:
    """
    The version is the package's.
    """
    assert krsi_process("--version").stdout == f"krsi {__version__}\n"


def _seconds_of_help() -> float:
    begin = time.perf_counter()
    krsi_process("--help")
    return time.perf_counter() - begin


def test_help_is_quick() -> None:
    """
    `krsi --help` answers within 150 ms: it imports nothing that only commands need.
    """
    assert any(_seconds_of_help() < 0.150 for _ in range(30))  # others may be busy

    show = "import sys; import krsi.cli; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    found = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, env=environment, check=True)
    assert not set(found.stdout.split()) & {"yaml", "structlog", "msgspec", "cffi", "krsi.policy", "krsi.bpf"}


@pytest.mark.parametrize("args", [[], ["--nonsense"], ["enforse"], ["check"], ["check", "--output", "xml", "x"]])
def test_usage(args: list[str]) -> None:
    """
    What cannot be understood is refused with status 2 and the usage.
    """
    run = krsi_process(*args)

    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("usage: krsi")


def test_what_stands_behind_the_dashes_is_for_run_only(web: Path) -> None:
    """
    A command line that was meant for `run` is not taken for something else.
    """
    run = krsi_process("check", web, "--", "true")

    assert run.returncode == 2
    assert "nothing goes behind '--': true" in run.stderr


@pytest.mark.parametrize("command", [["check"], ["test"], ["enforce"], ["run", "--profile", "web"]])
def test_policies_that_are_not_there(command: list[str]) -> None:
    """
    A file that does not exist, or that may not be read, is an error like any other of the policy.
    """
    behind = ["--", "true"] if command[0] == "run" else []
    with open_folder() as folder:
        (folder / "secret.yaml").touch(0o000)
        absent = krsi_process(*command, "/no-such.yaml", *behind)
        closed = krsi_process(*command, folder / "secret.yaml", *behind, nobody=True)

    assert (absent.returncode, absent.stdout) == (1, "")
    assert absent.stderr == "/no-such.yaml: error: no such file or folder\n1 error\n"
    assert (closed.returncode, closed.stdout) == (1, "")
    assert closed.stderr.endswith("secret.yaml: error: cannot be read: permission denied\n1 error\n")


@pytest.mark.parametrize("command", [["check"], ["test"], ["enforce"], ["run", "--profile", "web"]])
def test_policies_that_are_refused(command: list[str], tmp_path: Path) -> None:
    """
    All that is wrong is shown, nothing is put in force, and the status is 1.
    """
    path = tmp_path / "web.yaml"
    path.write_text("- profile: web\n  fils: []\n  mode: hard\n")
    run = krsi_process(*command, path, *(["--", "true"] if command[0] == "run" else []))

    assert (run.returncode, run.stdout) == (1, "")
    assert "fils" in run.stderr
    assert run.stderr.splitlines()[-1] == "2 errors"


def test_a_command_is_needed(web: Path) -> None:
    """
    `krsi run` says where the command goes.
    """
    run = krsi_process("run", "--profile", "web", web)

    assert (run.returncode, run.stderr) == (2, "krsi run: error: say behind '--' what to run\n")


@pytest.mark.parametrize(("name", "hint"), [("wep", "did you mean 'web'?"), ("database", "there are c, f, shell, web")])
def test_a_profile_that_is_not_there(name: str, hint: str, web: Path) -> None:
    """
    A profile that is misspelt is not run without.
    """
    run = krsi_process("run", "--profile", name, web, "--", "true")

    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.splitlines()[-1] == f"krsi run: error: there is no profile '{name}': {hint}"


@pytest.mark.parametrize("command", [["enforce"], ["run", "--profile", "web"]])
def test_without_root_nothing_is_enforced(command: list[str]) -> None:
    """
    Whoever may not load programs is told so in one sentence, and the command is not run.
    """
    behind = ["--", "echo", "it ran"] if command[0] == "run" else []
    with open_folder() as folder:
        (folder / "web.yaml").write_text(GOOD)
        run = krsi_process(*command, folder / "web.yaml", *behind, nobody=True)

    assert (run.returncode, run.stdout) == (3, "")
    assert run.stderr.splitlines()[-1] == (
        "krsi: error: cannot tell whether this kernel has LSM programs: Operation not permitted "
        "(krsi needs root, and a kernel that allows BPF LSM programs: `krsi doctor` tells)"
    )


def test_a_log_that_cannot_be_written(web: Path) -> None:
    """
    What the system refuses is one sentence too.
    """
    run = krsi_process("run", "--profile", "web", "--log", "/no/such/log", web, "--", "true")

    assert run.returncode == 3
    assert run.stderr.splitlines()[-1] == "krsi: error: /no/such/log: No such file or directory"


def test_a_reader_that_has_gone() -> None:
    """
    Output that nobody reads any more is no error.
    """
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    command = [sys.executable, "-c", "import sys; from krsi.cli import main; sys.exit(main(['schema']))"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_schema() -> None:
    """
    What `krsi schema` prints is the schema that tests/unit/policy/test_schema.py tries on all golden policies.
    """
    run = krsi_process("schema")

    assert (run.returncode, run.stderr) == (0, "")
    assert json.loads(run.stdout) == schema()
