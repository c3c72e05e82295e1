"""
The kernel inside a bzImage.

It is unpacked here once, rather than by an emulated CPU at each boot, which takes more than a second.
"""

import lzma
import struct
import subprocess
import zlib
from collections.abc import Callable

# Fields of the setup header, see Documentation/arch/x86/boot.rst.
SETUP_SECTORS = 0x1F1
PAYLOAD = 0x248
SECTOR = 512


def vmlinux(image: bytes) -> bytes:
    """
    Return the kernel in the bzImage *image* as an ELF file.

    QEMU boots either, so an image compressed in a way that is not known here is returned as it is.
    """
    start = (1 + (image[SETUP_SECTORS] or 4)) * SECTOR
    offset, length = struct.unpack_from("<II", image, PAYLOAD)
    payload = image[start + offset : start + offset + length]
    unpack = next((unpack for magic, unpack in UNPACKERS.items() if payload.startswith(magic)), None)
    return unpack(payload) if unpack else image


def _gunzip(payload: bytes) -> bytes:
    return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(payload)


def _unxz(payload: bytes) -> bytes:
    return lzma.LZMADecompressor().decompress(payload)


def _by(*argv: str) -> Callable[[bytes], bytes]:
    # Behind the payload stands the size of what it holds, in four bytes that the program would stumble over.
    return lambda payload: subprocess.run(argv, input=payload[:-4], stdout=subprocess.PIPE, check=True).stdout


UNPACKERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b\x08": _gunzip,
    b"\xfd7zXZ\0": _unxz,
    b"\x28\xb5\x2f\xfd": _by("zstd", "-dc"),
    b"\x02\x21\x4c\x18": _by("lz4", "-dc"),
}
