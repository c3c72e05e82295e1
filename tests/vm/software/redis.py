"""Debian's redis-server as its own user: data, snapshots, append-only file, restart, shutdown."""

import os
import shutil
from pathlib import Path

from .transcript import Transcript, files_in, is_running, lines_of, pid_in, ran, waited

EXE = "/usr/bin/redis-server"
CONFIGURATION = "/etc/redis/redis.conf"
PID = "/run/redis/redis-server.pid"
LOG = "/var/log/redis/redis-server.log"
DATA = Path("/var/lib/redis")

_VARYING = r"\d+:[A-Z] \d+ \w+ \d{4} [\d:.]+|\d+\.\d+ (seconds|MB)|[Pp]id[ :=]\s*\d+|\d+(?= \S+ \S+ \(\d)"


def prepare() -> None:
    """Make what systemd makes."""
    Path("/run/redis").mkdir(exist_ok=True)
    shutil.chown("/run/redis", "redis", "redis")


def said(*words: str) -> Transcript:
    """Give one order."""
    return ran("redis-cli", *words)


def works(exe: str) -> Transcript:
    """Run a whole life of redis, and a second one on the data of the first."""
    for leaf in DATA.iterdir():
        shutil.rmtree(leaf) if leaf.is_dir() else leaf.unlink()
    Path(LOG).unlink(missing_ok=True)
    seen = started(exe) + _orders() + stopped("save")
    seen += started(exe) + said("get", "key") + said("incr", "number") + said("dbsize") + stopped("nosave")
    log = lines_of(LOG, _VARYING)
    return [*seen, *files_in([str(DATA)]), *sorted({line for line in log if "rror" in line or "ailed" in line})]


def started(exe: str, *options: str, user: str = "redis") -> Transcript:
    """Start it as its service does, and wait until it answers."""
    identity = (f"--reuid={user}", f"--regid={user}", "--clear-groups")
    seen = ran("setpriv", *identity, "--", exe, CONFIGURATION, *options)[1:]
    return seen + waited("answers", lambda: "PONG" in said("ping"))


def _orders() -> Transcript:
    seen = said("set", "key", "value") + said("get", "key") + said("incr", "number") + said("get", "none")
    seen += said("bgsave") + _idle("rdb_bgsave_in_progress") + said("config", "set", "appendonly", "yes")
    seen += _idle("aof_rewrite_in_progress") + said("set", "other", "value") + said("bgrewriteaof")
    seen += _idle("aof_rewrite_in_progress") + [line for line in said("info", "persistence") if "_status:" in line]
    seen += said("config", "set", "appendonly", "no") + said("config", "set", "save", "60 1")
    return seen + said("config", "set", "dir", "/etc") + said("eval", "return redis.call('get', 'key')", "0")


def _idle(field: str) -> Transcript:
    return waited(f"no {field}", lambda: f"{field}:0" in said("info", "persistence"))


def stopped(how: str) -> Transcript:
    """Shut it down."""
    server = pid_in(PID)
    seen = said("shutdown", how) + waited("stopped", lambda: not is_running(server))
    return [*seen, f"pid file left: {os.path.exists(PID)}"]  # noqa: PTH110
