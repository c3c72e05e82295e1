"""What the attacks on paths have in common: a file that the victim must not have, and one like it that it may."""

import errno
import os
from pathlib import Path

from .lab import Act, Document, Lab, prove

ALLOWED, SECRET = "/t/yes/file", "/t/no/file"
TEXT = b"secret"
HERE: Document = {"path": SECRET}

READER = """
- profile: victim
  files:
    - {allow: any, path: "/{t,dev,proc}/{,**}"}
    - {deny: read, path: "/t/no/**"}
"""
"""Everything is allowed but to read the secret."""

LAUNDERS = "by the new name more could be done to it than by the old one"
UNRESOLVED = "the object has no path: it is detached, deleted with its file system, too deep, or has no name"


def secrets() -> None:
    for path in (ALLOWED, SECRET):
        Path(path).parent.mkdir()
        Path(path).write_bytes(TEXT)


def untouched() -> None:
    """See that nothing has happened to the secret."""
    assert Path(SECRET).read_bytes() == TEXT
    assert Path(SECRET).stat().st_nlink == 1


def anything() -> None:
    """After which nothing is known of the secret's name."""


def read(path: str | bytes, folder: int | None = None) -> None:
    """Read what must be the secret's text."""
    fd = os.open(path, os.O_RDONLY, dir_fd=folder)
    try:
        assert os.read(fd, 99) == TEXT
    finally:
        os.close(fd)


def listed(folder: str) -> list[str]:
    return sorted(entry.name for entry in Path(folder).iterdir())


def hold(held: list[int], *paths: str) -> None:
    """Keep descriptors of *paths* in *held*, in place of those that were there."""
    for fd in held:
        os.close(fd)
    held[:] = [os.open(path, os.O_PATH) for path in paths]


def refused(
    lab: Lab,
    act: Act,
    control: Act,
    *,
    operation: str = "file.open",
    access: str = "read",
    file: Document = HERE,
    reason: str | None = None,
    policy: str = READER,
    make: Act = secrets,
    prepare: Act | None = None,
    after: Act = untouched,
) -> None:
    """*act* is refused for *access* to *file*, and leaves the secret as it was."""
    told = {"verdict": "denied", "operation": operation, "refused": [access], "errno": "EACCES", "file": file}
    prove(
        lab,
        policy=policy,
        make=make,
        act=act,
        control=control,
        event=told | ({"reason": reason} if reason else {}),
        errno=errno.EACCES,
        prepare=prepare,
        after=after,
    )
