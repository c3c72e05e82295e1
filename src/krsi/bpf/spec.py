"""What may be changed of an object that has not been loaded."""

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from krsi.bpf import libbpf
from krsi.bpf.maps import Map
from krsi.errors import KernelError


class ObjectPointer:
    """A ``struct bpf_object``, freed once; whoever uses it later gets a ValueError, not freed memory."""

    def __init__(self, pointer: int, name: str) -> None:
        self._pointer: int | None = pointer
        self.name = name

    def check(self) -> None:
        """Refuse if the object is gone."""
        if self._pointer is None:
            raise ValueError(f"object '{self.name}' is closed, or was loaded and is changed no more")

    @property
    def live(self) -> int:
        """The pointer, while there is something behind it."""
        self.check()
        return self._pointer or 0

    def take(self) -> Self:
        """Return a new owner of the object and forget it here."""
        pointer, self._pointer = self.live, None
        return type(self)(pointer, self.name)

    def programs(self) -> Iterator["ProgramSpec"]:
        """Walk the programs in the order of the file."""
        for pointer in libbpf.pointers(libbpf.bpf_object__next_program, self.live):
            yield ProgramSpec(self, pointer)

    def maps(self) -> Iterator["MapSpec"]:
        """Walk the maps in the order of the file."""
        for pointer in libbpf.pointers(libbpf.bpf_object__next_map, self.live):
            yield MapSpec(self, pointer)

    def close(self) -> None:
        """Free the object and close libbpf's descriptors."""
        pointer, self._pointer = self._pointer, None
        if pointer is not None:
            libbpf.bpf_object__close(pointer)


class ProgramSpec:
    """A program to be loaded, unless ``autoload`` is set to False."""

    def __init__(self, owner: ObjectPointer, pointer: int) -> None:
        self._owner, self._pointer = owner, pointer
        self.name: str = libbpf.bpf_program__name(pointer).decode()
        self.section: str = libbpf.bpf_program__section_name(pointer).decode()
        self.type: int = libbpf.bpf_program__type(pointer)

    @property
    def live(self) -> int:
        """The pointer, while there is something behind it."""
        self._owner.check()
        return self._pointer

    def dup(self) -> int:
        """Return a descriptor of the loaded program for the caller to own."""
        return _dup(libbpf.bpf_program__fd(self.live), self.name)

    @property
    def autoload(self) -> bool:
        """Whether loading the object loads this program."""
        return bool(libbpf.bpf_program__autoload(self.live))

    @autoload.setter
    def autoload(self, on: bool) -> None:
        libbpf.bpf_program__set_autoload(self.live, on)


class MapSpec:
    """A map to be created, unless ``autocreate`` is set to False."""

    def __init__(self, owner: ObjectPointer, pointer: int) -> None:
        self._owner, self._pointer = owner, pointer
        self.name: str = (libbpf.bpf_map__name(pointer) or b"").decode()
        self.type: int = libbpf.bpf_map__type(pointer)
        self.key_size: int = libbpf.bpf_map__key_size(pointer)

    @property
    def live(self) -> int:
        """The pointer, while there is something behind it."""
        self._owner.check()
        return self._pointer

    def dup(self) -> int:
        """Return a descriptor of the created map for the caller to own."""
        return _dup(libbpf.bpf_map__fd(self.live), self.name)

    @property
    def max_entries(self) -> int:
        """How many entries it has room for; of a ring buffer, bytes."""
        return int(libbpf.bpf_map__max_entries(self.live))

    @max_entries.setter
    def max_entries(self, count: int) -> None:
        libbpf.bpf_map__set_max_entries(self.live, count)

    @property
    def value_size(self) -> int:
        """Bytes of a value."""
        return int(libbpf.bpf_map__value_size(self.live))

    @value_size.setter
    def value_size(self, size: int) -> None:
        libbpf.bpf_map__set_value_size(self.live, size)

    @property
    def autocreate(self) -> bool:
        """Whether loading the object makes this map."""
        return bool(libbpf.bpf_map__autocreate(self.live))

    @autocreate.setter
    def autocreate(self, on: bool) -> None:
        libbpf.bpf_map__set_autocreate(self.live, on)

    @property
    def pin_path(self) -> Path | None:
        """Where loading finds or pins this map; a map found there must have the same shape."""
        path = libbpf.bpf_map__pin_path(self.live)
        return None if path is None else Path(os.fsdecode(path))

    @pin_path.setter
    def pin_path(self, path: Path | None) -> None:
        libbpf.bpf_map__set_pin_path(self.live, None if path is None else os.fsencode(path))

    @property
    def inner(self) -> "MapSpec | None":
        """Of a map of maps, the shape of its inner maps as the object defines it."""
        pointer = libbpf.bpf_map__inner_map(self.live)
        return None if pointer is None else MapSpec(self._owner, pointer)

    def set_inner(self, inner: Map) -> None:
        """Let *inner* be the pattern of a map of maps' inner maps, in place of what the object defines, if anything."""
        libbpf.bpf_map__set_inner_map_fd(self.live, inner.fd)

    def set_initial(self, offset: int, data: bytes) -> None:
        """
        Overwrite a part of what a data section's map will begin with.

        :raises ValueError: the section ends before that, or the map is of no section
        """
        size = ctypes.c_size_t()
        start = libbpf.bpf_map__initial_value(self.live, ctypes.byref(size))
        if start is None or offset < 0 or offset + len(data) > size.value:
            raise ValueError(f"map '{self.name}' has no initial bytes {offset} to {offset + len(data)}")
        ctypes.memmove(start + offset, data, len(data))


def _dup(fd: int, name: str) -> int:
    try:
        return os.dup(fd)
    except OSError as error:
        raise KernelError(error.errno or 0, f"hold '{name}'") from error
