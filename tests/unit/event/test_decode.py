"""Records of the ring, decoded."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krsi.errors import AbiError
from krsi.event.decode import Record
from krsi.hooks import HOOKS

from .records import ABI, DECODER, exec_raw, raw, record


def decoded(data: bytes) -> Record:
    return DECODER.decode(memoryview(data))


def test_a_denial() -> None:
    """
    Numbers become the words of the ABI, and texts stand behind the struct.
    """
    found = record(b"/etc/shadow", access="read write", refused="read", owner="self", device=8 << 20 | 1, inode=5)

    assert (found.kind, found.operation, found.verdict, found.reason) == ("decision", "file.open", "deny", "record")
    assert (found.mode, found.access, found.refused) == ("enforce", ("read", "write"), ("read",))
    assert (found.seq, found.boottime_ns, found.tgid, found.tid, found.comm) == (7, 2_000_000_123, 100, 101, b"web")
    assert (found.path, found.target, found.args) == (b"/etc/shadow", None, None)
    assert (found.owner, found.error, found.cut) == (True, "EACCES", ())


def test_every_hook_has_an_operation() -> None:
    """
    Whatever hook a record names, what it is called in events is in the table.
    """
    assert {record(hook=hook.name).operation for hook in HOOKS} == {hook.operation for hook in HOOKS}


@pytest.mark.parametrize(("owner", "expected"), [("other", False), ("self", True), ("unknown", None)])
def test_owners(owner: str, expected: bool | None) -> None:
    """
    Whose an object is may be something that the kernel cannot say.
    """
    assert record(owner=owner).owner is expected


def test_two_names() -> None:
    """
    A rename has two paths, and either may have lost its beginning.
    """
    found = record(b"/a", b"/b", hook="path_rename", access="rename", cut="path target")

    assert (found.path, found.target, found.cut) == (b"/a", b"/b", ("path", "target"))


def test_no_path() -> None:
    """
    An object may have no path, which is something else than an empty one.
    """
    found = record(reason="unresolved")

    assert (found.path, found.target) == (None, None)


def test_arguments_end_where_the_environment_begins() -> None:
    """
    Behind a program's arguments lies its environment, which is not told.
    """
    found = decoded(exec_raw(b"/bin/sh", b"sh\0-c\0\0SECRET=1\0", argc=3))

    assert (found.kind, found.args, found.cut) == ("exec", (b"sh", b"-c", b""), ())


@pytest.mark.parametrize("argc", [2, 3, 1000])
def test_arguments_that_are_not_whole(argc: int) -> None:
    """
    Of arguments that do not fit the beginning is told, and that it is no more.
    """
    found = decoded(exec_raw(b"/bin/sh", b"sh\0-c and so o", argc=argc))

    assert (found.args, found.cut) == ((b"sh", b"-c and so o"), ("args",))


def test_arguments_that_could_not_be_read() -> None:
    """
    None are told then, rather than a list of nothing.
    """
    assert decoded(exec_raw(b"/bin/sh", b"", argc=2)).args is None


@pytest.mark.parametrize(
    ("tgids", "expected"),
    [
        ([30, 20, 1, 7, 7, 7, 7, 7], (30, 20, 1)),
        ([1, 9, 9, 9, 9, 9, 9, 9], (1,)),
        ([0, 9, 9, 9, 9, 9, 9, 9], ()),
        ([9, 8, 7, 6, 5, 4, 3, 2], (9, 8, 7, 6, 5, 4, 3, 2)),
    ],
)
def test_ancestors_end_with_the_first_process(tgids: list[int], expected: tuple[int, ...]) -> None:
    """
    Behind the last ancestor the kernel leaves whatever was there.
    """
    assert record(ancestors=tgids).ancestors == expected


def test_a_record_that_is_too_short() -> None:
    """
    It is refused at whatever byte it ends.
    """
    data = raw(b"/etc/passwd", b"/etc/shadow")
    for end in range(len(data)):
        with pytest.raises((ValueError, AbiError)):
            decoded(data[:end])


def test_padding_is_no_text() -> None:
    """
    The ring's records may be longer than what they hold.
    """
    assert decoded(raw(b"/a") + b"rest").path == b"/a"


@pytest.mark.parametrize("field", ["kind", "hook", "verdict", "reason", "mode", "access", "cut"])
def test_numbers_without_a_name(field: str) -> None:
    """
    What the ABI has no word for is an error of this build, not a guess.
    """
    unnamed: dict[str, Any] = {field: 1 << 31}
    with pytest.raises(AbiError):
        record(**unnamed)


@given(st.binary(max_size=ABI.size("event") + 64))
def test_no_bytes_break_the_decoder(data: bytes) -> None:
    """
    Bytes are a record, or are refused in one of two ways.
    """
    with suppress(ValueError, AbiError):
        decoded(data)
