import platform
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krsi.abi import Abi
from krsi.bpf.btf import Btf
from krsi.bpf.btf_types import Kind
from krsi.bpf.codec import Codec
from krsi.bpf.layout import Layouts
from krsi.errors import AbiError

GOOD = """
#include <linux/types.h>
enum krsi_hook { KRSI_HOOK_FILE_OPEN = 1, KRSI_HOOK_INODE_RENAME, KRSI_HOOK_LAST = 2 };
enum krsi_access { KRSI_ACCESS_READ = 1, KRSI_ACCESS_WRITE = 2, KRSI_ACCESS_RDWR = 3, KRSI_ACCESS_EXEC = 1u << 31 };
struct krsi_object { __u32 dev; __u32 zero; __u64 ino; };
struct krsi_key { __u32 subject; enum krsi_hook hook; struct krsi_object object; };
union krsi_place { __u64 number; __u8 address[8]; };
struct krsi_event {
	struct krsi_key key[2];
	__s64 when_ns;
	char comm[16];
	__u8 address[6];
	__s16 error;
	__u32 allow[2];
	__u32 table[2][3];
	union krsi_place place;
	__u64 zero1[3];
};
union krsi_abi {
	enum krsi_hook hook;
	enum krsi_access access;
	struct krsi_key key;
	struct krsi_event event;
};
const union krsi_abi *const krsi_abi = 0;
"""

FORBIDDEN = {
    "pointer": ("struct s { void *p; }", "struct s: member 'p' is a ptr"),
    "bool": ("struct s { _Bool b; }", "struct s: member 'b' is a _Bool, not a fixed-width integer"),
    "long": ("struct s { long l; }", "struct s: member 'l' is a long"),
    "unsigned long": ("struct s { unsigned long l; }", "struct s: member 'l' is a .*long.*, not a fixed-width"),
    "float": ("struct s { double d; }", "struct s: member 'd' is a float"),
    "bitfield": ("struct s { __u32 a : 3; __u32 b : 29; }", "struct s: member 'a' is a bitfield"),
    "packed": ("struct s { __u8 a; __u32 b; } __attribute__((packed))", "struct s: member 'b' is packed, at byte 1"),
    "packed end": ("struct s { __u32 a; __u8 b; } __attribute__((packed))", "struct s: is packed"),
    "hole": ("struct s { __u8 a; __u32 b; }", "struct s: hole of 3 bytes before member 'b'"),
    "hole at the end": ("struct s { __u32 a; __u8 b; }", "struct s: hole of 3 bytes after the last member"),
    "anonymous": ("struct s { struct { __u32 a; }; }", "struct s: member '' has no name"),
    "flexible": ("struct s { __u32 a; __u32 b[]; }", "struct s: member 'b' is an array of 0 elements"),
    "uneven union": ("struct s { union { __u64 a; __u32 b; } u; }", "'u' is a union of 8 bytes with a member of 4"),
    "inside": ("struct t { void *p; }; struct s { struct t t; }", "struct t: member 'p' is a ptr"),
    "inside an array": ("struct t { __u8 a; __u16 b; }; struct s { struct t t[4]; }", "struct t: hole of 1 bytes"),
    "inside a union": ("struct s { union { void *a; __u64 b; } u; }", "member 'u': member 'a' is a ptr"),
    "huge": ("struct s { __u64 a[100000]; }", "struct s: has 800000 bytes"),
    "empty": ("struct s { }", "struct s: has 0 bytes"),
}


def compiled(folder: Path, text: str) -> Btf:
    source = folder / "abi.bpf.c"
    source.write_text(text)
    include = f"/usr/include/{platform.machine()}-linux-gnu"
    flags = ["-g", "-O2", "-target", "bpf", "-w", "-I", include]
    subprocess.run(["clang", *flags, "-c", source, "-o", folder / "abi.o"], check=True)
    return Btf.of_elf((folder / "abi.o").read_bytes())


@pytest.fixture(scope="module")
def abi(tmp_path_factory: pytest.TempPathFactory) -> Abi:
    return Abi.of(compiled(tmp_path_factory.mktemp("abi"), GOOD))


def exported(tmp_path: Path, declarations: str, contents: str) -> Abi:
    text = f"#include <linux/types.h>\n{declarations};\nunion krsi_abi {{ {contents} }};\n"
    return Abi.of(compiled(tmp_path, text + "const union krsi_abi *const krsi_abi = 0;"))


KEY = {"subject": 1, "hook": 2, "object": {"dev": 3, "ino": 4}}


def test_a_struct_is_packed_as_c_lays_it_out(abi: Abi) -> None:
    """
    Members by name, nested ones nested, padding by itself.
    """
    assert abi.size("key") == 24
    assert struct.pack("=IIIIQ", 1, 2, 3, 0, 4) == abi.pack("key", KEY)


