"""The ring buffer, emptied a batch at a time: no Python runs for a record until somebody iterates."""

import os
import select
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from krsi import _native
from krsi.bpf.handle import Scope, fill_info
from krsi.bpf.uapi import MapInfo
from krsi.errors import KernelError

HEADER = struct.Struct("=II")
"""Before each record of a batch: its length in bytes, and zero."""

_uncleared = _native.ffi.new_allocator(should_clear_after_alloc=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """
    Records as they left the ring, each with a :data:`HEADER` and padded to a multiple of 8 bytes.

    :param data: valid until the next drain, which writes over it
    """

    data: memoryview
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[memoryview]:
        for at, size in self.spans():
            yield self.data[at : at + size]

    def spans(self) -> Iterator[tuple[int, int]]:
        """Walk the records as (offset, length) in ``data``: cheaper than a view of each, and enough to unpack from."""
        data, at, unpack = self.data, HEADER.size, HEADER.unpack_from
        for _ in range(self.count):
            size: int = unpack(data, at - HEADER.size)[0]
            yield at, size
            at += ((size + 7) & ~7) + HEADER.size


class RingBuffer(Scope):
    """
    The reading end of a ring buffer map; one ring has one reader.

    :param map_fd: stays the caller's
    :ivar capacity: bytes that the ring holds
    """

    def __init__(self, map_fd: int) -> None:
        info = MapInfo()
        fill_info(map_fd, info)
        self.capacity: int = info.max_entries
        self._buffer = _uncleared("unsigned char[]", 0)
        self._count = _native.ffi.new("uint32_t *")
        self._lock = threading.Lock()  # cffi lets other threads run, and a drain must not end under one of them
        self._map_fd = os.dup(map_fd)
        self._drain = _native.lib.krsi_drain_open(self._map_fd)
        if not self._drain:
            number = _native.ffi.errno
            os.close(self._map_fd)
            raise KernelError(number, "open ring buffer")

    def fileno(self) -> int:
        """Return a descriptor to be polled for reading."""
        return int(_native.lib.krsi_drain_fd(self._live))

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until there is something to drain, or for *timeout_s* seconds; say whether there is."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(None if timeout_s is None else timeout_s * 1000))

    def drain(self, limit_bytes: int = 1 << 20) -> Batch:
        """
        Take pending records until they fill *limit_bytes*; the last one may go beyond.

        An empty batch says that the ring was empty or its next record is still being written.
        """
        with self._lock:
            room = limit_bytes + self.capacity + HEADER.size
            if len(self._buffer) < room:
                self._buffer = _uncleared("unsigned char[]", room)
            size = _native.lib.krsi_drain_run(self._live, self._buffer, room, limit_bytes, self._count)
            if size < 0:
                raise KernelError(-size, "drain ring buffer")
            return Batch(memoryview(_native.ffi.buffer(self._buffer))[:size].toreadonly(), self._count[0])

    def close(self) -> None:
        """Stop reading; what is in the ring stays there for the next reader."""
        with self._lock:
            drain, self._drain = self._drain, _native.ffi.NULL
            if drain:
                _native.lib.krsi_drain_close(drain)
                os.close(self._map_fd)

    @property
    def _live(self) -> object:
        if not self._drain:
            raise ValueError("ring buffer is closed")
        return self._drain
