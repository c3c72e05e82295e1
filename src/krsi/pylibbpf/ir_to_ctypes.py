"""
PythonBPF's structures, which llvmlite describes, as ctypes.

llvmlite is large, so it is never imported here: who hands over its types has imported it, and if nobody has, then a
type is none of llvmlite's.
"""

import ctypes
import logging
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["convert_structs_to_ctypes", "is_pythonbpf_structs"]

logger = logging.getLogger("pylibbpf.ir_to_ctypes")

_INTEGERS = {8: ctypes.c_uint8, 16: ctypes.c_uint16, 32: ctypes.c_uint32, 64: ctypes.c_uint64}


def ir_type_to_ctypes(ir_type: Any) -> Any:
    """
    Return the ctypes type of an llvmlite type; arrays of bytes are characters.

    :raises ValueError: for integers of other than 8, 16, 32 or 64 bits
    :raises TypeError: for everything but integers, arrays and pointers
    """
    if _is(ir_type, "IntType"):
        if ir_type.width not in _INTEGERS:
            raise ValueError(f"Unsupported integer width: {ir_type.width}")
        return _INTEGERS[ir_type.width]
    if _is(ir_type, "ArrayType"):
        element = ir_type.element
        is_text = _is(element, "IntType") and element.width == 8
        return (ctypes.c_char if is_text else ir_type_to_ctypes(element)) * ir_type.count
    if _is(ir_type, "PointerType"):
        return ctypes.c_void_p
    raise TypeError(f"Unsupported IR type: {ir_type}")


def convert_structs_to_ctypes(structs_sym_tab: Mapping[str, Any] | None) -> dict[str, type[ctypes.Structure]]:
    """Return a ctypes structure for each of PythonBPF's."""
    return {name: _structure(name, described) for name, described in (structs_sym_tab or {}).items()}


def is_pythonbpf_structs(structs: object) -> bool:
    """Tell by its first entry whether *structs* is PythonBPF's table."""
    if not isinstance(structs, dict) or not structs:
        return False
    first = next(iter(structs.values()))
    return all(hasattr(first, name) for name in ("ir_type", "fields", "size"))


def _is(ir_type: object, name: str) -> bool:
    ir = sys.modules.get("llvmlite.ir")
    return ir is not None and isinstance(ir_type, getattr(ir, name))


def _structure(name: str, described: Any) -> type[ctypes.Structure]:
    try:
        fields = [(field, ir_type_to_ctypes(kind)) for field, kind in described.fields.items()]
    except (AttributeError, TypeError, ValueError) as error:
        logger.error("Failed to convert struct '%s': %s", name, error)  # noqa: TRY400  the one who calls gets it whole
        raise

    def represent(self: ctypes.Structure) -> str:
        return f"<{name} {' '.join(f'{field}={getattr(self, field)}' for field, _ in fields)}>"

    namespace = {
        "_fields_": fields,
        "__module__": "pylibbpf.ir_to_ctypes",
        "__doc__": f"Auto-generated ctypes structure for {name}",
        "__repr__": represent,
    }
    return type(name, (ctypes.Structure,), namespace)
