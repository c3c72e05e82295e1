r"""
An event, as users get it (EVENTS.md). What is unknown is absent: every field has a default that is left out.

Bytes that are no UTF-8 are escaped as ``\xHH``, and so are control characters; the event says ``escaped`` then.
"""

from msgspec import Struct


class Doc(Struct, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """A part of a document: left out of it are fields that have their default."""


class Ancestor(Doc, frozen=True):
    """A process further up; nearest first."""

    pid: int


class Process(Doc, frozen=True):
    """
    Who did it.

    :ivar exec_id: boot id, pid and start: unique on the host over reboots, and the same in all events of one image
    :ivar name: what the kernel calls the thread (comm)
    """

    pid: int
    tid: int
    exec_id: str
    name: str
    ppid: int | None = None
    exe: str | None = None
    args: list[str] | None = None
    start: str | None = None
    uid: int | None = None
    gid: int | None = None
    euid: int | None = None
    ancestors: list[Ancestor] | None = None


class File(Doc, frozen=True):
    """
    What was accessed.

    :ivar target: the second name of a rename or link
    :ivar device: major:minor of the superblock
    :ivar descriptor: of a descriptor that was refused with an exec: its number
    """

    path: str | None = None
    target: str | None = None
    type: str | None = None
    inode: int | None = None
    device: str | None = None
    mode: str | None = None
    owner: int | None = None
    descriptor: int | None = None


class Event(Doc, frozen=True):
    """
    One thing that happened.

    :ivar rule: where the verdict came from: ``file:line``, or ``default``
    :ivar truncated: names of fields that are longer than they could be told
    """

    time: str
    event: str
    seq: int | None = None
    verdict: str | None = None
    operation: str | None = None
    access: list[str] | None = None
    refused: list[str] | None = None
    errno: str | None = None
    profile: str | None = None
    mode: str | None = None
    policy: int | None = None
    rule: str | None = None
    reason: str | None = None
    severity: str | None = None
    tags: list[str] | None = None
    process: Process | None = None
    file: File | None = None
    message: str | None = None
    count: int | None = None
    first: int | None = None
    last: int | None = None
    escaped: bool = False
    truncated: list[str] | None = None
