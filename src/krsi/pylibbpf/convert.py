"""What goes into a map and what comes out: integers, bytes and text, by the size of the key or value alone."""

import sys
from typing import Any

from krsi.pylibbpf.errors import failure

_U64 = 8


def to_bytes(value: Any, size: int) -> bytes:
    """
    Return the *size* bytes that stand for *value*.

    An integer loses what does not fit, without a word: so does the original.
    """
    if isinstance(value, int):
        return _from_int(value, size)
    if isinstance(value, bytes):
        if len(value) > size:
            raise failure(f"Bytes size {len(value)} exceeds expected size {size}")
        return bytes(value).ljust(size, b"\0")
    if isinstance(value, str):
        return _from_text(value, size)
    raise failure("Unsupported type for BPF map key/value")


def from_bytes(data: bytes) -> int | bytes:
    """Return what *data* stands for: an unsigned integer of 4 or 8 bytes, else itself."""
    return int.from_bytes(data, sys.byteorder) if len(data) in {4, _U64} else data


def _from_int(value: int, size: int) -> bytes:
    if size > _U64:
        raise failure("Integer key/value size exceeds maximum (8 bytes)")
    try:
        return int.to_bytes(value, _U64, sys.byteorder)[:size]
    except OverflowError:
        raise _uncastable(value) from None


def _from_text(value: str, size: int) -> bytes:
    try:
        data = value.encode()
    except UnicodeEncodeError:
        raise _uncastable(value) from None
    if len(data) >= size:  # the NUL must fit too
        raise failure("String size exceeds expected size")
    return data.ljust(size, b"\0")


def _uncastable(value: object) -> RuntimeError:
    return RuntimeError(
        f"Unable to cast Python instance of type {type(value)} to C++ type '?' "
        "(#define PYBIND11_DETAILED_ERROR_MESSAGES or compile in debug mode for details)"
    )
