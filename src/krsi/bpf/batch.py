"""Many entries by one system call, where the kind of map has it (BPF_MAP_*_BATCH); one by one where it has not."""

import ctypes
import errno
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from krsi.bpf import libbpf
from krsi.bpf.maps import Map
from krsi.bpf.opts import BatchOpts
from krsi.bpf.uapi import ENOTSUPP, UpdateFlag
from krsi.errors import AbiError, KernelError

CHUNK = 4096
"""Entries that one system call copies, at most."""

CHUNK_BYTES = 4 << 20
"""Bytes that one system call copies, unless one hash bucket or one entry has more."""


def read(of: Map) -> dict[bytes, bytes]:
    """Return all entries of *of*; those changed meanwhile may be old, new or missing."""
    try:
        return dict(_read_chunks(of))
    except KernelError as error:
        if error.errno != ENOTSUPP:
            raise KernelError(error.errno or 0, f"read {of}") from error
    return dict(of.items())


def write(to: Map, entries: Mapping[bytes, bytes], flag: UpdateFlag = UpdateFlag.ANY) -> None:
    """
    Set *entries*.

    :raises KernelError: some of them may have been set
    """
    pairs = iter(entries.items())
    while chunk := tuple(islice(pairs, _chunk(to))):
        keys = _joined(to, "key", [key for key, _ in chunk], to.key_size)
        values = _joined(to, "value", [value for _, value in chunk], to.value_bytes)
        if not _write_chunk(to, keys, values, len(chunk), flag):
            for key, value in chunk:
                to.update(key, value, flag)


def delete(of: Map, keys: Iterable[bytes]) -> None:
    """Delete the entries at *keys*, those that there are."""
    rest = list(keys)
    try:
        while rest:
            rest = rest[_delete_chunk(of, rest[: _chunk(of)]) :]
    except KernelError as error:
        if error.errno != ENOTSUPP:
            raise KernelError(error.errno or 0, f"delete entries of {of}") from error
        for key in rest:
            of.delete(key)


def _read_chunks(of: Map) -> Iterator[tuple[bytes, bytes]]:
    size, before = _chunk(of), None
    after = ctypes.create_string_buffer(max(of.key_size, 4))  # a key, or the number of a hash bucket
    while True:
        keys = ctypes.create_string_buffer(size * of.key_size)
        values = ctypes.create_string_buffer(size * of.value_bytes)
        count = ctypes.c_uint32(size)
        number = _errno_of(
            libbpf.bpf_map_lookup_batch, of.fd, before, after, keys, values, ctypes.byref(count), _options()
        )
        if number == errno.ENOSPC:  # one hash bucket has more entries than that
            size *= 2
            continue
        if number not in {0, errno.ENOENT}:
            raise KernelError(number, "bpf_map_lookup_batch")
        yield from zip(_split(keys, of.key_size, count.value), _split(values, of.value_bytes, count.value), strict=True)
        if number == errno.ENOENT:
            return
        before = ctypes.create_string_buffer(after.raw, len(after))


def _write_chunk(to: Map, keys: bytes, values: bytes, size: int, flag: UpdateFlag) -> bool:
    count = ctypes.c_uint32(size)
    number = _errno_of(libbpf.bpf_map_update_batch, to.fd, keys, values, ctypes.byref(count), _options(flag))
    if number not in {0, ENOTSUPP}:
        raise KernelError(number, f"update {to}, {count.value} entries of {size} done")
    return number == 0


def _delete_chunk(of: Map, keys: Sequence[bytes]) -> int:
    count = ctypes.c_uint32(len(keys))
    joined = _joined(of, "key", keys, of.key_size)
    number = _errno_of(libbpf.bpf_map_delete_batch, of.fd, joined, ctypes.byref(count), _options())
    if number == errno.ENOENT:  # the kernel stops at a key that is not there
        return count.value + 1
    if number:
        raise KernelError(number, "bpf_map_delete_batch")
    return len(keys)


def _chunk(of: Map) -> int:
    return max(1, min(CHUNK, CHUNK_BYTES // max(1, of.key_size + of.value_bytes)))


def _errno_of(call: Callable[..., int], *arguments: object) -> int:
    try:
        call(*arguments)
    except KernelError as error:
        return error.errno or 0
    return 0


def _options(flag: UpdateFlag = UpdateFlag.ANY) -> object:
    return ctypes.byref(BatchOpts(elem_flags=flag))


def _joined(of: Map, what: str, parts: Sequence[bytes], size: int) -> bytes:
    wrong = next((part for part in parts if len(part) != size), None)
    if wrong is not None:
        raise AbiError(f"{of} takes a {what} of {size} bytes, not of {len(wrong)}")
    return b"".join(parts)


def _split(buffer: ctypes.Array[ctypes.c_char], size: int, count: int) -> list[bytes]:
    raw = buffer.raw
    return [raw[at : at + size] for at in range(0, size * count, size)]
