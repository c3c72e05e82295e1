"""Bytes to ctypes structures, by name."""

from typing import Any

from krsi.pylibbpf.errors import failure
from krsi.pylibbpf.exposed import Base, Function, Parameter, method, overload


class StructParser(Base, public="StructParser"):
    """The structures that callbacks and values are parsed into."""

    __slots__ = ("_types",)

    def _init(self, structs: dict[Any, Any]) -> None:
        self._types = {str(name): kind for name, kind in structs.items()}

    __init__ = Function(
        "__init__", [overload("StructParser", Parameter("structs", "dict"), returns="None", body=_init)]
    )

    def __made__(self) -> bool:
        return hasattr(self, "_types")

    @method("StructParser", Parameter("struct_name", "str"), Parameter("data", "bytes"), returns="object")
    def parse(self, struct_name: str, data: bytes) -> Any:
        if struct_name not in self._types:
            raise failure(f"Unknown struct: {struct_name}")
        return self._types[struct_name].from_buffer_copy(data)

    @method("StructParser", Parameter("struct_name", "str"), returns="bool")
    def has_struct(self, struct_name: str) -> bool:
        return struct_name in self._types
