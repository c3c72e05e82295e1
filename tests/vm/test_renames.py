"""Attacks by moving names: renames, replacing, and the memory of what is gone (ATTACKS.md 3 and 7)."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from . import calls
from .lab import Document, Lab, Outcome, fresh, refusals
from .secret import ALLOWED, LAUNDERS, READER, SECRET, TEXT, read, refused, secrets

AWAY = "/t/away"

Of = Callable[[str], object]


def rename(old: str | Path, new: str | Path) -> None:
    os.rename(old, new)  # noqa: PTH104 -- the system call is meant, of whatever kind of name


def borrow(path: str) -> None:
    """Rename a file away, read it, and put it back."""
    rename(path, AWAY)
    try:
        read(AWAY)
    finally:
        rename(AWAY, path)


def borrow_folder(path: str) -> None:
    rename(Path(path).parent, AWAY)
    try:
        read(f"{AWAY}/file")
    finally:
        rename(AWAY, Path(path).parent)


def exchange(path: str) -> None:
    """Exchange a file with one that may be read."""
    Path(AWAY).write_text("other")
    calls.renameat2(path, AWAY, calls.RENAME_EXCHANGE)
    read(AWAY)


def exchange_back(path: str) -> None:
    Path(AWAY).write_text("other")
    calls.renameat2(AWAY, path, calls.RENAME_EXCHANGE)
    read(AWAY)


def exchange_with_folder(path: str) -> None:
    Path(AWAY).mkdir()
    calls.renameat2(path, AWAY, calls.RENAME_EXCHANGE)


def exchange_folders(path: str) -> None:
    Path(AWAY).mkdir()
    calls.renameat2(str(Path(path).parent), AWAY, calls.RENAME_EXCHANGE)


def leave_a_whiteout(path: str) -> None:
    calls.renameat2(path, AWAY, calls.RENAME_WHITEOUT)


FOLDER_AWAY: Document = {"path": "/t/no/", "target": f"{AWAY}/"}
FILE_AWAY: Document = {"path": SECRET, "target": AWAY}
MOVES: dict[str, tuple[Of, Document]] = {
    "file": (borrow, FILE_AWAY),
    "folder": (borrow_folder, FOLDER_AWAY),
    "exchange": (exchange, FILE_AWAY),
    "exchange back": (exchange_back, {"path": AWAY, "target": SECRET}),
    "exchange with a folder": (exchange_with_folder, FILE_AWAY),
    "exchange folders": (exchange_folders, FOLDER_AWAY),
    "whiteout": (leave_a_whiteout, FILE_AWAY),
}


@pytest.mark.parametrize(("move", "file"), MOVES.values(), ids=MOVES)
def test_renamed_away(lab: Lab, move: Of, file: Document) -> None:
    """Where the secret would have a name that may be read, it is not let go."""
    refused(
        lab,
        lambda: move(SECRET),
        lambda: exchange(ALLOWED) if move is exchange_with_folder else move(ALLOWED),
        operation="file.rename",
        access="rename",
        file=file,
        reason=LAUNDERS,
    )


def ancestors() -> None:
    secrets()
    for name in ("one", "two"):
        folder = Path(f"/t/{name}/a/b/c/no")
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(TEXT)


ANCESTORS = READER.replace("/t/no/**", "/t/one/a/b/c/no/**")


@pytest.mark.parametrize("ancestor", ["/t/one", "/t/one/a", "/t/one/a/b", "/t/one/a/b/c"])
def test_an_ancestor_renamed(lab: Lab, ancestor: str) -> None:
    """A folder takes along all that is below, so its names must mean the same for all that could be."""
    below = "/t/one/a/b/c/no/file".removeprefix(ancestor)

    def act(folder: str) -> None:
        rename(folder, AWAY)
        read(f"{AWAY}{below}")

    refused(
        lab,
        lambda: act(ancestor),
        lambda: act(ancestor.replace("one", "two")),
        policy=ANCESTORS,
        make=ancestors,
        operation="file.rename",
        access="rename",
        file={"path": f"{ancestor}/", "target": f"{AWAY}/"},
        reason=LAUNDERS,
        after=lambda: read("/t/one/a/b/c/no/file"),
    )


def replace(path: str) -> None:
    """Write a file and give it a name that another has, as editors do."""
    Path(AWAY).write_text("false")
    rename(AWAY, path)


def move_in(path: str) -> None:
    """As :func:`replace`, of all that is in a folder."""
    Path(AWAY).mkdir()
    (Path(AWAY) / "file").write_text("false")
    calls.renameat2(AWAY, str(Path(path).parent), calls.RENAME_EXCHANGE)


@pytest.mark.parametrize(
    ("overwrite", "file"),
    [(replace, {"path": AWAY, "target": SECRET}), (move_in, {"path": f"{AWAY}/", "target": "/t/no/"})],
    ids=["file", "folder"],
)
def test_renamed_over(lab: Lab, overwrite: Of, file: Document) -> None:
    refused(
        lab,
        lambda: overwrite(SECRET),
        lambda: overwrite(ALLOWED),
        policy=READER.replace('read, path: "/t/no/**"', '[write, rename], path: "/t/no/{,**}"'),
        operation="file.rename",
        access="rename",
        file=file,
    )


def read_both(times: int = 1) -> list[str]:
    """Return what could be read, again and again: the folders' states are remembered by then."""
    found = []
    for _ in range(times):
        for path in (ALLOWED, SECRET):
            try:
                read(path)
            except PermissionError:
                continue
            found.append(path)
    return found