def test_what_was_packed_is_unpacked(abi: Abi) -> None:
    """
    Everything a struct may hold: nested structs, arrays of them, bytes, signed numbers, unions as bytes.
    """
    event = {
        "key": (KEY, KEY | {"subject": 9}),
        "when_ns": -5,
        "comm": b"cat".ljust(16, b"\0"),
        "address": b"123456",
        "error": -13,
        "allow": (1, 2),
        "table": ((1, 2, 3), (4, 5, 6)),
        "place": struct.pack("=Q", 77),
    }
    packed = abi.pack("event", event)
    assert abi.size("event") == len(packed) == 144
    assert event == abi.unpack("event", packed)
    assert event == abi.unpack("event", b"before" + packed + b"after", 6)


def test_short_bytes_are_filled_up(abi: Abi) -> None:
    """
    A name need not be padded by hand.
    """
    event = abi.unpack("event", bytes(144)) | {"comm": b"cat"}
    assert b"cat".ljust(16, b"\0") == abi.unpack("event", abi.pack("event", event))["comm"]


def test_padding_is_zero(abi: Abi) -> None:
    """
    What stood there before does not come back.
    """
    dirty = b"\xff" * 24
    assert bytes(4) == abi.pack("key", abi.unpack("key", dirty))[12:16]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"subject": 1}, "key takes subject, hook, object; not"),
        (KEY | {"extra": 1}, "key takes subject, hook, object; not"),
        (KEY | {"object": {"dev": 1}}, r"key\.object takes dev, ino; not"),
        (KEY | {"object": 3}, r"key\.object takes dev, ino; not 3"),
        (KEY | {"subject": -1}, "key: 'subject' cannot be -1"),
        (KEY | {"subject": 1 << 32}, "key: 'subject' cannot be 4294967296"),
        (KEY | {"subject": "x"}, "key: 'subject' cannot be 'x'"),
        (KEY | {"object": {"dev": 1, "ino": None}}, "key: 'object.ino' cannot be None"),
    ],
)
def test_what_does_not_fit_is_named(abi: Abi, values: Mapping[str, object], message: str) -> None:
    """
    Missing, unknown, too large, of another type: the member is in the text.
    """
    with pytest.raises(AbiError, match=message):
        abi.pack("key", values)


def test_arrays_and_bytes_must_have_their_length(abi: Abi) -> None:
    """
    One number too few, one byte too many.
    """
    event = abi.unpack("event", bytes(144))
    with pytest.raises(AbiError, match=r"event\.allow takes 2 values"):
        abi.pack("event", event | {"allow": (1,)})
    with pytest.raises(AbiError, match=r"event\.table\[\] takes 3 values"):
        abi.pack("event", event | {"table": ((1, 2, 3), (1, 2))})
    with pytest.raises(AbiError, match="'comm' has 16 bytes, not 17"):
        abi.pack("event", event | {"comm": bytes(17)})


def test_a_buffer_that_is_too_short_is_refused(abi: Abi) -> None:
    """
    With both lengths in the text.
    """
    with pytest.raises(AbiError, match="key has 24 bytes, not 23"):
        abi.unpack("key", bytes(23))
    with pytest.raises(AbiError, match="key has 24 bytes, not 4"):
        abi.unpack("key", bytes(24), 20)


def test_the_fast_way_gives_the_same_values(abi: Abi) -> None:
    """
    A flat tuple, and a named one, in the order of the fields.
    """
    codec = abi.codec("key")
    assert codec.fields == ("subject", "hook", "object_dev", "object_ino")
    packed = abi.pack("key", KEY)
    assert (1, 2, 3, 4) == codec.unpack_from(b"x" + packed, 1) == codec.read(b"x" + packed, 1)
    assert codec.read(packed).object_dev == 3
    assert packed == codec.struct.pack(1, 2, 3, 4)
    assert "table_1_2" in abi.codec("event").fields


def test_enumerators_are_named_without_their_prefix(abi: Abi) -> None:
    """
    Name to number and back; of two names the first.
    """
    assert abi.number("hook", "file_open") == 1
    assert abi.name("hook", 2) == "inode_rename"
    assert abi.number("hook", "last") == 2
    with pytest.raises(AbiError, match="'hook' has no 'file_opened'"):
        abi.number("hook", "file_opened")
    with pytest.raises(AbiError, match="'hook' has no name for 7"):
        abi.name("hook", 7)


def test_bits_are_named(abi: Abi) -> None:
    """
    Each bit by the enumerator that has that bit alone.
    """
    assert abi.names("access", 1 | 1 << 31) == ("read", "exec")
    assert abi.names("access", 0) == ()
    with pytest.raises(AbiError, match="no names for the bits 0x10"):
        abi.names("access", 0x13)


