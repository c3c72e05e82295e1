"""What BTF records are, as values."""

from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """``enum`` of the kinds in <linux/btf.h>."""

    VOID = 0
    INT = 1
    PTR = 2
    ARRAY = 3
    STRUCT = 4
    UNION = 5
    ENUM = 6
    FWD = 7
    TYPEDEF = 8
    VOLATILE = 9
    CONST = 10
    RESTRICT = 11
    FUNC = 12
    FUNC_PROTO = 13
    VAR = 14
    DATASEC = 15
    FLOAT = 16
    DECL_TAG = 17
    TYPE_TAG = 18
    ENUM64 = 19


@dataclass(frozen=True, slots=True)
class Type:
    """
    One record.

    :param size: in bytes, of kinds that have one
    :param target: the id of the type that this one points to, renames or qualifies
    :param count: of members, enumerators, parameters or variables
    :param flag: a struct has bitfields; an enum is signed
    """

    id: int
    kind: Kind
    name: str
    size: int
    target: int
    count: int
    flag: bool


@dataclass(frozen=True, slots=True)
class Member:
    """A struct's or union's member; ``bits`` is 0 unless it is a bitfield."""

    name: str
    type_id: int
    bit_offset: int
    bits: int


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a data section; ``offset`` and ``size`` are in bytes."""

    name: str
    type_id: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Array:
    """How many of what."""

    element_id: int
    count: int
