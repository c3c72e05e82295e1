"""Attacks by names: what a pattern, a log or a terminal could take for something else, and no names (ATTACKS.md 9)."""

import json
import mmap
import os
import string
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from krsi.event.text import escaped, unescaped

from . import calls
from .lab import Lab, Outcome, fresh, refusals
from .secret import ALLOWED, READER, SECRET, TEXT, anything, hold, listed, read, refused, secrets

NAMES = [
    *(
        b"*",
        b"**",
        b"?",
        b"[a]",
        b"[!a]",
        b"[^a]",
        b"{a,b}",
        b"a,b",
        b"\\",
        b"\\\\",
        b"\\*",
        b"@{HOME}",
        b"#",
        b"'",
        b'"',
    ),
    *(b" ", b"a ", b" a", b"...", b"..a", b"-rf", b"~", b"%s", b"$(x)", b"a:b", b"true", b"null"),
    *(
        b"\n",
        b"a\nb",
        b"a\r",
        b"\t",
        b"\x01",
        b"\x1b[31mred\x1b[0m",
        b"\x7f",
        b"\x80",
        b"\xff\xfe",
        b"\xc3",
        b"\xed\xa0\x80",
    ),
    *("ä".encode(), "a\u0308".encode(), "\u202etxt".encode(), "\ufeff".encode(), "\u2028".encode(), "🦀".encode()),
    *(b"file (deleted)", b"memfd:file", b"pipe:[1]", b"A", b"a" * 31, b"a" * 32, b"a" * 39, b"a" * 40, b"a" * 255),
    b"\xff" * 255,
    bytes(byte for byte in range(1, 256) if byte != ord("/")),
]
"""One of each kind."""


def literally(name: bytes) -> str:
    """Return the pattern that means *name* and nothing else."""
    plain = string.ascii_letters.encode() + b"_-."
    return "".join(chr(byte) if byte in plain else f"\\x{byte:02x}" for byte in name)


def only(verb: str, names: list[bytes], end: str = "") -> str:
    patterns = [json.dumps(f"/t/names/{literally(name)}{end}") for name in names]
    return "".join(f"    - {{{verb}, path: {pattern}}}\n" for pattern in patterns)


HEAD = "- profile: victim\n  files:\n"


def path_of(name: bytes) -> bytes:
    return b"/t/names/" + name


def named() -> None:
    Path("/t/names").mkdir()
    for name in NAMES:
        with open(path_of(name), "wb") as file:  # noqa: PTH123 -- a Path is text
            file.write(TEXT)


def readable_names() -> list[bytes]:
    found = []
    for name in NAMES:
        try:
            read(path_of(name))
        except PermissionError:
            continue
        found.append(name)
    return found


def test_denied_names(lab: Lab) -> None:
    """Each name can be said, and is told so that its bytes can be had back and harm nobody who looks at them."""
    fresh(named)
    with lab.policy(f'{HEAD}    - {{allow: read, path: "/t/**"}}\n' + only("deny: read", NAMES)):
        outcome = lab.do("victim", readable_names)
        told = refusals(lab)
    assert outcome == Outcome([])
    paths = [event["file"]["path"] for event in told]
    assert [unescaped(path) for path in paths] == [path_of(name) for name in NAMES]
    assert not {char for path in paths for char in path if not char.isprintable() and char not in " \u0308"}
    assert [event.get("escaped", False) for event in told] == [escaped(path_of(name))[1] for name in NAMES]


@pytest.mark.parametrize("part", [0, 1])
def test_allowed_names(lab: Lab, part: int) -> None:
    """Of names that look alike to a pattern only those that are meant are allowed."""
    some = NAMES[part::2]
    fresh(named)
    with lab.policy(HEAD + only("allow: read", some)):
        outcome = lab.do("victim", readable_names)
        refusals(lab)
    assert outcome == Outcome(some)


MAKES: dict[str, Callable[[bytes], object]] = {
    "file.mknod": lambda path: os.close(os.open(path, os.O_CREAT)),
    "file.mkdir": os.mkdir,
    "file.link": lambda path: os.link("/t/file", path),
}


@pytest.mark.parametrize(("operation", "make"), MAKES.items(), ids=MAKES)
def test_created_names(lab: Lab, operation: str, make: Callable[[bytes], object]) -> None:
    """Names are the same to the hooks that are asked before anything has them."""

    def act() -> int:
        made = 0
        for name in NAMES:
            try:
                make(path_of(name))
                made += 1
            except PermissionError:
                continue
        return made

    def files() -> None:
        Path("/t/names").mkdir()
        Path("/t/file").write_bytes(TEXT)

    end = "/" if operation == "file.mkdir" else ""
    rules = only("deny: [create, link]", NAMES, end)
    fresh(files)
    with lab.policy(f'{HEAD}    - {{allow: any, path: "/t/**"}}\n{rules}'):
        assert lab.do("victim", act) == Outcome(0)
        told = refusals(lab)
    assert {event["operation"] for event in told} == {operation}
    paths = [event["file"]["target" if operation == "file.link" else "path"] for event in told]
    assert [unescaped(path) for path in paths] == [path_of(name) + end.encode() for name in NAMES]
    assert not listed("/t/names")


