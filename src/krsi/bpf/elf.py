"""The little of ELF that is needed to get at a section's bytes."""

import struct
import sys

from krsi.errors import AbiError

_HEADER = struct.Struct("=16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("=IIQQQQIIQQ")
_NOBITS = 8


def section(elf: bytes, name: str) -> bytes:
    """
    Return the bytes of a section of a 64-bit ELF file.

    :raises AbiError: *elf* is none of this machine's byte order, is damaged, or has no such section
    """
    order = 1 if sys.byteorder == "little" else 2
    if len(elf) < _HEADER.size or elf[:6] != b"\x7fELF\x02" + bytes([order]):
        raise AbiError(f"not a 64-bit {sys.byteorder}-endian ELF file")
    _, _, _, _, _, _, at, _, _, _, _, size, count, names = _HEADER.unpack_from(elf)
    if size != _SECTION.size or at + count * size > len(elf) or names >= count:
        raise AbiError(f"ELF file of {len(elf)} bytes with {count} section headers of {size} bytes at {at}")
    headers = [_SECTION.unpack_from(elf, at + number * size) for number in range(count)]
    strings = _content(elf, headers[names])
    for header in headers:
        if strings.startswith(name.encode() + b"\0", header[0]):
            return _content(elf, header)
    raise AbiError(f"ELF file without a section {name}")


def _content(elf: bytes, header: tuple[int, ...]) -> bytes:
    kind, at, size = header[1], header[4], header[5]
    if kind == _NOBITS or at + size > len(elf):
        raise AbiError(f"ELF section of {size} bytes at {at} in a file of {len(elf)}")
    return elf[at : at + size]
