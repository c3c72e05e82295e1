import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krsi.bpf.btf import Btf
from krsi.bpf.btf_types import Array, Kind, Member, Variable
from krsi.bpf.elf import section
from krsi.errors import AbiError

from .building import Builder, elf, small


@pytest.fixture(scope="session")
def btf() -> Btf:
    return Btf.parse(small().data())


def test_types_are_found_by_name_and_kind(btf: Btf) -> None:
    """
    A name is that of a kind; asked for another kind it is not there.
    """
    found = btf.find("point", Kind.STRUCT)
    assert found is not None
    assert (found.id, found.name, found.size, found.count) == (2, "point", 8, 2)
    assert btf.find("point", Kind.UNION) is None
    assert btf.find("points", Kind.STRUCT) is None
    assert btf.find("oint", Kind.STRUCT) is None


def test_a_name_inside_another_one_is_a_name_too() -> None:
    """
    Strings may share their ends: BTF says only where a name begins.
    """
    btf = Builder()
    whole = btf.name("file_open")
    btf.types += struct.pack("=3I", whole + 5, Kind.FUNC << 24, 0)
    assert Btf.parse(btf.data()).has_function("open")
    assert not Btf.parse(btf.data()).has_function("file_open")


def test_members_have_their_offsets(btf: Btf) -> None:
    """
    In bits, and of a struct with bitfields their widths.
    """
    assert (Member("x", 1, 0, 0), Member("y", 5, 32, 0)) == btf.members(btf.type(2))
    assert (Member("a", 1, 0, 3), Member("b", 1, 3, 5)) == btf.members(btf.type(14))


def test_enumerators_have_their_values(btf: Btf) -> None:
    """
    Of 32 and 64 bits, unsigned unless the enum says that it is signed.
    """
    assert btf.enumerators(btf.type(3)) == {"RED": 1, "BLUE": 0xFFFFFFFF}
    assert btf.enumerators(btf.type(12)) == {"BIG": 2 << 32 | 1}
    assert btf.enumerators(btf.type(13)) == {"MINUS": -1}


def test_aliases_are_seen_through(btf: Btf) -> None:
    """
    A typedef of a const of an int is an int.
    """
    assert btf.resolve(5).name == "int"
    assert btf.int_encoding(btf.resolve(5)) == 1


def test_arrays_and_variables(btf: Btf) -> None:
    """
    An array says how many of what; a variable lies in its section.
    """
    assert Array(1, 7) == btf.array(btf.type(4))
    assert (".rodata", Variable("limit", 6, 12, 4)) == btf.variable("limit", ".rodata")
    with pytest.raises(AbiError, match="no variable 'limits'"):
        btf.variable("limits", ".rodata")
    with pytest.raises(AbiError, match="no variable 'limit'"):
        btf.variable("limit", ".data")


def test_members_of_anonymous_unions_belong_to_the_struct(btf: Btf) -> None:
    """
    As in C.
    """
    assert btf.has_struct_member("outer", "inside")
    assert btf.has_struct_member("point", "y")
    assert not btf.has_struct_member("point", "z")
    assert not btf.has_struct_member("no", "x")


def test_void_is_type_0(btf: Btf) -> None:
    """
    And ids end where the types do.
    """
    assert Kind.VOID is btf.type(0).kind
    assert len(btf) == 17
    with pytest.raises(AbiError, match="type 17 of 17"):
        btf.type(17)


def test_a_module_s_types_go_on_from_the_kernel_s(btf: Btf) -> None:
    """
    Ids and names continue those of the base, and what the module lacks is looked up there.
    """
    module = Builder(first_name=btf.strings_end)
    module.strings = b""
    module.add(Kind.STRUCT, "mine", 4, module.name("m"), 5, 0, count=1)
    point = btf.type(2)
    module.types += struct.pack("=3I", btf._strings.index(b"colour\0"), Kind.FUNC << 24, point.id)
    split = Btf.parse(module.data(), btf)
    assert len(split) == 19
    assert split.has_function("colour")
    assert not btf.has_function("colour")
    found = split.find("mine", Kind.STRUCT)
    assert found is not None
    assert found.id == 17
    assert (Member("m", 5, 0, 0),) == split.members(found)
    assert split.resolve(5).name == "int"
    assert split.has_struct_member("point", "x")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"magic": 0x9FEB}, "magic 0x9feb"),
        ({"version": 2}, "version 2"),
        ({"size": 20}, "header of 20 bytes"),
        ({"types": 1 << 30}, "types end at"),
        ({"types_at": 1 << 31}, "types end at"),
        ({"strings_at": 1 << 31}, "strings end at"),
        ({"strings": 1 << 31}, "strings end at"),
        ({"types": 33}, "no multiple of 4"),
        ({"types": 20}, "cut off"),
        ({"strings": 0}, "NUL"),
        ({"strings": 4}, "NUL"),
    ],
)
def test_a_header_that_lies_is_refused(changed: dict[str, int], message: str) -> None:
    """
    Wherever it points, nothing outside is read, and the error says what is wrong.
    """
    with pytest.raises(AbiError, match=message):
        Btf.parse(small().data(**changed))