@pytest.mark.parametrize("name", [None, "file"], ids=["gone", "replaced"])
def test_a_deleted_file(lab: Lab, name: str | None) -> None:
    """What is still open keeps its last name, and no other file that has that name or looks like it changes that."""
    held: list[int] = []

    def make() -> None:
        secrets()
        hold(held, SECRET, ALLOWED)
        for path in (SECRET, ALLOWED):
            Path(path).unlink()
            Path(f"{path} (deleted)").write_bytes(b"false")
            if name:
                Path(path).with_name(name).write_bytes(b"false")

    refused(
        lab,
        lambda: read(f"/proc/self/fd/{held[0]}"),
        lambda: read(f"/proc/self/fd/{held[1]}"),
        policy=READER.replace("/t/no/**", "{/t/no/file,/t/yes/* \\\\(deleted\\\\)}"),
        make=make,
        after=anything,
    )
    hold(held)


def test_a_name_that_says_deleted(lab: Lab) -> None:
    path = f"{SECRET} (deleted)"

    def make() -> None:
        secrets()
        Path(path).write_bytes(TEXT)

    policy = READER.replace("/t/no/**", "/t/no/* (deleted)")
    refused(lab, lambda: read(path), lambda: read(SECRET), policy=policy, make=make, file={"path": path})


def test_a_deleted_folder(lab: Lab) -> None:
    """Nothing can be made in it, and what it is called is what it was called."""
    held: list[int] = []

    def make() -> None:
        secrets()
        for name in ("no", "yes"):
            Path(f"/t/{name}/gone").mkdir()
        hold(held, "/t/no/gone", "/t/yes/gone")
        for name in ("no", "yes"):
            Path(f"/t/{name}/gone").rmdir()

    refused(
        lab,
        lambda: listed(f"/proc/self/fd/{held[0]}"),
        lambda: listed(f"/proc/self/fd/{held[1]}"),
        make=make,
        file={"path": "/t/no/gone/"},
    )
    hold(held)


def memory(prot: int) -> None:
    """Use memory that is a file without a path."""
    fd = os.memfd_create("file")
    try:
        os.write(fd, TEXT)
        read(f"/proc/self/fd/{fd}")
        calls.map_file(fd, prot)
    finally:
        os.close(fd)


def test_memory_without_a_path_as_code(lab: Lab) -> None:
    """A memfd is the task's own, to read and to write; that it is no code of the policy's is known."""
    refused(
        lab,
        lambda: memory(mmap.PROT_READ | mmap.PROT_EXEC),
        lambda: memory(mmap.PROT_READ),
        policy=READER.replace("/{t,dev,proc}/{,**}", "/{,**}"),
        operation="file.map",
        access="map",
        file={"type": "file"},
    )


FOLDED = Path("/mnt/krsi-folded")


@contextmanager
def folded_file_system() -> Iterator[None]:
    """Mount a file system in a folder of which upper and lower case are one."""
    image = FOLDED.with_suffix(".image")
    image.write_bytes(b"")
    os.truncate(image, 8 << 20)
    FOLDED.mkdir()
    try:
        subprocess.run(["modprobe", "loop"], check=True)
        subprocess.run(["mkfs.ext4", "-q", "-O", "casefold", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, FOLDED], check=True)
        (FOLDED / "folder").mkdir()
        subprocess.run(["chattr", "+F", FOLDED / "folder"], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", FOLDED], check=False)
        FOLDED.rmdir()
        image.unlink()


def test_names_that_are_one_to_the_file_system(lab: Lab) -> None:
    """
    To such a file system a file has the name that it was looked up by, which is all that the kernel knows of it.

    So a rule that allows cannot be widened, but one that denies can be gone round: krsi.hooks says so at file_open.
    """
    small, large = FOLDED / "folder/file", FOLDED / "folder/FILE"

    def readable() -> list[str]:
        found = []
        for path in (large, small, large):
            for _ in range(2):  # once to make them old
                Path("/proc/sys/vm/drop_caches").write_text("2")
            with suppress(PermissionError):
                read(str(path))
                found.append(path.name)
        return found

    allowing = f'{HEAD}    - {{allow: read, path: {small}}}\n    - {{allow: any, path: "/proc/**"}}\n'
    with folded_file_system():
        small.write_bytes(TEXT)
        with lab.policy(allowing):
            outcome = lab.do("victim", readable)
            told = refusals(lab)
    assert outcome == Outcome(["file"])
    assert {event["file"]["path"] for event in told} == {str(large)}
