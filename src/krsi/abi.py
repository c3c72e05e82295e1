"""
The layouts and enums that kernel and Python share, read from the BTF of the object that is shipped.

``union krsi_abi`` in bpf/lsm/krsi.h is the table of contents: its members are what is exported, by their names.
Nothing is mirrored here, so nothing can go stale; what the header's law forbids is an :class:`AbiError` that names the
member, see :mod:`krsi.bpf.layout`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from krsi.bpf.btf import Btf
from krsi.bpf.btf_types import Kind, Type
from krsi.bpf.codec import Codec, ReadOnly
from krsi.bpf.layout import Array, Bytes, Layouts, Struct
from krsi.errors import AbiError

CONTENTS = "krsi_abi"


@dataclass(frozen=True, slots=True)
class Enum:
    """An enum; names are without the prefix that its type's name gives them, in lower case."""

    name: str
    size: int
    values: dict[str, int]
    spelt: dict[str, int]
    """As C spells them."""

    def names(self, mask: int) -> tuple[str, ...]:
        """
        Return the names of the bits of *mask*.

        :raises AbiError: a bit has none
        """
        bits = {value: name for name, value in reversed(self.values.items()) if value.bit_count() == 1}
        nameless = mask & ~sum(bits)
        if nameless:
            raise AbiError(f"{self.name} has no names for the bits {nameless:#x}")
        return tuple(name for value, name in reversed(bits.items()) if mask & value)


class Abi:
    """What one object exports."""

    def __init__(self, codecs: Mapping[str, Codec], enums: Mapping[str, Enum], structs: tuple[Struct, ...]) -> None:
        self._codecs = codecs
        self._enums = enums
        self._structs = structs
        self._by_value: dict[str, dict[int, str]] = {
            name: {value: word for word, value in reversed(enum.values.items())} for name, enum in enums.items()
        }

    @classmethod
    def of(cls, btf: Btf) -> "Abi":
        """
        Read the table of contents and all it names.

        :raises AbiError: it is not there, or something in it is against the law
        """
        contents = btf.find(CONTENTS, Kind.UNION)
        if contents is None:
            raise AbiError(f"the object exports nothing: it has no union {CONTENTS}")
        layouts = Layouts(btf)
        codecs, enums = dict[str, Codec](), dict[str, Enum]()
        for member in btf.members(contents):
            found = btf.resolve(member.type_id)
            if found.kind is Kind.STRUCT:
                codecs[member.name] = Codec(member.name, layouts.struct(found))
            elif found.kind in {Kind.ENUM, Kind.ENUM64}:
                enums[member.name] = _enum(btf, found)
            else:
                raise AbiError(f"union {CONTENTS}: member '{member.name}' is neither a struct nor an enum")
        return cls(codecs, enums, tuple(layouts.seen()))

    def codec(self, name: str) -> Codec:
        """Return what packs and unpacks the exported struct *name*."""
        try:
            return self._codecs[name]
        except KeyError:
            raise AbiError(f"the object exports no struct '{name}'") from None

    def size(self, name: str) -> int:
        """Return the bytes of an exported struct."""
        return self.codec(name).size

    def pack(self, name: str, values: Mapping[str, Any]) -> bytes:
        """Return the bytes of an exported struct, see :meth:`Codec.pack`."""
        return self.codec(name).pack(values)

    def unpack(self, name: str, buffer: ReadOnly, offset: int = 0) -> dict[str, Any]:
        """Return an exported struct as a dictionary, see :meth:`Codec.unpack`."""
        return self.codec(name).unpack(buffer, offset)

    def enum(self, name: str) -> Enum:
        """Return an exported enum."""
        try:
            return self._enums[name]
        except KeyError:
            raise AbiError(f"the object exports no enum '{name}'") from None

    def number(self, enum: str, name: str) -> int:
        """Return the value of an enumerator: ``number("hook", "file_open")``."""
        try:
            return self.enum(enum).values[name]
        except KeyError:
            raise AbiError(f"enum '{enum}' has no '{name}'") from None

    def name(self, enum: str, value: int) -> str:
        """Return the name of a value; of several the first."""
        try:
            return self._by_value[enum][value]
        except KeyError:
            raise AbiError(f"enum '{enum}' has no name for {value}") from None

    def names(self, enum: str, mask: int) -> tuple[str, ...]:
        """Return the names of a mask's bits, see :meth:`Enum.names`."""
        return self.enum(enum).names(mask)

    def layout(self) -> str:
        """Return all exported types, and those inside them, as pahole would print them."""
        texts = [*map(_enum_text, self._enums.values()), *map(_struct_text, self._structs)]
        return "\n".join(texts)


def _enum(btf: Btf, found: Type) -> Enum:
    spelt = btf.enumerators(found)
    prefix = f"{found.name}_".upper()
    for name in spelt:
        if not found.name or not name.startswith(prefix):
            raise AbiError(f"enum {found.name}: '{name}' does not begin with '{prefix}'")
    return Enum(found.name, found.size, {name.removeprefix(prefix).lower(): spelt[name] for name in spelt}, spelt)


def _struct_text(shape: Struct) -> str:
    lines = [f"{shape.ctype} {{"]
    for field in shape.fields:
        counts, inner = "", field.shape
        while isinstance(inner, Array):
            counts, inner = f"{counts}[{inner.count}]", inner.element
        if isinstance(inner, Bytes) and not inner.ctype.startswith("union "):
            counts = f"{counts}[{inner.size}]"
        declared = f"\t{inner.ctype} {field.name}{counts};"
        lines.append(f"{declared:<48}/* {field.offset:>5} {field.shape.size:>5} */")
    return "\n".join([*lines, f"\t/* size: {shape.size} */", "};", ""])


def _enum_text(enum: Enum) -> str:
    values = [f"\t{name} = {value}," for name, value in enum.spelt.items()]
    return "\n".join([f"enum {enum.name} {{ /* size: {enum.size} */", *values, "};", ""])