def test_a_header_that_is_not_there_is_refused() -> None:
    """
    Nothing, and too little.
    """
    for data in (b"", b"\x9f\xeb", small().data()[:23]):
        with pytest.raises(AbiError, match="BTF of"):
            Btf.parse(data)


def test_a_record_that_reaches_beyond_is_refused() -> None:
    """
    A struct that claims more members than there are bytes.
    """
    btf = Builder()
    btf.add(Kind.STRUCT, "huge", 4, count=65535)
    with pytest.raises(AbiError, match="beyond the types"):
        Btf.parse(btf.data())


def test_a_kind_that_nobody_knows_is_refused() -> None:
    """
    The length of its record is unknown, and so where the next one begins.
    """
    btf = Builder()
    btf.add(31, "new", 4)
    with pytest.raises(AbiError, match="kind newer"):
        Btf.parse(btf.data())


def test_names_and_types_that_lead_outside_are_refused() -> None:
    """
    Each is found when it is asked for.
    """
    btf = Builder()
    btf.add(Kind.STRUCT, "s", 4, 9999, 9999, 0, count=1)
    btf.add(Kind.TYPEDEF, "t", 2)
    parsed = Btf.parse(btf.data())
    with pytest.raises(AbiError, match="name at 9999"):
        parsed.members(parsed.type(1))
    with pytest.raises(AbiError, match="alias of itself"):
        parsed.resolve(2)


def test_structs_inside_each_other_end() -> None:
    """
    Two anonymous structs that contain each other, which no compiler writes, are searched once.
    """
    btf = Builder()
    btf.add(Kind.STRUCT, "first", 4, 0, 2, 0, 0, 2, 0, count=2)
    btf.add(Kind.STRUCT, "", 4, 0, 1, 0, 0, 2, 0, count=2)
    assert not Btf.parse(btf.data()).has_struct_member("first", "x")


def test_a_section_is_found_by_its_name() -> None:
    """
    Among others, and the BTF in it is read.
    """
    file = elf({".text": b"12345678", ".BTF": small().data(), ".BTF.ext": b"x"})
    assert section(file, ".text") == b"12345678"
    assert section(file, ".BTF.ext") == b"x"
    assert Btf.of_elf(file).has_function("decide")


def test_an_object_without_btf_says_so() -> None:
    """
    The section is named.
    """
    with pytest.raises(AbiError, match=r"without a section \.BTF"):
        Btf.of_elf(elf({".text": b""}))


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"\x7fELF",
        b"#!/bin/sh" + bytes(100),
        b"\x7fELF\x01\x01" + bytes(100),
        b"\x7fELF\x02\x02" + bytes(100),
        elf({".BTF": b"x"}, at=1 << 60),
        elf({".BTF": b"x"}, count=60000),
        elf({".BTF": b"x"}, size=40),
        elf({".BTF": b"x"}, names=77),
        elf({".BTF": b"x"})[:-20],
    ],
)
def test_no_elf_file_is_refused(file: bytes) -> None:
    """
    Short, foreign, or with headers that lead outside.
    """
    with pytest.raises(AbiError):
        section(file, ".BTF")


def everything(btf: Btf) -> None:
    """Ask for all there is."""
    for number in range(len(btf)):
        found = btf.type(number)
        btf.resolve(number)
        if found.kind in {Kind.STRUCT, Kind.UNION}:
            btf.members(found)
            btf.has_struct_member(found.name, "x")
        if found.kind in {Kind.ENUM, Kind.ENUM64}:
            btf.enumerators(found)
        if found.kind is Kind.DATASEC:
            btf.variables(found)
        if found.kind is Kind.ARRAY:
            btf.array(found)
        if found.kind is Kind.INT:
            btf.int_encoding(found)


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    """
    Whatever stands behind a good header is read or refused.
    """
    header = struct.pack("=HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(data) // 8 * 4, len(data) // 8 * 4, 0)
    for file in (data, header + data, header[:-4] + struct.pack("=I", len(data) - len(data) // 8 * 4) + data):
        try:
            everything(Btf.parse(file))
        except AbiError:
            continue


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), max_size=8))
def test_no_damage_crashes_the_reader(changes: list[tuple[int, int]]) -> None:
    """
    Good BTF with some bytes changed is read or refused.
    """
    data = bytearray(elf({".BTF": small().data()}))
    for at, byte in changes:
        data[at % len(data)] = byte
    try:
        everything(Btf.of_elf(bytes(data)))
    except AbiError:
        return
