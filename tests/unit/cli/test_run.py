"""The command that `krsi run` runs: it waits until it may, and ends as shells say."""

import os
import signal
from pathlib import Path

import pytest

from krsi.cli.run import PASSED_ON, Command


def ended(command: Command) -> int | None:
    while (status := command.wait(5)) is None:
        pass
    return status


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -TERM $$"], 128 + 15),
        (["/no/such/program"], 127),
        (["/etc/passwd"], 126),
    ],
)
def test_how_it_ends(argv: list[str], status: int, capfd: pytest.CaptureFixture[str]) -> None:
    """
    The status is the command's, or says which signal ended it, or why it did not begin.
    """
    with Command(argv) as command:
        command.start()
        assert ended(command) == status
    assert capfd.readouterr().err.startswith(f"krsi run: cannot execute '{argv[0]}': ") == (status in {126, 127})


def test_it_waits(tmp_path: Path) -> None:
    """
    Nothing runs before it is told to.
    """
    with Command(["touch", str(tmp_path / "ran")]) as command:
        assert command.wait(0.2) is None
        assert not (tmp_path / "ran").exists()
        command.start()
        assert ended(command) == 0
    assert (tmp_path / "ran").exists()


def test_if_krsi_fails_nothing_runs(tmp_path: Path) -> None:
    """
    A command that was never told to start ends by itself.
    """
    with Command(["touch", str(tmp_path / "ran")]) as command:
        pidfd = os.dup(command.pidfd)
    status = os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    os.close(pidfd)

    assert status
    assert status.si_status == 126
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("number", PASSED_ON)
def test_who_ends_krsi_ends_the_command(number: signal.Signals) -> None:
    """
    A signal that would end krsi goes to the command, which would be unconfined without it.
    """
    with Command(["sleep", "60"]) as command:
        command.start()
        os.kill(os.getpid(), number)
        assert ended(command) == 128 + number
