"""
BTF, read: the types of an object file or of the running kernel. Pure, and safe on any bytes.

The format is Documentation/bpf/btf.rst. One pass over the words checks that every record lies inside its section and
notes where it begins; after that nothing can be read outside, and names are looked up on demand. That pass takes
25 ms for a kernel's 5 MB, and the index of names as much again, which is why libbpf's own search is not used.
"""

import struct
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Self

from krsi.bpf.btf_types import Array, Kind, Member, Type, Variable
from krsi.bpf.elf import section
from krsi.errors import AbiError

VMLINUX = Path("/sys/kernel/btf/vmlinux")


# Words after a record's first three: once, and for each of its vlen members.
_ONCE = {Kind.INT: 1, Kind.ARRAY: 3, Kind.VAR: 1, Kind.DECL_TAG: 1}
_EACH = {
    Kind.STRUCT: 3,
    Kind.UNION: 3,
    Kind.ENUM: 2,
    Kind.FUNC_PROTO: 2,
    Kind.DATASEC: 3,
    Kind.ENUM64: 3,
}
_SIZED = {Kind.INT, Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.DATASEC, Kind.FLOAT, Kind.ENUM64}
_ALIASES = {Kind.TYPEDEF, Kind.VOLATILE, Kind.CONST, Kind.RESTRICT, Kind.TYPE_TAG}
_POINTING = _ALIASES | {Kind.PTR, Kind.FUNC, Kind.FUNC_PROTO, Kind.VAR, Kind.DECL_TAG}
_DEEPEST = 64  # nested types and aliases; the kernel's own limit is 32 (MAX_RESOLVE_DEPTH)
_HEADER = struct.Struct("=HBBIIIII")
_MAGIC = 0xEB9F


