"""The one exception of pylibbpf."""

import os

from krsi.bpf.libbpf import ObjectError
from krsi.errors import KernelError


class BpfException(Exception):  # noqa: N818  its name is given
    """
    Every failure but a missing key, told by its text.

    ``errno`` is this module's own addition: the kernel's number, or None if no call failed.
    """

    errno: int | None = None

    __module__ = "pylibbpf.pylibbpf"


def failure(text: str, number: int | None = None) -> BpfException:
    """Return the exception for *text*, which ends at its first NUL as a C string would."""
    error = BpfException(text.split("\0", 1)[0])
    error.errno = number
    return error


def refused(doing: str, error: KernelError | ObjectError) -> BpfException:
    """Return the exception for a call that failed while *doing* something."""
    number = error.number if isinstance(error, ObjectError) else error.errno or 0
    return failure(f"{doing}: {os.strerror(number)}", number)


def missing(name: str) -> KeyError:
    """Return the exception for a key that is not in the map."""
    return KeyError(f"Key not found in map '{name}'".split("\0", 1)[0])
