"""Maps of a loaded object, in the two dialects."""

import ctypes
import errno
import weakref
from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from krsi.bpf import libbpf
from krsi.errors import KernelError
from krsi.pylibbpf.convert import from_bytes, to_bytes
from krsi.pylibbpf.errors import failure, missing, refused
from krsi.pylibbpf.exposed import BaseUnmakeable, Parameter, method

if TYPE_CHECKING:
    from krsi.pylibbpf.objects import BaseObject
    from krsi.pylibbpf.parser import StructParser

OWN = "BpfMap"
KEY, VALUE = Parameter("key", "object"), Parameter("value", "object")
ENDLESS = 1 << 16
"""Steps after which an iteration that the original never ends is ended."""


class BaseMap(BaseUnmakeable):
    """
    What both dialects share.

    A map does not keep its object alive. The original then reads freed memory, which happens to look like a map
    without a descriptor; here it is exactly that: EINVAL.
    """

    __slots__ = ("_fd", "_key_size", "_max_entries", "_name", "_parent", "_pointer", "_type", "_value_size")

    def __of__(self, parent: "BaseObject", pointer: int, name: str) -> Self:
        """Become the object for libbpf's map."""
        try:
            self._fd: int = libbpf.bpf_map__fd(pointer)
        except KernelError as error:
            raise failure(f"Failed to get file descriptor for map '{name}'", error.errno) from error
        self._parent = weakref.ref(parent)
        self._pointer = pointer
        self._name = name
        self._key_size: int = libbpf.bpf_map__key_size(pointer)
        self._value_size: int = libbpf.bpf_map__value_size(pointer)
        self._type: int = libbpf.bpf_map__type(pointer)
        self._max_entries: int = libbpf.bpf_map__max_entries(pointer)
        return self

    @property
    def __parent__(self) -> "BaseObject | None":
        """The object that the map is of, while there is one."""
        return self._parent()

    def _do(self, doing: str, call: Callable[..., int], *arguments: object) -> bool:
        """Call a libbpf function; False if it answers ENOENT."""
        parent = self._parent()  # held while libbpf uses what it owns
        if parent is None:
            raise failure(f"Failed to {doing} map '{self._name}': Invalid argument", errno.EINVAL)
        try:
            call(self._pointer, *arguments)
        except KernelError as error:
            if error.errno == errno.ENOENT and "update" not in doing:
                return False
            raise refused(f"Failed to {doing} map '{self._name}'", error) from None
        return True

    def _find(self, key: object) -> Any:
        encoded = to_bytes(key, self._key_size)
        value = ctypes.create_string_buffer(self._value_size)
        sizes = self._key_size, value, self._value_size, 0
        if not self._do("lookup key in", libbpf.bpf_map__lookup_elem, encoded, *sizes):
            return self._absent()
        return self._decoded(value.raw)

    def _absent(self) -> Any:
        """Answer for a key that is not there."""
        raise NotImplementedError

    def _decoded(self, data: bytes) -> Any:
        return from_bytes(data)

    def _put(self, key: object, value: object) -> None:
        encoded, content = to_bytes(key, self._key_size), to_bytes(value, self._value_size)
        sizes = self._key_size, content, self._value_size, 0
        self._do("update key in", libbpf.bpf_map__update_elem, encoded, *sizes)

    def _drop(self, key: object) -> None:
        encoded = to_bytes(key, self._key_size)
        if not self._do("delete key from", libbpf.bpf_map__delete_elem, encoded, self._key_size, 0):
            raise missing(self._name)

    def _after(self, key: object) -> Any:
        encoded = None if key is None else to_bytes(key, self._key_size)
        found = ctypes.create_string_buffer(self._key_size)
        if not self._do("get next key in", libbpf.bpf_map__get_next_key, encoded, found, self._key_size):
            return None
        return self._decoded(found.raw)

    def _walk(self) -> Iterator[Any]:
        key = self._after(None)
        while key is not None:
            yield key
            key = self._after(key)

    def _pairs(self) -> Iterator[tuple[Any, Any]]:
        for key in self._walk():
            try:
                yield key, self._find(key)
            except KeyError:  # deleted meanwhile: the original ends here
                return

    @method(OWN, KEY, returns="object")
    def lookup(self, key: object) -> Any:
        return self._find(key)

    @method(OWN, KEY, returns="object")
    def __getitem__(self, key: object) -> Any:
        return self._find(key)

    @method(OWN, KEY, VALUE, returns="None")
    def update(self, key: object, value: object) -> None:
        self._put(key, value)

    @method(OWN, KEY, VALUE, returns="None")
    def __setitem__(self, key: object, value: object) -> None:
        self._put(key, value)

    @method(OWN, KEY, returns="None")
    def delete_elem(self, key: object) -> None:
        self._drop(key)

    @method(OWN, KEY, returns="None")
    def __delitem__(self, key: object) -> None:
        self._drop(key)

    @method(OWN, Parameter("key", "object", (None,)), returns="object")
    def get_next_key(self, key: object) -> Any:
        return self._after(key)

    @method(OWN, returns="dict")
    def items(self) -> dict[Any, Any]:
        return dict(self._pairs())

    @method(OWN, returns="list")
    def keys(self) -> list[Any]:
        return list(self._walk())

    @method(OWN, returns="list")
    def values(self) -> list[Any]:
        return [value for _, value in self._pairs()]

    @method(OWN, returns="str")
    def get_name(self) -> str:
        return self._name

    @method(OWN, returns="int")
    def get_fd(self) -> int:
        return self._fd

    @method(OWN, returns="int")
    def get_type(self) -> int:
        return self._type

    @method(OWN, returns="int")
    def get_key_size(self) -> int:
        return self._key_size

    @method(OWN, returns="int")
    def get_value_size(self) -> int:
        return self._value_size

    @method(OWN, returns="int")
    def get_max_entries(self) -> int:
        return self._max_entries