class Btf:
    """
    The types of one file.

    :param base: what a module's BTF goes on from: the kernel's
    """

    def __init__(self, words: memoryview, strings: bytes, base: "Btf | None" = None) -> None:
        self._words = words
        self._strings = strings
        self._base = base
        self._first_id = len(base) if base else 1
        self._first_name = base.strings_end if base else 0
        self._at = _index(words)

    @classmethod
    def parse(cls, data: bytes, base: "Btf | None" = None) -> Self:
        """
        Read BTF as it stands in a ``.BTF`` section or below /sys/kernel/btf.

        :raises AbiError: *data* is not BTF of this machine's byte order, or damaged
        """
        if len(data) < _HEADER.size:
            raise AbiError(f"BTF of {len(data)} bytes: its header alone has {_HEADER.size}")
        magic, version, _, header, types_at, types_size, strings_at, strings_size = _HEADER.unpack_from(data)
        if (magic, version) != (_MAGIC, 1) or header < _HEADER.size:
            raise AbiError(f"BTF with magic {magic:#x}, version {version} and a header of {header} bytes")
        types = _slice(data, header + types_at, types_size, "types")
        strings = _slice(data, header + strings_at, strings_size, "strings")
        if types_size % 4:
            raise AbiError(f"BTF with {types_size} bytes of types, no multiple of 4")
        if not strings.endswith(b"\0") or (base is None and strings[0]):
            raise AbiError("BTF whose strings do not begin and end with a NUL")
        return cls(memoryview(types).cast("I"), strings, base)

    @classmethod
    def of_elf(cls, elf: bytes) -> Self:
        """
        Read an object file's BTF.

        :raises AbiError: *elf* is no 64-bit ELF file of this byte order, has no BTF, or is damaged
        """
        return cls.parse(section(elf, ".BTF"))

    @classmethod
    def of_kernel(cls) -> Self:
        """Read the running kernel's BTF; an OSError says that it has none."""
        return cls.parse(VMLINUX.read_bytes())

    def __len__(self) -> int:
        """Return how many types there are, counting void and those of the base: all ids are below."""
        return self._first_id + len(self._at)

    @property
    def strings_end(self) -> int:
        """Where the names of BTF that goes on from this one begin."""
        return self._first_name + len(self._strings)

    def type(self, number: int) -> Type:
        """
        Return the type with this id; 0 is void.

        :raises AbiError: there is none, or its name lies outside
        """
        if number == 0:
            return Type(0, Kind.VOID, "", 0, 0, 0, flag=False)
        words, at = self._record(number)
        name, info, size = words[at : at + 3]
        kind = Kind((info >> 24) & 0x1F)
        return Type(
            number,
            kind,
            self._text(name),
            size if kind in _SIZED else 0,
            size if kind in _POINTING else 0,
            info & 0xFFFF,
            flag=bool(info >> 31),
        )

    def find(self, name: str, *kinds: Kind) -> Type | None:
        """Return the first type of this name that is of one of these kinds."""
        for place in self._places(name.encode() + b"\0"):
            for number in self._by_name.get(place, ()):
                if self._kind(number) in kinds:
                    return self.type(number)
        return self._base.find(name, *kinds) if self._base else None

    def resolve(self, number: int) -> Type:
        """Return the type with this id below all its typedefs and qualifiers."""
        for _ in range(_DEEPEST):
            found = self.type(number)
            if found.kind not in _ALIASES:
                return found
            number = found.target
        raise AbiError(f"BTF type {number} is an alias of itself")

    def members(self, of: Type) -> tuple[Member, ...]:
        """Return the members of a struct or union."""
        return tuple(
            Member(self._text(name), type_id, offset & 0xFFFFFF, offset >> 24)
            if of.flag
            else Member(self._text(name), type_id, offset, 0)
            for name, type_id, offset in self._records(of, 3)
        )

    def enumerators(self, of: Type) -> dict[str, int]:
        """Return the names and values of an enum."""
        if of.kind is Kind.ENUM64:
            pairs = ((name, high << 32 | low, 64) for name, low, high in self._records(of, 3))
        else:
            pairs = ((name, value, 32) for name, value in self._records(of, 2))
        return {self._text(name): _signed(value, bits) if of.flag else value for name, value, bits in pairs}

    def variables(self, of: Type) -> tuple[Variable, ...]:
        """Return the variables of a data section."""
        return tuple(
            Variable(self.type(type_id).name, self.type(type_id).target, offset, size)
            for type_id, offset, size in self._records(of, 3)
        )

    def array(self, of: Type) -> Array:
        """Return what an array is made of."""
        words, at = self._record(of.id)
        return Array(words[at + 3], words[at + 5])

    def int_encoding(self, of: Type) -> int:
        """Return an integer's encoding: 1 signed, 2 char, 4 bool."""
        words, at = self._record(of.id)
        return (words[at + 3] >> 24) & 0xF

    def variable(self, name: str, prefix: str) -> tuple[str, Variable]:
        """
        Find a variable in the data sections whose names begin with *prefix*, and the section's name.

        :raises AbiError: there is none
        """
        for number in range(self._first_id, len(self)):
            if self._kind(number) is Kind.DATASEC and (found := self.type(number)).name.startswith(prefix):
                for variable in self.variables(found):
                    if variable.name == name:
                        return found.name, variable
        raise AbiError(f"no variable '{name}' in {prefix}")

    def has_function(self, name: str) -> bool:
        """Tell whether there is a function of this name."""
        return self.find(name, Kind.FUNC) is not None

    def has_struct_member(self, struct_name: str, member: str) -> bool:
        """Tell whether a struct has a member of this name, anonymous structs and unions inside it included."""
        found = self.find(struct_name, Kind.STRUCT)
        return found is not None and member in self._member_names(found)

    def _member_names(self, of: Type) -> set[str]:
        names, seen, rest = set[str](), set[int](), [of]
        while rest:
            for member in self.members(rest.pop()):
                names.add(member.name)
                inside = self.resolve(member.type_id)
                if not member.name and inside.kind in {Kind.STRUCT, Kind.UNION} and inside.id not in seen:
                    seen.add(inside.id)
                    rest.append(inside)
        return names

    @cached_property
    def _by_name(self) -> dict[int, list[int]]:
        index: dict[int, list[int]] = {}
        words = self._words
        for number, at in enumerate(self._at, self._first_id):
            index.setdefault(words[at], []).append(number)
        return index

    def _places(self, text: bytes) -> Iterator[int]:
        if self._base is not None:
            yield from self._base._places(text)  # noqa: SLF001  of this class
        place = self._strings.find(text)
        while place >= 0:
            yield place + self._first_name
            place = self._strings.find(text, place + 1)

    def _record(self, number: int) -> tuple[memoryview, int]:
        if self._base is not None and number < self._first_id:
            return self._base._record(number)  # noqa: SLF001  of this class
        if not self._first_id <= number < len(self):
            raise AbiError(f"BTF type {number} of {len(self)}")
        return self._words, self._at[number - self._first_id]

    def _kind(self, number: int) -> Kind:
        words, at = self._record(number)
        return Kind((words[at + 1] >> 24) & 0x1F)

    def _records(self, of: Type, width: int) -> Iterator[tuple[int, ...]]:
        words, first = self._record(of.id)
        for at in range(first + 3, first + 3 + of.count * width, width):
            yield tuple(words[at : at + width])

    def _text(self, offset: int) -> str:
        if self._base is not None and offset < self._first_name:
            return self._base._text(offset)  # noqa: SLF001  of this class
        start = offset - self._first_name
        if start >= len(self._strings):
            raise AbiError(f"BTF name at {start} of {len(self._strings)}")
        return self._strings[start : self._strings.index(b"\0", start)].decode(errors="backslashreplace")


def _slice(data: bytes, at: int, size: int, what: str) -> bytes:
    if at + size > len(data):
        raise AbiError(f"BTF {what} end at {at + size}, beyond its {len(data)} bytes")
    return data[at : at + size]


def _index(words: memoryview) -> list[int]:
    """Return where each record begins, having seen that all end inside."""
    once = [_ONCE.get(kind, 0) for kind in Kind]
    each = [_EACH.get(kind, 0) for kind in Kind]
    starts = []
    at, end = 0, len(words)
    try:
        while at < end:
            starts.append(at)
            info = words[at + 1]
            kind = (info >> 24) & 0x1F
            at += 3 + once[kind] + each[kind] * (info & 0xFFFF)
    except IndexError:
        raise AbiError(f"BTF type {len(starts)} is cut off, or of a kind newer than this reader") from None
    if at != end:
        raise AbiError(f"BTF type {len(starts)} reaches {at - end} words beyond the types")
    return starts


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value
