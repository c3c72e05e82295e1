"""
How a C type lies in memory, read from BTF, under the law that holds for everything that kernel and Python share.

Fixed-width integers and enums, arrays and structs of them, and unions all of whose members are equally long. No
pointer, bool, float, ``long``, bitfield, packed struct or hole: memory of the ring buffer is not cleared, so a hole
would carry kernel bytes out, and one in a map's key would make equal keys differ.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from krsi.bpf.btf import Btf
from krsi.bpf.btf_types import Kind, Member, Type
from krsi.errors import AbiError

LARGEST = 1 << 16
"""Bytes of the largest type that is read; no map value or record of ours comes near."""

_LONG = {"long", "long int", "unsigned long", "long unsigned int"}
_DEEPEST = 32
_SIZES = {1, 2, 4, 8}
_BOOL = 4


@dataclass(frozen=True, slots=True)
class Integer:
    """A fixed-width integer or an enum."""

    ctype: str
    size: int
    signed: bool

    @property
    def align(self) -> int:
        """Bytes."""
        return self.size


@dataclass(frozen=True, slots=True)
class Bytes:
    """An array of characters or bytes, or a union, which only who wrote it can read."""

    ctype: str
    size: int
    align: int = 1


@dataclass(frozen=True, slots=True)
class Array:
    """Several of one shape."""

    element: "Shape"
    count: int

    @property
    def ctype(self) -> str:
        """The element's."""
        return self.element.ctype

    @property
    def size(self) -> int:
        """Bytes."""
        return self.element.size * self.count

    @property
    def align(self) -> int:
        """Bytes."""
        return self.element.align


@dataclass(frozen=True, slots=True)
class Field:
    """A member; ``offset`` is in bytes from the beginning of its struct."""

    name: str
    offset: int
    shape: "Shape"


@dataclass(frozen=True, slots=True)
class Struct:
    """Members that follow each other without a gap."""

    ctype: str
    size: int
    align: int
    fields: tuple[Field, ...]


Shape = Integer | Bytes | Array | Struct


class Layouts:
    """Reads shapes from *btf*, each once."""

    def __init__(self, btf: Btf) -> None:
        self._btf = btf
        self._known: dict[int, Struct | Bytes] = {}

    def struct(self, of: Type) -> Struct:
        """
        Return the shape of a struct.

        :raises AbiError: the law forbids a member, which is named
        """
        return self._struct(of, ())

    def seen(self) -> Iterator[Struct]:
        """Walk all structs read so far, inner ones first."""
        yield from (shape for shape in self._known.values() if isinstance(shape, Struct))

    def _struct(self, of: Type, outer: tuple[int, ...]) -> Struct:
        known = self._known.get(of.id)
        if isinstance(known, Struct):
            return known
        where = f"struct {of.name}".rstrip()
        if not 0 < of.size <= LARGEST:
            raise AbiError(f"{where}: has {of.size} bytes, not 1 to {LARGEST}")
        fields = tuple(self._fields(of, where, (*outer, of.id)))
        align = max((field.shape.align for field in fields), default=1)
        if of.size % align:
            raise AbiError(f"{where}: is packed")
        shape = Struct(where, of.size, align, fields)
        self._known[of.id] = shape
        return shape

    def _fields(self, of: Type, where: str, outer: tuple[int, ...]) -> Iterator[Field]:
        end = 0
        for member in self._btf.members(of):
            field = self._field(member, where, outer)
            if field.offset % field.shape.align:
                raise AbiError(f"{where}: member '{field.name}' is packed, at byte {field.offset}")
            if field.offset != end:
                raise AbiError(f"{where}: hole of {field.offset - end} bytes before member '{field.name}'")
            end += field.shape.size
            yield field
        if end != of.size:
            raise AbiError(f"{where}: hole of {of.size - end} bytes after the last member")

    def _field(self, member: Member, where: str, outer: tuple[int, ...]) -> Field:
        where = f"{where}: member '{member.name}'"
        if member.bits or member.bit_offset % 8:
            raise AbiError(f"{where} is a bitfield")
        if not member.name:
            raise AbiError(f"{where} has no name")
        return Field(member.name, member.bit_offset // 8, self._shape(member.type_id, where, outer))

    def _shape(self, number: int, where: str, outer: tuple[int, ...]) -> Shape:
        found = self._btf.resolve(number)
        if found.id in outer or len(outer) > _DEEPEST:
            raise AbiError(f"{where} contains itself, or is nested deeper than {_DEEPEST} types")
        match found.kind:
            case Kind.INT:
                return self._integer(found, number, where)
            case Kind.ENUM | Kind.ENUM64 if found.size in _SIZES:
                return Integer(f"enum {found.name}".rstrip(), found.size, found.flag)
            case Kind.ARRAY:
                return self._array(found, where, outer)
            case Kind.STRUCT:
                return self._struct(found, outer)
            case Kind.UNION:
                return self._union(found, where, outer)
        raise AbiError(f"{where} is a {found.kind.name.lower()}")

    def _integer(self, found: Type, number: int, where: str) -> Integer:
        encoding = self._btf.int_encoding(found)
        if encoding & _BOOL or found.name in _LONG or found.size not in _SIZES:
            raise AbiError(f"{where} is a {found.name}, not a fixed-width integer")
        return Integer(self._btf.type(number).name or found.name, found.size, bool(encoding & 1))

    def _array(self, found: Type, where: str, outer: tuple[int, ...]) -> Array | Bytes:
        array = self._btf.array(found)
        element = self._shape(array.element_id, where, (*outer, found.id))
        if not 0 < element.size * array.count <= LARGEST:
            raise AbiError(f"{where} is an array of {array.count} elements of {element.size} bytes")
        if isinstance(element, Integer) and element.size == 1:
            return Bytes(element.ctype, array.count)
        return Array(element, array.count)

    def _union(self, found: Type, where: str, outer: tuple[int, ...]) -> Bytes:
        known = self._known.get(found.id)
        if isinstance(known, Bytes):
            return known
        if not 0 < found.size <= LARGEST:
            raise AbiError(f"{where} has {found.size} bytes, not 1 to {LARGEST}")
        shapes = [self._field(member, where, (*outer, found.id)).shape for member in self._btf.members(found)]
        for shape in shapes:
            if shape.size != found.size:
                raise AbiError(f"{where} is a union of {found.size} bytes with a member of {shape.size}")
        align = max((shape.align for shape in shapes), default=1)
        self._known[found.id] = shape = Bytes(f"union {found.name}".rstrip(), found.size, align)
        return shape
