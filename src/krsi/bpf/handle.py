"""Kernel objects that live as long as somebody holds a descriptor of theirs."""

import ctypes
import errno
import os
from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from krsi.bpf import libbpf
from krsi.errors import KernelError


class Scope(ABC):
    """Something that ends where its ``with`` does."""

    @abstractmethod
    def close(self) -> None:
        """End it; once more is harmless."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class Handle(Scope):
    """
    A map or a program, held by one descriptor that belongs to this object alone.

    Closing twice is harmless; whatever is asked of a closed one is a KernelError, EBADF as a rule.
    """

    KIND = "bpf"
    """What the kernel calls these objects under /proc/self/fd."""

    def __init__(self, fd: int, name: str = "") -> None:
        self.fd = fd
        self.name = name

    @classmethod
    def owning(cls, fd: int, name: str = "") -> Self:
        """Take *fd* over; it is closed if that fails."""
        try:
            return cls(fd, name)
        except KernelError:
            os.close(fd)
            raise

    @classmethod
    def open_pinned(cls, path: Path) -> Self:
        """
        Open what is pinned at *path*.

        :raises KernelError: EINVAL if it is something else
        """
        return cls.owning(get_pinned(path, cls.KIND))

    def fileno(self) -> int:
        """Return the descriptor; it stays this object's."""
        return self.fd

    def pin(self, path: Path) -> None:
        """Keep the object alive at *path*, on a bpf file system, where nothing may be yet."""
        with libbpf.doing(f"pin {self} at {path}"):
            libbpf.bpf_obj_pin(self.fd, os.fsencode(path))

    def close(self) -> None:
        """Let go of the descriptor."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


def get_pinned(path: Path, kind: str) -> int:
    """
    Open what is pinned at *path* and make sure that it is a *kind*; the descriptor is the caller's.

    The kernel does not say of which kind a descriptor is but in its name; info of another kind would be misread.
    """
    with libbpf.doing(f"open {path}"):
        fd: int = libbpf.bpf_obj_get(os.fsencode(path))
    with ExitStack() as undo:
        undo.callback(os.close, fd)
        found = Path(f"/proc/self/fd/{fd}").readlink().name.removeprefix("anon_inode:")
        if found != kind:
            raise KernelError(errno.EINVAL, f"open {path} as {kind}, which it is not but {found}")
        undo.pop_all()
    return fd


def unpin(path: Path) -> None:
    """Remove a pin; the object goes with its last pin, link and descriptor."""
    try:
        path.unlink()
    except OSError as error:
        raise KernelError(error.errno or 0, f"unpin {path}") from error


def fill_info(fd: int, info: ctypes.Structure) -> None:
    """Ask the kernel about the object that *fd* holds, as far as *info* and the kernel both reach."""
    size = ctypes.c_uint32(ctypes.sizeof(info))
    libbpf.bpf_obj_get_info_by_fd(fd, ctypes.byref(info), ctypes.byref(size))
