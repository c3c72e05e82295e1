"""BTF and ELF files as a compiler would write them."""

import struct

from krsi.bpf.btf_types import Kind


class Builder:
    """Writes BTF as a compiler would."""

    def __init__(self, first_name: int = 0) -> None:
        self.types = b""
        self.strings = b"\0"
        self.first_name = first_name

    def name(self, text: str) -> int:
        if not text:
            return 0
        self.strings += text.encode() + b"\0"
        return self.first_name + len(self.strings) - len(text) - 1

    def add(self, kind: int, name: str, size: int, *words: int, count: int = 0, flag: bool = False) -> None:
        head = (self.name(name), kind << 24 | count | flag << 31, size)
        self.types += struct.pack(f"={3 + len(words)}I", *head, *words)

    def data(self, **changed: int) -> bytes:
        header = {"magic": 0xEB9F, "version": 1, "flags": 0, "size": 24}
        header |= {"types_at": 0, "types": len(self.types), "strings_at": len(self.types), "strings": len(self.strings)}
        return struct.pack("=HBBIIIII", *(header | changed).values()) + self.types + self.strings


def small() -> Builder:
    """1 int, 2 struct point {x, y}, 3 enum, 4 array, 5 typedef, 6 const, 7 pointer, 8 var, 9 .rodata, 10 func."""
    btf = Builder()
    btf.add(Kind.INT, "int", 4, 1 << 24 | 32)
    btf.add(Kind.STRUCT, "point", 8, btf.name("x"), 1, 0, btf.name("y"), 5, 32, count=2)
    btf.add(Kind.ENUM, "colour", 4, btf.name("RED"), 1, btf.name("BLUE"), 0xFFFFFFFF, count=2)
    btf.add(Kind.ARRAY, "", 0, 1, 1, 7)
    btf.add(Kind.TYPEDEF, "number", 6)
    btf.add(Kind.CONST, "", 1)
    btf.add(Kind.PTR, "", 2)
    btf.add(Kind.VAR, "limit", 6, 1)
    btf.add(Kind.DATASEC, ".rodata", 4, 8, 12, 4, count=1)
    btf.add(Kind.FUNC, "decide", 11)
    btf.add(Kind.FUNC_PROTO, "", 1, 0, 1, count=1)
    btf.add(Kind.ENUM64, "wide", 8, btf.name("BIG"), 1, 2, count=1)
    btf.add(Kind.ENUM, "signed", 4, btf.name("MINUS"), 0xFFFFFFFF, count=1, flag=True)
    btf.add(Kind.STRUCT, "bits", 4, btf.name("a"), 1, 3 << 24, btf.name("b"), 1, 5 << 24 | 3, count=2, flag=True)
    btf.add(Kind.UNION, "", 8, btf.name("inside"), 1, 0, count=1)
    btf.add(Kind.STRUCT, "outer", 8, 0, 15, 0, count=1)
    return btf


def elf(sections: dict[str, bytes], **changed: int) -> bytes:
    """Write a 64-bit ELF file of these sections."""
    names = b"\0" + b"".join(name.encode() + b"\0" for name in sections) + b".shstrtab\0"
    contents = [*sections.values(), names]
    at, body, headers = 64, b"", [bytes(64)]
    for name, content in zip([*sections, ".shstrtab"], contents, strict=True):
        place = names.index(name.encode())
        headers.append(struct.pack("=IIQQQQIIQQ", place, 1, 0, 0, at + len(body), len(content), 0, 0, 1, 0))
        body += content
    fields = {"at": at + len(body), "size": 64, "count": len(headers), "names": len(headers) - 1} | changed
    head = struct.pack(
        "=16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        *(1, 247, 1, 0, 0),
        fields["at"],
        *(0, 64, 0, 0),
        *(fields["size"], fields["count"], fields["names"]),
    )
    return head + body + b"".join(headers)
