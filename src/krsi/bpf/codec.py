"""
Structs to and from bytes, by layouts that were read from BTF.

A member called ``zero`` (or ``zero1`` …) is padding: written as zeros, left out of what is read.
"""

import keyword
import re
import struct
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from krsi.bpf.layout import Array, Bytes, Integer, Shape, Struct
from krsi.errors import AbiError

_PADDING = re.compile(r"zero\d*")
_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}

ReadOnly = bytes | bytearray | memoryview
Values = Iterator[Any]


@dataclass(frozen=True, slots=True)
class Leaf:
    """
    What one element of the flat form holds.

    :param name: the path of members to it, joined by dots, elements of arrays by their number: ``"key.allow.0"``
    :param code: of :mod:`struct`
    """

    name: str
    code: str
    size: int

    @property
    def padding(self) -> bool:
        """Whether it is left out."""
        return self.code.endswith("x")


class Codec:
    """
    One struct, to and from bytes.

    The event path wants :attr:`unpack_from`, which gives the flat tuple that :attr:`fields` names, or :meth:`read`,
    which gives the same as a named tuple; dictionaries are for the rest. Characters come as they stand, with what
    follows their NUL.
    """

    def __init__(self, name: str, shape: Struct) -> None:
        leaves = tuple(_leaves(shape, ""))
        self.name = name
        self.size = shape.size
        self.struct = struct.Struct("=" + "".join(leaf.code for leaf in leaves))
        self.leaves = tuple(leaf for leaf in leaves if not leaf.padding)
        self.fields = tuple(leaf.name.replace(".", "_") for leaf in self.leaves)
        self.unpack_from: Callable[..., tuple[Any, ...]] = self.struct.unpack_from
        self.row = _row(name, self.fields)
        self._make = self.row._make
        self._tree = _reader(shape)
        self._write = _writer(shape, name)

    def read(self, buffer: ReadOnly, offset: int = 0) -> Any:
        """Return the struct at *offset* as a named tuple of :attr:`fields`."""
        return self._make(self.unpack_from(buffer, offset))

    def unpack(self, buffer: ReadOnly, offset: int = 0) -> dict[str, Any]:
        """
        Return the struct at *offset* as nested dictionaries, arrays as tuples.

        :raises AbiError: *buffer* ends before it does
        """
        try:
            flat = self.unpack_from(buffer, offset)
        except struct.error:
            raise AbiError(f"{self.name} has {self.size} bytes, not {len(buffer) - offset}") from None
        tree: dict[str, Any] = self._tree(iter(flat))
        return tree

    def pack(self, values: Mapping[str, Any]) -> bytes:
        """
        Return the bytes of *values*, nested as :meth:`unpack` gives them.

        :raises AbiError: a member is missing, unknown, or does not fit
        """
        flat: list[Any] = []
        self._write(values, flat)
        for leaf, value in zip(self.leaves, flat, strict=True):
            if isinstance(value, bytes | bytearray) and len(value) > leaf.size:
                raise AbiError(f"{self.name}: '{leaf.name}' has {leaf.size} bytes, not {len(value)}")
        try:
            return self.struct.pack(*flat)
        except struct.error:
            raise AbiError(self._misfit(flat)) from None

    def _misfit(self, flat: list[Any]) -> str:
        for leaf, value in zip(self.leaves, flat, strict=True):
            try:
                struct.pack("=" + leaf.code, value)
            except struct.error as error:
                return f"{self.name}: '{leaf.name}' cannot be {value!r}: {error}"
        return f"{self.name} cannot be packed"


def _row(name: str, fields: tuple[str, ...]) -> Any:
    seen = set[str]()
    for field in (name, *fields):
        if field in seen or not field.isidentifier() or keyword.iskeyword(field) or field.startswith("_"):
            raise AbiError(f"{name}: member '{field}' cannot be named in Python, or is there twice")
        seen.update({field} - {name})
    return namedtuple(name, fields)


def _leaves(shape: Shape, path: str) -> Iterator[Leaf]:
    match shape:
        case Integer():
            code = _CODES[shape.size]
            yield Leaf(path, code.lower() if shape.signed else code, shape.size)
        case Bytes():
            yield Leaf(path, f"{shape.size}s", shape.size)
        case Array():
            for number in range(shape.count):
                yield from _leaves(shape.element, f"{path}.{number}")
        case Struct():
            for field in shape.fields:
                inner = f"{path}.{field.name}" if path else field.name
                if _PADDING.fullmatch(field.name):
                    yield Leaf(inner, f"{field.shape.size}x", field.shape.size)
                else:
                    yield from _leaves(field.shape, inner)


def _reader(shape: Shape) -> Callable[[Values], Any]:
    match shape:
        case Array():
            element, count = _reader(shape.element), shape.count
            if element is next:
                return lambda values: tuple(islice(values, count))
            return lambda values: tuple(element(values) for _ in range(count))
        case Struct():
            fields = [field for field in shape.fields if not _PADDING.fullmatch(field.name)]
            names, readers = [field.name for field in fields], [_reader(field.shape) for field in fields]
            if all(reader is next for reader in readers):
                return lambda values: dict(zip(names, values, strict=False))  # takes no more values than names
            return lambda values: {name: reader(values) for name, reader in zip(names, readers, strict=True)}
    return next


def _writer(shape: Shape, where: str) -> Callable[[Any, list[Any]], None]:
    match shape:
        case Array():
            return _array_writer(shape, where)
        case Struct():
            return _struct_writer(shape, where)
    return lambda value, flat: flat.append(value)


def _array_writer(shape: Array, where: str) -> Callable[[Any, list[Any]], None]:
    element = _writer(shape.element, f"{where}[]")

    def write(values: Any, flat: list[Any]) -> None:
        if not isinstance(values, list | tuple) or len(values) != shape.count:
            raise AbiError(f"{where} takes {shape.count} values, not {values!r}")
        for value in values:
            element(value, flat)

    return write


def _struct_writer(shape: Struct, where: str) -> Callable[[Any, list[Any]], None]:
    writers = {
        field.name: _writer(field.shape, f"{where}.{field.name}")
        for field in shape.fields
        if not _PADDING.fullmatch(field.name)
    }

    def write(values: Any, flat: list[Any]) -> None:
        if not isinstance(values, Mapping) or values.keys() != writers.keys():
            raise AbiError(f"{where} takes {', '.join(writers)}; not {values!r}")
        for name, member in writers.items():
            member(values[name], flat)

    return write
