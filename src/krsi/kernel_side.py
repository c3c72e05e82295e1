"""
The BPF object on this kernel: loaded with an image, checked, attached. Mechanism for the enforcer.

Nothing is attached before the image was read back and the path engine has shown that it finds a path here.
"""

import contextlib
import mmap
import os
import struct
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path

from krsi.abi import Abi
from krsi.bpf.btf import Btf
from krsi.bpf.features import Kernel
from krsi.bpf.handle import Scope
from krsi.bpf.maps import Map, MapShape
from krsi.bpf.object import Loaded, Opened
from krsi.bpf.uapi import MapType
from krsi.compiler.image import Image, Reader
from krsi.errors import AbiError, UnsupportedError

OBJECT = "krsi.bpf.o"
NAME = "krsi"
CAST = "bpf_rdonly_cast"
WHERE = "krsi_where"
ASK = "krsi_ask"
FILL = "krsi_fill"

LAST = ("krsi_bprm_check_security",)
"""What lets tasks in is attached when everything else is."""

FIRST_KEY = (0).to_bytes(4, sys.byteorder)
_U64 = struct.Struct("=Q")


def object_bytes() -> bytes:
    """
    Return the BPF object of this installation.

    :raises AbiError: it was not built in
    """
    try:
        return (files("krsi") / OBJECT).read_bytes()
    except FileNotFoundError:
        raise AbiError(f"this installation of krsi has no {OBJECT}: run `make build` in a checkout") from None


def object_abi(elf: bytes) -> Abi:
    """Return the layouts that kernel and Python share."""
    return Abi.of(Btf.of_elf(elf))


class KernelSide(Scope):
    """
    The object, loaded with *image*.

    :param programs: LSM programs to load; those that run on request are loaded too
    :raises VerifierError: this kernel refuses a program
    :raises KernelError: it refuses anything else, for lack of privilege as a rule
    """

    def __init__(self, elf: bytes, image: Image, programs: Iterable[str], kernel: Kernel) -> None:
        self.abi = object_abi(elf)
        self.programs = tuple(programs)
        with ExitStack() as undo:
            opened = undo.enter_context(Opened.from_bytes(NAME, elf))
            template = undo.enter_context(_image_map(image))
            _prepare(opened, image, template, {*self.programs, WHERE, ASK, FILL}, kernel)
            section, variable = opened.btf.variable("sequence", ".bss")
            self._sequence_at = variable.offset
            self._loaded: Loaded = undo.enter_context(opened.load())
            self._bss: mmap.mmap = undo.enter_context(self.map(f"{NAME}{section}").mmap(writable=False))
            self.put(image)
            self._resources = undo.pop_all()

    def map(self, name: str) -> Map:
        """Return one of the object's maps."""
        return self._loaded.maps[name]

    def put(self, image: Image) -> None:
        """
        Let *image* decide from now on: it is built beside the one before, read back, and put in its place by one store.

        :param image: as large as the one that the object was loaded with
        """
        with _image_map(image) as fresh:
            fresh.update(FIRST_KEY, image.data)
            if fresh.lookup(FIRST_KEY) != image.data:
                raise AbiError("the image in the kernel is not the one that was put there")
            self.map("images").set_inner(FIRST_KEY, fresh)

    def attach(self) -> None:
        """
        Put the programs in force, all or none.

        :raises KernelError: one could not be attached
        """
        with ExitStack() as undo:
            undo.enter_context(self._loaded.attach(name for name in self.programs if name not in LAST))
            undo.enter_context(self._loaded.attach(name for name in LAST if name in self.programs))
            self._resources.push(undo.pop_all())

    def run(self, program: str, count: int = 0) -> int:
        """Run one of the programs that run on request, and return what it returns."""
        return self._loaded.programs[program].test_run(count.to_bytes(4, sys.byteorder)).retval

    def check_paths(self, image: Image) -> None:
        """
        See that the path engine finds this process' working folder, and makes of it what the image says.

        :raises UnsupportedError: it does not: the kernel has changed in a way that krsi does not know
        """
        with contextlib.chdir(os.path.realpath(sys.prefix)):
            expected = os.fsencode(Path.cwd()).rstrip(b"/") + b"/"
            status = self.run(WHERE)
        question = self.abi.unpack("question", self.map("questions").lookup(FIRST_KEY) or b"")
        found = question["path"][: question["path_len"]]
        if status or found != expected[: len(question["path"])]:
            raise UnsupportedError(f"a way to find paths ({expected!r} was found as {found!r})", "6.1")
        if question["path_class"] != Reader(image, self.abi).path_class(expected):
            raise UnsupportedError(f"a way to read paths ({expected!r} led to class {question['path_class']})", "6.1")

    def told(self) -> int:
        """Return how many records have been numbered, those without room in the ring included."""
        return int(_U64.unpack_from(self._bss, self._sequence_at)[0])

    def misses(self) -> dict[str, int]:
        """Return how often each program was skipped because it was entered twice on a CPU, if ever."""
        infos = {name: self._loaded.programs[name].info() for name in self.programs}
        return {name: info.recursion_misses for name, info in infos.items() if info.recursion_misses}

    def close(self) -> None:
        """Detach and let go."""
        self._resources.close()


def _image_map(image: Image) -> Map:
    return Map.create("krsi_image", MapShape(MapType.ARRAY, 4, len(image.data), 1))


def _prepare(opened: Opened, image: Image, inner: Map, wanted: set[str], kernel: Kernel) -> None:
    for name, program in opened.programs.items():
        program.autoload = name in wanted
    opened.set_rodata("has_rdonly_cast", int(kernel.kfunc(CAST).yes is True))
    opened.set_rodata("image_words", image.words)
    opened.maps["images"].set_inner(inner)
