"""An object's life: opened (may be changed), loaded (in the kernel), attached (in force). Each is a type."""

import ctypes
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Self

from krsi.bpf import libbpf
from krsi.bpf.btf import Btf
from krsi.bpf.handle import Scope
from krsi.bpf.link import Link
from krsi.bpf.maps import Map
from krsi.bpf.opts import OpenOpts
from krsi.bpf.program import Program
from krsi.bpf.spec import MapSpec, ObjectPointer, ProgramSpec
from krsi.bpf.verifier import explained
from krsi.errors import AbiError


class Opened(Scope):
    """An object that has been read: what it holds may be changed, nothing is in the kernel yet."""

    def __init__(self, owner: ObjectPointer) -> None:
        self._owner = owner
        self.name = owner.name
        self.programs: Mapping[str, ProgramSpec] = {spec.name: spec for spec in owner.programs()}
        self.maps: Mapping[str, MapSpec] = {spec.name: spec for spec in owner.maps()}

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """
        Read the object at *path*; its name is the file's, up to the first dot.

        :raises ObjectError: it is no BPF object
        """
        return cls.from_bytes(path.name.split(".")[0], path.read_bytes())

    @classmethod
    def from_bytes(cls, name: str, elf: bytes) -> Self:
        """
        Read an object from memory.

        :raises ObjectError: it is no BPF object
        """
        options = OpenOpts(object_name=name.encode())
        with explained(f"open object '{name}'"):
            pointer = libbpf.bpf_object__open_mem(elf, len(elf), ctypes.byref(options))
        return cls(ObjectPointer(pointer, name))

    @cached_property
    def btf(self) -> Btf:
        """The object's types, with the places of variables, which only libbpf knows before a link step."""
        pointer = libbpf.bpf_object__btf(self._owner.live)
        if pointer is None:
            raise AbiError(f"object '{self.name}' has no BTF: compile it with -g")
        size = ctypes.c_uint32()
        return Btf.parse(ctypes.string_at(libbpf.btf__raw_data(pointer, ctypes.byref(size)), size.value))

    def set_rodata(self, name: str, value: int | bytes) -> None:
        """
        Set the constant that the C source calls *name* (``const volatile``); whatever is no integer by its bytes.

        :raises AbiError: there is no such constant, or *value* does not fit it
        """
        section, variable = self.btf.variable(name, ".rodata")
        try:
            data = value if isinstance(value, bytes) else value.to_bytes(variable.size, sys.byteorder, signed=value < 0)
        except OverflowError:
            raise AbiError(f"constant '{name}' has {variable.size} bytes: {value!r} does not fit") from None
        if len(data) != variable.size:
            raise AbiError(f"constant '{name}' has {variable.size} bytes, not {len(data)}")
        pointer = libbpf.bpf_object__find_map_by_name(self._owner.live, section.encode())
        MapSpec(self._owner, pointer).set_initial(variable.offset, data)

    def load(self) -> "Loaded":
        """
        Create the maps and put the programs before the verifier; what was opened goes over to the result.

        :raises VerifierError: a program was refused; its ``log`` has the verifier's words
        :raises KernelError: anything else; its ``errno`` is the kernel's
        """
        with explained(f"load object '{self.name}'"):
            libbpf.bpf_object__load(self._owner.live)
        return Loaded(self._owner.take())

    def close(self) -> None:
        """Free the object, unless it has been loaded."""
        self._owner.close()


class Loaded(Scope):
    """
    An object whose maps and programs are in the kernel.

    ``maps`` and ``programs`` hold those that were not switched off; they are closed with this object.
    """

    def __init__(self, owner: ObjectPointer) -> None:
        self.name = owner.name
        with ExitStack() as undo:
            undo.callback(owner.close)
            self.maps: Mapping[str, Map] = {
                spec.name: undo.enter_context(Map.owning(spec.dup(), spec.name))
                for spec in owner.maps()
                if spec.autocreate
            }
            self._specs = {spec.name: spec for spec in owner.programs() if spec.autoload}
            self.programs: Mapping[str, Program] = {
                name: undo.enter_context(Program.owning(spec.dup(), name)) for name, spec in self._specs.items()
            }
            self._resources = undo.pop_all()

    def attach_one(self, name: str) -> Link:
        """
        Attach a program where its section says.

        :raises KernelError: the kernel refused
        """
        if name not in self._specs:
            raise AbiError(f"object '{self.name}' has loaded no program '{name}'")
        with explained(f"attach program '{name}'"):
            pointer = libbpf.bpf_program__attach(self._specs[name].live)
        return Link(pointer, name)

    def attach(self, names: Iterable[str]) -> "Attached":
        """
        Attach these programs, all or none.

        :raises KernelError: one could not be attached; those before it are detached again
        """
        with ExitStack() as undo:
            links = {name: undo.enter_context(self.attach_one(name)) for name in names}
            return Attached(links, undo.pop_all())

    def close(self) -> None:
        """Let go of the maps and programs; what is attached or pinned stays in the kernel."""
        self._resources.close()


class Attached(Scope):
    """Programs in force, each with its link; closing detaches those whose link is not pinned."""

    def __init__(self, links: Mapping[str, Link], resources: ExitStack) -> None:
        self.links = links
        self._resources = resources

    def close(self) -> None:
        """Let go of all links."""
        self._resources.close()