def test_what_is_not_exported_is_not_there(abi: Abi) -> None:
    """
    Only the members of the union are.
    """
    for ask in (lambda: abi.size("object"), lambda: abi.codec("hook"), lambda: abi.enum("key")):
        with pytest.raises(AbiError, match="exports no"):
            ask()
    with pytest.raises(AbiError, match="'place' has no name for 1"):
        abi.name("place", 1)


def test_an_object_without_a_table_of_contents_exports_nothing(tmp_path: Path) -> None:
    """
    And says what it lacks.
    """
    with pytest.raises(AbiError, match="no union krsi_abi"):
        Abi.of(compiled(tmp_path, "int x;"))


@pytest.mark.parametrize(
    ("contents", "message"),
    [("int number;", "'number' is neither"), ("struct s *s;", "'s' is neither"), ("enum e e;", "begin with 'E_'")],
)
def test_only_structs_and_prefixed_enums_are_exported(tmp_path: Path, contents: str, message: str) -> None:
    """
    Anything else in the union is refused by name.
    """
    with pytest.raises(AbiError, match=message):
        exported(tmp_path, "struct s { int x; }; enum e { E_ONE = 1, TWO }", contents)


@pytest.fixture(scope="module")
def forbidden(tmp_path_factory: pytest.TempPathFactory) -> Btf:
    """All structs of FORBIDDEN in one object, each under a name of its own."""
    text = "#include <linux/types.h>\n"
    for number, (declaration, _) in enumerate(FORBIDDEN.values()):
        numbered = declaration.replace("struct s ", f"struct s{number} ").replace("struct t ", f"struct t{number} ")
        text += f"{numbered};\nstruct s{number} *p{number};\n"
    return compiled(tmp_path_factory.mktemp("forbidden"), text)


@pytest.mark.parametrize("name", FORBIDDEN)
def test_the_law_of_the_header(forbidden: Btf, name: str) -> None:
    """
    What kernel and Python cannot share safely is refused, and the member is named.
    """
    number = list(FORBIDDEN).index(name)
    found = forbidden.find(f"s{number}", Kind.STRUCT)
    assert found is not None
    message = FORBIDDEN[name][1].replace("struct s:", f"struct s{number}:").replace("struct t:", f"struct t{number}:")
    with pytest.raises(AbiError, match=message):
        Layouts(forbidden).struct(found)


@pytest.mark.parametrize("member", ["class", "_hidden"])
def test_a_member_that_python_cannot_name_is_refused(tmp_path: Path, member: str) -> None:
    """
    The named tuple could not have it.
    """
    with pytest.raises(AbiError, match=f"member '{member}' cannot be named"):
        exported(tmp_path, f"struct krsi_s {{ int {member}; }}", "struct krsi_s s;")


def test_two_paths_to_one_flat_name_are_refused(tmp_path: Path) -> None:
    """
    a.b and a_b would be the same field.
    """
    with pytest.raises(AbiError, match=r"'a_b'.*there twice"):
        exported(tmp_path, "struct t { int b; }; struct krsi_s { struct t a; int a_b; }", "struct krsi_s s;")


def test_the_layout_is_printed_for_review(abi: Abi) -> None:
    """
    Enums first, then every struct reached, inner ones before those that hold them.
    """
    text = abi.layout()
    assert (
        """\
enum krsi_hook { /* size: 4 */
	KRSI_HOOK_FILE_OPEN = 1,
	KRSI_HOOK_INODE_RENAME = 2,
	KRSI_HOOK_LAST = 2,
};
"""
        in text
    )
    assert (
        """\
struct krsi_object {
	__u32 dev;                                     /*     0     4 */
	__u32 zero;                                    /*     4     4 */
	__u64 ino;                                     /*     8     8 */
	/* size: 16 */
};

struct krsi_key {
	__u32 subject;                                 /*     0     4 */
	enum krsi_hook hook;                           /*     4     4 */
	struct krsi_object object;                     /*     8    16 */
	/* size: 24 */
};
"""
        in text
    )
    assert "\t__u32 table[2][3];                             /*    88    24 */" in text
    assert "\tchar comm[16];  " in text
    assert "\tunion krsi_place place;  " in text


@given(st.binary(min_size=144, max_size=144))
def test_any_bytes_are_some_event(abi: Abi, data: bytes) -> None:
    """
    Unpacked and packed again they are the same but for the padding, and no value is out of range.
    """
    codec: Codec = abi.codec("event")
    packed = codec.pack(codec.unpack(data))
    assert codec.unpack(data) == codec.unpack(packed)
    assert codec.unpack_from(data) == codec.unpack_from(packed)
    assert bytes(24) == packed[-24:]
