"""Debian's sshd with its own configuration: logins by key and password, terminal, files, agent, reload, stop."""

import os
import shutil
import signal
from pathlib import Path

from .transcript import Transcript, is_running, pid_in, ran, signalled, waited

EXE = "/usr/sbin/sshd"
PID = "/run/sshd.pid"
USER = "krsi-alice"
HOME = Path("/home") / USER
CLIENT = Path("/run/krsi-ssh")
CONFIGURATION = Path("/etc/ssh/sshd_config.d/krsi.conf")
OPTIONS = (
    *("-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"),
    *("-o", "KexAlgorithms=curve25519-sha256"),
)
BY_KEY = ("-i", str(CLIENT / "key"), "-o", "BatchMode=yes")
WHO = f"{USER}@127.0.0.1"

_WHO_AM_I = (
    "id -un; pwd; echo $SHELL; umask; cat /proc/self/oom_score_adj; ls /proc/self/fd | wc -l; "
    "test -S $SSH_AUTH_SOCK && echo agent"
)


def prepare() -> None:
    """Make a user with a key and a password, and what systemd makes."""
    Path("/run/sshd").mkdir(exist_ok=True)
    CLIENT.mkdir(mode=0o700, exist_ok=True)
    ran("useradd", "--create-home", "--shell", "/bin/bash", USER)
    ran("chpasswd", given=f"{USER}:correct\n")
    ran("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(CLIENT / "key"), given="y\n")
    for home in (HOME, Path("/root")):
        (home / ".ssh").mkdir(mode=0o700, exist_ok=True)
        shutil.copy(CLIENT / "key.pub", home / ".ssh/authorized_keys")
    ran("chown", "-R", f"{USER}:", str(HOME / ".ssh"))
    askpass = CLIENT / "askpass"
    askpass.write_text('#!/bin/sh\necho "$KRSI_PASSWORD"\n')
    askpass.chmod(0o755)
    (CLIENT / "file").write_bytes(os.urandom(100_000))


def logged_in(
    *command: str,
    options: tuple[str, ...] = BY_KEY,
    through: tuple[str, ...] = (),
    given: str = "",
    env: dict[str, str] | None = None,
) -> Transcript:
    """Log in and run a command; *through* goes before ssh."""
    argv = (*through, "ssh", *options, *OPTIONS, WHO, *command)
    return ran(*argv, given=given, env=env, without=r"Last login: .*|/tmp/ssh-\S+|\r")


def works(exe: str) -> Transcript:
    """Run a whole life of sshd."""
    for path in (HOME / "there", CLIENT / "back"):
        path.unlink(missing_ok=True)
    seen = ran(exe, "-t") + started(exe)
    seen += logged_in(f"{_WHO_AM_I}; exit 3", options=(*BY_KEY, "-A"), through=("ssh-agent",))
    seen += _at_terminal()
    seen += _by_password("correct") + _by_password("wrong")
    return seen + _files() + reloaded() + stopped()


def started(exe: str) -> Transcript:
    """Start it; it listens before it returns."""
    return ran(exe) + waited("listens", lambda: is_running(pid_in(PID)))


def _at_terminal() -> Transcript:
    """Log in as people do; what the terminal echoes is another matter."""
    given = "stat -c 'terminal of %U %G %a' $(tty); exit 4\n"
    return [
        line for line in logged_in(options=(*BY_KEY, "-tt"), given=given) if line.startswith(("terminal", "status"))
    ]


def _by_password(word: str) -> Transcript:
    options = ("-o", "PreferredAuthentications=password", "-o", "NumberOfPasswordPrompts=1")
    env = {"SSH_ASKPASS": str(CLIENT / "askpass"), "SSH_ASKPASS_REQUIRE": "force", "KRSI_PASSWORD": word}
    return logged_in("echo in", options=options, env=env)


def _files() -> Transcript:
    batch = f"put {CLIENT / 'file'} there\nls\nget there {CLIENT / 'back'}\nchmod 600 there\nmkdir d\nrmdir d\n"
    seen = ran("sftp", *OPTIONS, *BY_KEY, "-b", "-", WHO, given=batch)
    return [
        *seen,
        *ran("cmp", str(CLIENT / "file"), str(CLIENT / "back")),
        *ran("stat", "-c%U %a", str(HOME / "there")),
    ]


def reloaded() -> Transcript:
    """Let it read its configuration again, for which it executes itself."""
    signalled(pid_in(PID), signal.SIGHUP)
    return waited("back", lambda: "again" in logged_in("echo again"))


def stopped() -> Transcript:
    """Stop it."""
    server = pid_in(PID)
    signalled(server, signal.SIGTERM)
    seen = waited("stopped", lambda: not is_running(server))
    return [*seen, f"pid file left: {Path(PID).exists()}"]
