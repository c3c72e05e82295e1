"""Software that is told to do what it never should: by whoever configures it carelessly, or speaks to it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import nginx, redis, sshd
from .transcript import ran

SECRET = Path("/root/krsi-secret")
KEYS = Path("/root/.ssh/krsi-keys")


@dataclass(frozen=True)
class Misuse:
    """
    One way to do harm.

    :param succeeds: do it, and tell whether it worked
    :param neighbour: do what is as like it as can be and nothing but right, and tell whether that worked
    :param event: what is in the event of the refusal
    :param path: what is refused, up to where it varies
    """

    name: str
    start: Callable[[], object]
    succeeds: Callable[[], bool]
    neighbour: Callable[[], bool]
    stop: Callable[[], object]
    event: dict[str, object]
    path: str


def _nginx_starts() -> None:
    nginx.configure("word", extra="location = /leak { alias /etc/shadow; }", user="root")
    nginx.started(nginx.EXE)


def _nginx_stops() -> None:
    nginx.stopped(nginx.EXE)
    nginx.configure("word")


def _redis_starts() -> None:
    redis.started(redis.EXE, "--enable-protected-configs", "yes", user="root")


def _redis_saves(folder: str, name: str) -> bool:
    for field, value in (("dir", folder), ("dbfilename", name)):
        redis.said("config", "set", field, value)
    return "OK" in redis.said("save") and (Path(folder) / name).exists()


def _redis_plants_keys() -> bool:
    KEYS.unlink(missing_ok=True)
    return _redis_saves(str(KEYS.parent), KEYS.name)


def _sshd_shows_banner() -> None:
    SECRET.write_text("a secret\n")
    sshd.CONFIGURATION.write_text(f"Banner {SECRET}\n")
    sshd.reloaded()


def _sshd_stops() -> None:
    sshd.stopped()
    sshd.CONFIGURATION.unlink(missing_ok=True)


def _sshd_shows_secret() -> bool:
    return "a secret" in sshd.logged_in("true", options=(*sshd.BY_KEY, "-o", "LogLevel=INFO"))


def _sftp_gets(path: str) -> bool:
    copy = sshd.CLIENT / "got"
    copy.unlink(missing_ok=True)
    ran("sftp", *sshd.OPTIONS, *sshd.BY_KEY, f"root@127.0.0.1:{path}", str(copy))
    return copy.exists() and copy.read_bytes() == Path(path).read_bytes()


def _nothing() -> None:
    """The next misuse is of the same service."""


MISUSES = (
    Misuse(
        "nginx: alias to the password hashes, workers as root",
        _nginx_starts,
        lambda: any(line.startswith("root:") for line in nginx.got(f"{nginx.PLAIN}/leak")),
        lambda: "a page" in nginx.got(f"{nginx.PLAIN}/"),
        _nginx_stops,
        {"profile": "nginx", "operation": "file.open", "refused": ["read"], "severity": "critical"},
        "/etc/shadow",
    ),
    Misuse(
        "redis: a snapshot saved as root's keys",
        _redis_starts,
        _redis_plants_keys,
        lambda: _redis_saves("/var/lib/redis", "dump.rdb"),
        lambda: redis.stopped("nosave"),
        {"profile": "redis", "operation": "file.mknod", "refused": ["create"], "rule": "default"},
        "/root/.ssh/temp-",
    ),
    Misuse(
        "sftp-server: root fetches the password hashes",
        lambda: sshd.started(sshd.EXE),
        lambda: _sftp_gets("/etc/shadow"),
        lambda: _sftp_gets("/etc/passwd"),
        _nothing,
        {"profile": "sftp-server", "operation": "file.open", "refused": ["read"], "severity": "critical"},
        "/etc/shadow",
    ),
    Misuse(
        "sshd: a secret of root's as banner",
        _sshd_shows_banner,
        _sshd_shows_secret,
        lambda: "in" in sshd.logged_in("echo in"),
        _sshd_stops,
        {"profile": "sshd", "operation": "file.open", "refused": ["read"], "rule": "default"},
        str(SECRET),
    ),
)
