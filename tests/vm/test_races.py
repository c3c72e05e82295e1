"""
Attacks by changing names while others use them (ATTACKS.md 7 and 8).

Emulated processors take turns; with ``KRSI_LAB_ACCEL=mttcg`` they race.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from . import calls
from .lab import Lab, Outcome, fresh, refusals
from .secret import READER, TEXT, UNRESOLVED, read

OPENS = 1000
LONG = "a-name-too-long-to-be-kept-in-its-dentry-itself"
RACES = {
    "folder": ("/t/A/x", "/t/B/y", "/file"),
    "ancestor": ("/t/A/x", "/t/B/y", "/1/2/3/file"),
    "file": ("/t/A/x", "/t/B/y", ""),
    "long": (f"/t/A/x{LONG}", f"/t/B/y{LONG}", "/file"),
    "depth": ("/t/A/x", "/t/B/1/2/3/4/5/6/y", "/file"),
}
"""Two names that something has in turn, and what lies below."""

Move = Callable[[str, str], object]


def crossed(here: str, there: str) -> tuple[str, str]:
    """Return the names that it never has: each folder with the other's last name."""
    (one, name), (other, another) = os.path.split(here), os.path.split(there)
    return f"{one}/{another}", f"{other}/{name}"


def only(names: tuple[str, str]) -> str:
    rules = "".join(f'    - {{allow: read, path: "{name}{{,/**}}"}}\n' for name in names)
    return f"- profile: victim\n  files:\n{rules}"


@contextmanager
def keeping_on(act: Callable[[], object]) -> Iterator[None]:
    """Have another thread do *act* again and again."""
    stop = threading.Event()

    def keep_on() -> None:
        while not stop.is_set():
            act()

    thread = threading.Thread(target=keep_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def opened_meanwhile(lab: Lab, here: str, there: str, below: str, move: Move) -> tuple[Outcome, list[dict[str, Any]]]:
    """Have the victim open a file again and again, wherever it is; return how often it could, and what was told."""
    held = os.open(here + below, os.O_PATH)

    def act() -> int:
        worked = 0
        for _ in range(OPENS):
            try:
                read(f"/proc/self/fd/{held}")
            except PermissionError:
                continue
            worked += 1
        return worked

    def there_and_back() -> None:
        move(here, there)
        move(there, here)

    with lab.task("victim", act) as victim, keeping_on(there_and_back):
        outcome = victim(act)
    os.close(held)
    return outcome, refusals(lab)


def decided_for_what_is_there(lab: Lab, here: str, there: str, below: str, move: Move, *, exists: bool) -> None:
    """
    See that each decision is for a path that there is: never for one folder and a name in the other.

    A name that changes all the time may be given up on; that is a refusal, and says so.
    """
    with lab.policy(only((here, there) if exists else crossed(here, there))):
        outcome, told = opened_meanwhile(lab, here, there, below, move)
    given_up = [event for event in told if event.get("reason") == UNRESOLVED]
    paths = {event["file"].get("path") for event in told if event not in given_up}
    assert paths <= (set() if exists else {here + below, there + below})
    assert outcome == Outcome(OPENS - len(given_up) if exists else 0)
    assert len(given_up) < OPENS / 10


@pytest.mark.parametrize(("here", "there", "below"), RACES.values(), ids=RACES)
@pytest.mark.parametrize("exists", [True, False])
def test_renamed_while_another_opens(lab: Lab, here: str, there: str, below: str, *, exists: bool) -> None:
    def make() -> None:
        for path in (here, *crossed(here, there)):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(here + below).parent.mkdir(parents=True, exist_ok=True)
        Path(here + below).write_bytes(TEXT)

    fresh(make)
    decided_for_what_is_there(lab, here, there, below, os.rename, exists=exists)


@pytest.mark.parametrize("exists", [True, False])
def test_mounted_elsewhere_while_another_opens(lab: Lab, *, exists: bool) -> None:
    here, there, below = "/t/A/x", "/t/B/y", "/1/2/file"

    def make() -> None:
        for path in (here, there):
            Path(path).mkdir(parents=True)
        calls.mount("none", "/t", flags=calls.MS_PRIVATE)
        calls.mount("t", here, "tmpfs")
        Path(here + below).parent.mkdir(parents=True)
        Path(here + below).write_bytes(TEXT)

    def move(one: str, other: str) -> None:
        calls.mount(one, other, flags=calls.MS_MOVE)

    fresh(make)
    decided_for_what_is_there(lab, here, there, below, move, exists=exists)


def test_made_and_removed_while_another_opens(lab: Lab) -> None:
    """What takes the place of something gone, in memory as by its name, is not taken for it."""
    places = [Path(f"/t/{way}/{name}") for way in ("yes", "no") for name in ("x", LONG)]

    def storm() -> None:
        for place in places:
            place.mkdir()
            (place / "file").write_text(place.parent.name)
            (place / "file").unlink()
            (place / "file").mkdir()
            (place / "file").rmdir()
            place.rmdir()

    def act() -> list[str]:
        found = set()
        for _ in range(OPENS):
            for place in places:
                try:
                    found.add((place / "file").read_text())
                except (FileNotFoundError, IsADirectoryError, PermissionError):
                    continue
        return sorted(found - {""})

    def make() -> None:
        for way in ("yes", "no"):
            (Path("/t") / way).mkdir()

    fresh(make)
    with lab.policy(READER), lab.task("victim", act) as victim:
        with keeping_on(storm):
            outcome = victim(act)
        told = refusals(lab)
    assert outcome in (Outcome([]), Outcome(["yes"]))
    assert all(event["file"]["path"].startswith("/t/no/") for event in told if event.get("reason") != UNRESOLVED)
