"""Objects and their programs."""

import weakref
from collections.abc import Iterator
from typing import Any, Self

from krsi.bpf import libbpf
from krsi.bpf.libbpf import ObjectError
from krsi.errors import KernelError
from krsi.pylibbpf.errors import failure, refused
from krsi.pylibbpf.exposed import Base, BaseUnmakeable, Function, Parameter, method, overload
from krsi.pylibbpf.maps import BaseMap, BpfMap6, BpfMap7
from krsi.pylibbpf.parser import StructParser

OWN = "BpfObject"
NAME = Parameter("name", "str")


class BpfProgram(BaseUnmakeable, public="BpfProgram"):
    """A program of a loaded object; what it attached stays attached as long as somebody holds this."""

    __slots__ = ("_link", "_name", "_parent", "_pointer")

    def __of__(self, parent: "BaseObject", pointer: int, name: str) -> Self:
        """Become the object for libbpf's program."""
        self._parent, self._pointer, self._name = weakref.ref(parent), pointer, name
        self._link: weakref.finalize[Any, Any] | None = None
        return self

    @method("BpfProgram", returns="None")
    def attach(self) -> None:
        parent = self._parent()  # held while libbpf uses what it owns
        if parent is None:
            raise failure("Parent BpfObject has been destroyed")
        if self._link is not None:
            raise failure(f"Program '{self._name}' already attached")
        try:
            link = libbpf.bpf_program__attach(self._pointer)
        except (KernelError, ObjectError) as error:
            raise refused(f"bpf_program__attach failed for program '{self._name}'", error) from None
        self._link = weakref.finalize(self, _destroy, link)

    @method("BpfProgram", returns="None")
    def detach(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link()

    @method("BpfProgram", returns="bool")
    def is_attached(self) -> bool:
        return self._link is not None

    @method("BpfProgram", returns="str")
    def get_name(self) -> str:
        return self._name


class BaseObject(Base):
    """What both dialects share."""

    __slots__ = ("_maps", "_parser", "_path", "_pointer", "_programs", "_structs")

    __map__: type[BaseMap]

    def _init(self, object_path: str, structs: dict[Any, Any]) -> None:
        self._path = object_path
        self._structs = structs
        self._parser: StructParser | None = None
        self._pointer: int | None = None
        self._programs: dict[str, BpfProgram] = {}
        self._maps: dict[str, BaseMap] = {}

    __init__ = Function(
        "__init__",
        [
            overload(
                OWN, Parameter("object_path", "str"), Parameter("structs", "dict", ({},)), returns="None", body=_init
            )
        ],
    )

    def __made__(self) -> bool:
        return hasattr(self, "_path")

    def __parser__(self) -> StructParser | None:
        """Return the parser of the structures given to this object, or None if there were none when first asked."""
        if self._parser is None and self._structs:
            self._parser = StructParser(self._structs)
        return self._parser

    @property
    def _live(self) -> int:
        if self._pointer is None:
            raise failure("BPF object not loaded")
        return self._pointer

    def _walk_programs(self) -> Iterator[BpfProgram]:
        for pointer in libbpf.pointers(libbpf.bpf_object__next_program, self._live):
            name = libbpf.bpf_program__name(pointer).decode()
            if name not in self._programs:
                self._programs[name] = BpfProgram.__new__(BpfProgram).__of__(self, pointer, name)
            yield self._programs[name]

    def _map(self, name: str) -> BaseMap:
        live = self._live
        if name not in self._maps:
            try:
                pointer = libbpf.bpf_object__find_map_by_name(live, _encoded(name))
            except KernelError as error:
                raise failure(f"Map '{name}' not found", error.errno) from None
            self._maps[name] = self.__map__.__new__(self.__map__).__of__(self, pointer, name)
        return self._maps[name]

    @method(OWN, returns="None")
    def load(self) -> None:
        if self._pointer is not None:
            raise failure("BPF object already loaded")
        try:
            pointer = libbpf.bpf_object__open_file(_encoded(self._path), None)
        except (KernelError, ObjectError) as error:
            raise refused(f"Failed to open BPF object file '{self._path}'", error) from None
        try:
            libbpf.bpf_object__load(pointer)
        except (KernelError, ObjectError) as error:
            libbpf.bpf_object__close(pointer)
            raise refused(f"Failed to open BPF object object from file '{self._path}'", error) from None
        self._pointer = pointer
        weakref.finalize(self, libbpf.bpf_object__close, pointer)

    @method(OWN, returns="bool")
    def is_loaded(self) -> bool:
        return self._pointer is not None

    @method(OWN, returns="list")
    def get_program_names(self) -> list[str]:
        return [program.get_name() for program in self._walk_programs()]

    @method(OWN, NAME, returns="BpfProgram")
    def get_program(self, name: str) -> BpfProgram:
        live = self._live
        if name not in self._programs:
            try:
                pointer = libbpf.bpf_object__find_program_by_name(live, _encoded(name))
            except KernelError as error:
                raise failure(f"Program '{name}' not found", error.errno) from None
            self._programs[name] = BpfProgram.__new__(BpfProgram).__of__(self, pointer, name)
        return self._programs[name]

    @method(OWN, returns="dict")
    def attach_all(self) -> dict[str, BpfProgram]:
        attached = {}
        for program in self._walk_programs():
            if not program.is_attached():
                program.attach()
            attached[program.get_name()] = program
        return attached

    @method(OWN, returns="list")
    def get_map_names(self) -> list[str]:
        pointers = libbpf.pointers(libbpf.bpf_object__next_map, self._live)
        names = [libbpf.bpf_map__name(pointer).decode() for pointer in pointers]
        for name in names:
            self._map(name)
        return names

    @method(OWN, NAME, returns="BpfMap")
    def get_map(self, name: str) -> BaseMap:
        return self._map(name)

    @method(OWN, NAME, returns="BpfMap")
    def __getitem__(self, name: str) -> BaseMap:
        return self._map(name)

    @method(OWN, returns="dict")
    def get_struct_defs(self) -> dict[Any, Any]:
        return self._structs


class BpfObject6(BaseObject, public=OWN):
    """An object of 0.0.6."""

    __slots__ = ()

    __map__ = BpfMap6


class BpfObject7(BaseObject, public=OWN):
    """An object of 0.0.7."""

    __slots__ = ()

    __map__ = BpfMap7


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _destroy(link: int) -> None:
    try:
        libbpf.bpf_link__destroy(link)
    except KernelError:
        return  # libbpf has freed it all the same; nobody is left to be told
