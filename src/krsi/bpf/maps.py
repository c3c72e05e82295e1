"""Maps as bytes: a key and a value are as long as the kernel says that this map's are, and nothing else."""

import ctypes
import errno
import mmap
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NoReturn, Self

from krsi.bpf import libbpf
from krsi.bpf.handle import Handle, fill_info
from krsi.bpf.opts import MapCreateOpts
from krsi.bpf.uapi import MapInfo, MapType, UpdateFlag
from krsi.errors import AbiError, KernelError

PER_CPU = frozenset({MapType.PERCPU_HASH, MapType.PERCPU_ARRAY, MapType.LRU_PERCPU_HASH, MapType.PERCPU_CGROUP_STORAGE})
"""Kinds whose value is one for each possible CPU, each padded to 8 bytes."""


@dataclass(frozen=True, slots=True)
class MapShape:
    """
    What a map is made of; sizes are in bytes.

    :param max_entries: of a ring buffer, bytes
    :param inner: for maps of maps, the map whose shape all inner maps have
    """

    type: MapType
    key_size: int
    value_size: int
    max_entries: int
    flags: int = 0
    inner: "Map | None" = None


class Map(Handle):
    """
    A map in the kernel.

    :param name: as people should read it; the kernel keeps only 15 bytes of one
    """

    KIND = "bpf-map"

    def __init__(self, fd: int, name: str = "") -> None:
        info = MapInfo()
        fill_info(fd, info)
        super().__init__(fd, name or info.name.decode(errors="replace"))
        self.id: int = info.id
        self.type: int = info.type
        self.key_size: int = info.key_size
        self.value_size: int = info.value_size
        self.max_entries: int = info.max_entries
        self.flags: int = info.map_flags
        self.value_bytes: int = self.value_size  # what one lookup copies
        if self.type in PER_CPU:
            self.value_bytes = _padded(self.value_size) * libbpf.libbpf_num_possible_cpus()
        self._key_type: type[ctypes.Array[ctypes.c_char]] = ctypes.c_char * self.key_size
        self._value_type: type[ctypes.Array[ctypes.c_char]] = ctypes.c_char * self.value_bytes

    @classmethod
    def create(cls, name: str, shape: MapShape) -> Self:
        """Make a map that no object describes."""
        options = MapCreateOpts(map_flags=shape.flags)
        if shape.inner is not None:
            options.inner_map_fd = shape.inner.fd
        sizes = (shape.key_size, shape.value_size, shape.max_entries)
        with libbpf.doing(f"create map '{name}'"):
            fd = libbpf.bpf_map_create(shape.type, name.encode()[:15], *sizes, ctypes.byref(options))
        return cls.owning(fd, name)

    @classmethod
    def by_id(cls, number: int) -> Self:
        """Open the map with this id, such as a map of maps holds."""
        with libbpf.doing(f"open map with id {number}"):
            fd = libbpf.bpf_map_get_fd_by_id(number)
        return cls.owning(fd)

    def __str__(self) -> str:
        return f"map '{self.name}'"

    def lookup(self, key: bytes = b"") -> bytes | None:
        """
        Return a copy of the value at *key*, or None.

        Of a per-CPU map that is all CPUs' values, see :meth:`per_cpu`; of a queue or stack, which have no keys, the
        next to be popped; of a map of maps, the inner map's id.
        """
        if len(key) != self.key_size:
            self._misfit("key", key, self.key_size)
        value = self._value_type()
        try:
            libbpf.bpf_map_lookup_elem(self.fd, key or None, value)
        except KernelError as error:
            self._unless_absent(error, "look up in")
            return None
        return value.raw

    def update(self, key: bytes, value: bytes, flag: UpdateFlag = UpdateFlag.ANY) -> None:
        """
        Set the value at *key*; a map of maps takes the inner map's descriptor, see :meth:`set_inner`.

        :raises KernelError: EEXIST or ENOENT as *flag* demands, E2BIG if the map is full or *key* out of its range
        """
        if len(key) != self.key_size:
            self._misfit("key", key, self.key_size)
        if len(value) != self.value_bytes:
            self._misfit("value", value, self.value_bytes)
        try:
            libbpf.bpf_map_update_elem(self.fd, key or None, value, flag)  # no key must be NULL
        except KernelError as error:
            self._failed(error, "update")

    def push(self, value: bytes) -> None:
        """Add *value* to a queue or stack."""
        self.update(b"", value)

    def pop(self) -> bytes | None:
        """Take the next value of a queue or stack, or None if there is none."""
        return self.take(b"")

    def take(self, key: bytes) -> bytes | None:
        """Return the value at *key* and delete it, in one step; None if there is none."""
        if len(key) != self.key_size:
            self._misfit("key", key, self.key_size)
        value = self._value_type()
        try:
            libbpf.bpf_map_lookup_and_delete_elem(self.fd, key or None, value)
        except KernelError as error:
            self._unless_absent(error, "take from")
            return None
        return value.raw

    def delete(self, key: bytes) -> bool:
        """Delete the entry at *key*; say whether there was one."""
        if len(key) != self.key_size:
            self._misfit("key", key, self.key_size)
        try:
            libbpf.bpf_map_delete_elem(self.fd, key)
        except KernelError as error:
            self._unless_absent(error, "delete from")
            return False
        return True

    def next_key(self, key: bytes | None = None) -> bytes | None:
        """Return the key after *key*, the first one for None, or None at the end."""
        if key is not None and len(key) != self.key_size:
            self._misfit("key", key, self.key_size)
        found = self._key_type()
        try:
            libbpf.bpf_map_get_next_key(self.fd, key, found)
        except KernelError as error:
            self._unless_absent(error, "walk")
            return None
        return found.raw

    def keys(self) -> Iterator[bytes]:
        """
        Walk the keys, each once.

        If the entry at hand is deleted meanwhile the kernel begins again, so what was seen is remembered.
        """
        seen = set[bytes]()
        key = self.next_key()
        while key is not None:
            if key not in seen:
                seen.add(key)
                yield key
            key = self.next_key(key)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Walk the entries one by one; an entry deleted meanwhile is left out."""
        for key in self.keys():
            value = self.lookup(key)
            if value is not None:
                yield key, value

    def per_cpu(self, value: bytes) -> list[bytes]:
        """Split a per-CPU map's value into the possible CPUs'."""
        stride = _padded(self.value_size)
        return [value[at : at + self.value_size] for at in range(0, len(value), stride)]

    def for_cpus(self, values: Iterable[bytes]) -> bytes:
        """Join values, one for each possible CPU, into what a per-CPU map takes."""
        return b"".join(value.ljust(_padded(self.value_size), b"\0") for value in values)

    def set_inner(self, key: bytes, inner: "Map") -> None:
        """Put *inner* into this map of maps, which then holds it too."""
        self.update(key, inner.fd.to_bytes(4, sys.byteorder))

    def inner(self, key: bytes) -> "Map | None":
        """Open the inner map at *key*; the caller closes it."""
        number = self.lookup(key)
        return None if number is None else Map.by_id(int.from_bytes(number, sys.byteorder))

    def freeze(self) -> None:
        """Forbid all further changes from user space, for good."""
        with libbpf.doing(f"freeze {self}"):
            libbpf.bpf_map_freeze(self.fd)

    def mmap(self, *, writable: bool = True) -> mmap.mmap:
        """Map an array made with BPF_F_MMAPABLE into memory: values follow each other, padded to 8 bytes each."""
        length = _padded(self.value_size) * self.max_entries
        pages = -(-length // mmap.PAGESIZE) * mmap.PAGESIZE
        try:
            return mmap.mmap(
                self.fd, pages, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE if writable else mmap.PROT_READ
            )
        except OSError as error:
            raise KernelError(error.errno or 0, f"mmap {self}") from error

    def _unless_absent(self, error: KernelError, verb: str) -> None:
        if error.errno != errno.ENOENT:
            self._failed(error, verb)

    def _failed(self, error: KernelError, verb: str) -> NoReturn:
        raise KernelError(error.errno or 0, f"{verb} {self}") from error

    def _misfit(self, what: str, given: bytes, size: int) -> NoReturn:
        raise AbiError(f"{self} takes a {what} of {size} bytes, not of {len(given)}")


def _padded(size: int) -> int:
    return (size + 7) & ~7
