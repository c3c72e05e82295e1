"""Links: what keeps a program attached."""

import os
from pathlib import Path
from typing import Self

from krsi.bpf import libbpf
from krsi.bpf.handle import Scope, fill_info, get_pinned
from krsi.bpf.uapi import LinkInfo


class Link(Scope):
    """An attachment. Closing it detaches the program unless the link is pinned or somebody else holds it."""

    def __init__(self, pointer: int, name: str) -> None:
        self._pointer: int | None = pointer
        self.name = name

    @classmethod
    def open_pinned(cls, path: Path) -> Self:
        """
        Open the link that is pinned at *path*.

        :raises KernelError: EINVAL if it is something else
        """
        os.close(get_pinned(path, "bpf-link"))
        return cls(libbpf.bpf_link__open(os.fsencode(path)), path.name)

    @property
    def fd(self) -> int:
        """The descriptor; it stays the link's."""
        return int(libbpf.bpf_link__fd(self._live))

    @property
    def id(self) -> int:
        """The link's number in this kernel."""
        info = LinkInfo()
        fill_info(self.fd, info)
        return int(info.id)

    @property
    def _live(self) -> int:
        if self._pointer is None:
            raise ValueError(f"{self} is closed")
        return self._pointer

    def __str__(self) -> str:
        return f"link '{self.name}'"

    def pin(self, path: Path) -> None:
        """Keep the program attached at *path*, on a bpf file system, where nothing may be yet."""
        with libbpf.doing(f"pin {self} at {path}"):
            libbpf.bpf_link__pin(self._live, os.fsencode(path))

    def detach(self) -> None:
        """Detach the program now, whoever else holds or has pinned the link."""
        with libbpf.doing(f"detach {self}"):
            libbpf.bpf_link__detach(self._live)

    def run_iterator(self) -> bytes:
        """Run the attached iterator program over all there is, and return what it wrote."""
        with os.fdopen(libbpf.bpf_iter_create(self.fd), "rb", buffering=0) as output:
            return output.readall()

    def close(self) -> None:
        """Let go of the link."""
        pointer, self._pointer = self._pointer, None
        if pointer is not None:
            libbpf.bpf_link__destroy(pointer)