class BpfMap6(BaseMap, public="BpfMap"):
    """As in 0.0.6: a missing key is a KeyError."""

    __slots__ = ()

    def _absent(self) -> Any:
        raise missing(self._name)


class BpfMap7(BaseMap, public="BpfMap"):
    """As in 0.0.7: a missing key is None, and values may be structures; then keys are taken for structures too."""

    __slots__ = ("_parser", "_struct_name")

    def __of__(self, parent: "BaseObject", pointer: int, name: str) -> Self:
        self._parser: StructParser | None = None
        self._struct_name = ""
        return super().__of__(parent, pointer, name)

    def _absent(self) -> Any:
        return None

    def _decoded(self, data: bytes) -> Any:
        if self._parser is not None:
            return self._parser.parse(self._struct_name, data)
        return from_bytes(data)

    def __iter__(self) -> Iterator[Any]:
        """Walk map[0], map[1], … as Python does for a class with ``__getitem__`` alone, but not for ever."""
        for number in count():
            if number == ENDLESS:
                raise failure(f"Iterating over map '{self._name}' does not end: use keys()")
            yield self._find(number)

    @method(OWN, Parameter("struct_name", "str"), returns="None")
    def set_value_struct(self, struct_name: str) -> None:
        parent = self.__parent__
        if parent is None:
            raise failure("Parent BpfObject no longer exists")
        parser = parent.__parser__()
        if parser is None:
            raise failure("No struct definitions available in BpfObject")
        if not parser.has_struct(struct_name):
            raise failure(f"Unknown struct: {struct_name}")
        self._parser, self._struct_name = parser, struct_name

    @method(OWN, returns="str")
    def get_value_struct_name(self) -> str:
        return self._struct_name

    @method(OWN, returns="bool")
    def has_struct_value(self) -> bool:
        return self._struct_name != ""
