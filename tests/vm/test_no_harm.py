"""
Real software works under krsi exactly as without, and what it should never do is refused.

Runs in the guest, as root: ``vagrant/run -k 6.12 -- python3 -m pytest tests/vm/test_no_harm.py``. It runs the command
line as operators do, and therefore loads but once: everything is done first, and then looked at.
"""

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .software import apt, nginx, python, redis, sshd
from .software.krsi import Event, Krsi
from .software.misuse import MISUSES, Misuse
from .software.transcript import Transcript

POLICIES = (str(Path(__file__).parents[2] / "policies"), str(Path(__file__).with_name("no_harm.yaml")))
LAUNCHERS = Path("/opt/krsi-launchers")
COPIES = Path("/opt/krsi-copies")
EVERYTHING, PYTHON_SUITE = (str(LAUNCHERS / name) for name in ("everything", "python-suite"))

Work = Callable[[], Transcript]

log = logging.getLogger(__name__)


def copied(exe: str) -> str:
    """Return a copy that no profile matches."""
    return str(COPIES / Path(exe).name)


ALONE: dict[str, Work] = {
    "nginx": lambda: nginx.works(nginx.EXE),
    "redis": lambda: redis.works(redis.EXE),
    "sshd": lambda: sshd.works(sshd.EXE),
    "apt": apt.works,
    "python": python.works,
}
UNCONFINED: dict[str, Work] = {
    "nginx": lambda: nginx.works(copied(nginx.EXE)),
    "redis": lambda: redis.works(copied(redis.EXE)),
    "sshd": lambda: sshd.works(copied(sshd.EXE)),
    "apt": apt.works,
    "python": python.works,
}
CONFINED: dict[str, tuple[str, Work]] = {
    "nginx": ("nginx", ALONE["nginx"]),
    "redis": ("redis", ALONE["redis"]),
    "sshd": ("sshd", ALONE["sshd"]),
    "apt, all asked and allowed": ("apt", lambda: apt.works(EVERYTHING)),
    "python, all asked and allowed": ("python", lambda: python.works(EVERYTHING)),
    "python, with the abstraction": ("python", lambda: python.works(PYTHON_SUITE)),
}


@dataclass
class Seen:
    """What was seen, by name. Misuse: whether it succeeded, and whether its neighbour did."""

    alone: dict[str, Transcript] = field(default_factory=dict)
    unconfined: dict[str, Transcript] = field(default_factory=dict)
    confined: dict[str, Transcript] = field(default_factory=dict)
    refusals: dict[str, list[Event]] = field(default_factory=dict)
    before: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    under: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    after: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    status: int | None = None
    summary: str = ""


@pytest.fixture(scope="module")
def seen() -> Seen:
    found = Seen()
    prepare()
    for name, work in ALONE.items():
        log.info("%s without krsi", name)
        found.alone[name] = work()
    log.info("misuse without krsi")
    for misuse in MISUSES:
        misuse.start()
        found.before[misuse.name] = tried(misuse)
        misuse.stop()
    log.info("krsi starts")
    with Krsi(POLICIES) as krsi:
        work_under(krsi, found)
        misuse_under(krsi, found)
        found.status = krsi.stop()
        found.summary = krsi.said()
        log.info("krsi has ended")
        for misuse in MISUSES:
            found.after[misuse.name] = tried(misuse)
            misuse.stop()
    return found


def prepare() -> None:
    for software in (nginx, redis, sshd, apt):
        software.prepare()
    for folder in (LAUNCHERS, COPIES):
        folder.mkdir(parents=True, exist_ok=True)
    for launcher in (EVERYTHING, PYTHON_SUITE):
        shutil.copy("/usr/bin/env", launcher)
    for exe in (nginx.EXE, redis.EXE, sshd.EXE):
        shutil.copy(exe, copied(exe))


def told(refusals: list[Event]) -> list[str]:
    """Return refusals as short lines."""
    return [f"{event.get('profile')}: {event.get('refused')} {event.get('file')}" for event in refusals]


def tried(misuse: Misuse) -> tuple[bool, bool]:
    return misuse.succeeds(), misuse.neighbour()


def work_under(krsi: Krsi, found: Seen) -> None:
    for name, work in UNCONFINED.items():
        log.info("%s unconfined", name)
        found.unconfined[name] = work()
        found.refusals[f"unconfined {name}"] = krsi.refusals()
    for name, (_, work) in CONFINED.items():
        log.info("%s confined", name)
        found.confined[name] = work()
        found.refusals[name] = krsi.refusals()


def misuse_under(krsi: Krsi, found: Seen) -> None:
    for misuse in MISUSES:
        log.info("misuse under krsi: %s", misuse.name)
        misuse.start()
        krsi.events()
        found.under[misuse.name] = tried(misuse)
        found.refusals[misuse.name] = krsi.refusals()


@pytest.mark.parametrize("name", ALONE)
def test_software_works_at_all(seen: Seen, name: str) -> None:
    """What is compared below is a life without failures."""
    text = "\n".join(seen.alone[name])

    assert len(seen.alone[name]) > 10
    assert "not in 30 s" not in text
    assert "Traceback" not in text


@pytest.mark.parametrize("name", UNCONFINED)
def test_unconfined_software_works_as_without_krsi(seen: Seen, name: str) -> None:
    """The same output and exit statuses, and nothing refused."""
    assert seen.unconfined[name] == seen.alone[name]
    assert told(seen.refusals[f"unconfined {name}"]) == []


@pytest.mark.parametrize("name", CONFINED)
def test_confined_software_works_as_without_krsi(seen: Seen, name: str) -> None:
    """The same output and exit statuses under its profile, and nothing refused."""
    assert seen.confined[name] == seen.alone[CONFINED[name][0]]
    assert told(seen.refusals[name]) == []


@pytest.mark.parametrize("misuse", MISUSES, ids=lambda misuse: misuse.name)
def test_misuse_is_refused_under_krsi_only(seen: Seen, misuse: Misuse) -> None:
    """It succeeds before and after, is refused in between, and its neighbour always works."""
    assert seen.before[misuse.name] == (True, True)
    assert seen.under[misuse.name] == (False, True)
    assert seen.after[misuse.name] == (True, True)


@pytest.mark.parametrize("misuse", MISUSES, ids=lambda misuse: misuse.name)
def test_misuse_is_told(seen: Seen, misuse: Misuse) -> None:
    """Every refusal is the expected one, with errno, rule and path."""
    told = seen.refusals[misuse.name]
    expected = {"verdict": "denied", "errno": "EACCES", "mode": "enforce", **misuse.event}

    assert told
    for event in told:
        assert {key: event.get(key) for key in expected} == expected
        assert event["file"]["path"].startswith(misuse.path)
        assert event["process"]["exe"]


def test_krsi_ends_well(seen: Seen) -> None:
    """It releases on SIGINT, sums up, and has missed nothing."""
    assert seen.status == 0
    assert "released after" in seen.summary
    assert "skipped" not in seen.summary
    assert "no room" not in seen.summary
