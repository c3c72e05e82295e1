"""What only a damaged file holds; tests/unit/test_abi.py has what a compiler can be made to write."""

import pytest

from krsi.bpf.btf import Btf
from krsi.bpf.btf_types import Kind
from krsi.bpf.layout import Array, Bytes, Field, Integer, Layouts, Struct
from krsi.errors import AbiError

from .building import Builder


def shape_of(btf: Builder, name: str = "s") -> Struct:
    parsed = Btf.parse(btf.data())
    found = parsed.find(name, Kind.STRUCT)
    assert found is not None
    return Layouts(parsed).struct(found)


def test_a_struct_is_its_members_one_after_the_other() -> None:
    """
    Integers, arrays of them, and bytes.
    """
    btf = Builder()
    btf.add(Kind.INT, "unsigned int", 4, 32)
    btf.add(Kind.INT, "char", 1, 8)
    btf.add(Kind.ARRAY, "", 0, 1, 1, 3)
    btf.add(Kind.ARRAY, "", 0, 2, 1, 8)
    btf.add(Kind.STRUCT, "s", 20, btf.name("a"), 3, 0, btf.name("b"), 4, 96, count=2)
    word = Integer("unsigned int", 4, signed=False)
    assert shape_of(btf) == Struct("struct s", 20, 4, (Field("a", 0, Array(word, 3)), Field("b", 12, Bytes("char", 8))))


@pytest.mark.parametrize("kind", [Kind.STRUCT, Kind.UNION])
def test_a_struct_that_contains_itself_is_refused(kind: Kind) -> None:
    """
    Directly or by way of another one.
    """
    btf = Builder()
    btf.add(Kind.STRUCT, "s", 4, btf.name("m"), 2, 0, count=1)
    btf.add(kind, "t", 4, btf.name("m"), 1, 0, count=1)
    with pytest.raises(AbiError, match="contains itself"):
        shape_of(btf)


def test_an_array_of_itself_is_refused() -> None:
    """
    It would have no end.
    """
    btf = Builder()
    btf.add(Kind.STRUCT, "s", 4, btf.name("m"), 2, 0, count=1)
    btf.add(Kind.ARRAY, "", 0, 2, 2, 1)
    with pytest.raises(AbiError, match="member 'm' contains itself"):
        shape_of(btf)


def test_an_enum_of_no_size_is_refused() -> None:
    """
    Nothing can be aligned to it.
    """
    btf = Builder()
    btf.add(Kind.STRUCT, "s", 4, btf.name("m"), 2, 0, count=1)
    btf.add(Kind.ENUM, "e", 0)
    with pytest.raises(AbiError, match="member 'm' is a enum"):
        shape_of(btf)


def test_types_nested_too_deep_are_refused() -> None:
    """
    Before Python's own limit is reached.
    """
    btf = Builder()
    for number in range(1, 100):
        btf.add(Kind.STRUCT, f"s{number}", 4, btf.name("m"), number + 1, 0, count=1)
    btf.add(Kind.INT, "int", 4, 1 << 24 | 32)
    with pytest.raises(AbiError, match="deeper than 32"):
        shape_of(btf, "s1")


def test_types_that_double_at_each_level_are_read_once() -> None:
    """
    Thirty unions, each of two members of the next: two to the thirtieth paths, thirty shapes.
    """
    btf = Builder()
    for number in range(1, 30):
        btf.add(Kind.UNION, "", 4, btf.name("a"), number + 1, 0, btf.name("b"), number + 1, 0, count=2)
    btf.add(Kind.INT, "int", 4, 1 << 24 | 32)
    btf.add(Kind.STRUCT, "s", 4, btf.name("m"), 1, 0, count=1)
    assert shape_of(btf).fields == (Field("m", 0, Bytes("union", 4, 4)),)