def test_replaced_by_others(lab: Lab) -> None:
    """The rule is for the name, whatever file has it: a new one inherits nothing."""
    fresh(secrets)
    with lab.policy(READER), lab.task("victim", read_both) as victim:
        for _ in range(20):
            for path in (SECRET, ALLOWED):
                Path(AWAY).write_bytes(TEXT)
                rename(AWAY, path)
            assert victim(read_both) == Outcome([ALLOWED])
            calls.renameat2(SECRET, ALLOWED, calls.RENAME_EXCHANGE)
            calls.renameat2("/t/no", "/t/yes", calls.RENAME_EXCHANGE)
            assert victim(read_both) == Outcome([ALLOWED])
        told = refusals(lab)
    assert [event["file"]["path"] for event in told] == [SECRET] * 40


def churn(make: Callable[[Path], object], remove: Callable[[Path], object], found: Callable[[Path], Path]) -> int:
    """Make and remove things with both names in turn; return how often the wrong one could be read."""
    wrong = 0
    for number in range(300):
        folder = ("yes", "no")[number % 2]
        place = Path(f"/t/{folder}") / ("new" if number % 3 else "file-with-a-name-too-long-to-be-kept-in-its-dentry")
        make(place)
        try:
            found(place).read_bytes()
            wrong += folder == "no"
        except PermissionError:
            wrong += folder == "yes"
        remove(place)
    return wrong


def make_folders(place: Path) -> None:
    place.mkdir()
    (place / "file").write_bytes(TEXT)


def remove_folders(place: Path) -> None:
    (place / "file").unlink()
    place.rmdir()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_nothing_is_inherited_from_what_is_gone(lab: Lab, kind: str) -> None:
    """Inodes and dentries live again at the address where others died, beside whom the victim is remembered."""

    def files() -> int:
        return churn(lambda place: place.write_bytes(TEXT), Path.unlink, lambda place: place)

    def folders() -> int:
        return churn(make_folders, remove_folders, lambda place: place / "file")

    act = files if kind == "file" else folders
    fresh(secrets)
    with lab.policy(READER):
        assert lab.do("victim", act) == Outcome(0)
        told = refusals(lab)
    assert len(told) == 150
    assert all(event["file"]["path"].startswith("/t/no/") for event in told)


def test_a_folder_that_moves_under_the_victim(lab: Lab) -> None:
    """The same folder, by the same descriptor, is where it is now and not where it was remembered."""
    moving: list[int] = []

    def make() -> None:
        secrets()
        Path("/t/yes/moving/deep").mkdir(parents=True)
        Path("/t/yes/moving/deep/file").write_bytes(TEXT)
        moving[:] = [os.open("/t/yes/moving/deep", os.O_PATH)]

    def act() -> None:
        read("file", moving[0])

    fresh(make)
    with lab.policy(READER), lab.task("victim", act) as victim:
        for _ in range(20):
            assert victim(act).worked
            rename("/t/yes/moving", "/t/no/moved")
            assert not victim(act).worked
            assert [event["file"]["path"] for event in refusals(lab)] == ["/t/no/moved/deep/file"]
            rename("/t/no/moved", "/t/yes/moving")
    os.close(moving[0])
