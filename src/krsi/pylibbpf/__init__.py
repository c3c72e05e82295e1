"""
A stand-in for PyPI's ``pylibbpf``: its names, signatures, exceptions, texts and conversions, over krsi's own libbpf.

The original exists in two dialects; which one pip gives depends on Python. 0.0.6 (up to Python 3.11) raises KeyError
for a missing key, 0.0.7 returns None and knows values as structures. This module speaks the one that pip would give;
:func:`install` puts either in the original's place. What differs from the original, and why, is in
tests/kernel/pylibbpf/differences.py.
"""

import logging
import sys
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from krsi.pylibbpf import ir_to_ctypes, wrappers
from krsi.pylibbpf.errors import BpfException
from krsi.pylibbpf.ir_to_ctypes import convert_structs_to_ctypes, is_pythonbpf_structs
from krsi.pylibbpf.maps import BaseMap, BpfMap6, BpfMap7
from krsi.pylibbpf.objects import BaseObject, BpfObject6, BpfObject7, BpfProgram
from krsi.pylibbpf.parser import StructParser
from krsi.pylibbpf.perf import PerfEventArray
from krsi.pylibbpf.wrappers import BpfObjectWrapper

__all__ = ["BpfException", "BpfMap", "BpfObject", "BpfProgram", "PerfEventArray", "StructParser", "install"]

PUBLIC = ["BpfObject", "BpfProgram", "BpfMap", "PerfEventArray", "StructParser", "BpfException"]
DOC = """
        Pylibbpf - libbpf bindings for Python
        -----------------------

        .. currentmodule:: pylibbpf

        .. autosummary::
           :toctree: _generate

           BpfProgram
           BpfMap
           BpfException
    """


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is not the same in the two versions."""

    version: str
    raw_object: type[BaseObject]
    map: type[BaseMap]


DIALECTS = {
    "0.0.6": Dialect("0.0.6", BpfObject6, BpfMap6),
    "0.0.7": Dialect("0.0.7", BpfObject7, BpfMap7),
}
DEFAULT = DIALECTS["0.0.6" if sys.version_info < (3, 12) else "0.0.7"]


def install(dialect: str | None = None) -> ModuleType:
    """
    Make ``import pylibbpf`` find this module from now on, and return what it finds.

    :param dialect: ``"0.0.6"`` or ``"0.0.7"``; None for the one that pip would give
    :raises ValueError: for any other
    """
    if dialect is not None and dialect not in DIALECTS:
        raise ValueError(f"no dialect {dialect!r}: {' or '.join(DIALECTS)}")
    modules = _modules(DIALECTS[dialect] if dialect else DEFAULT)
    sys.modules.update(modules)
    return modules["pylibbpf"]


def _modules(dialect: Dialect) -> dict[str, ModuleType]:
    raw = {
        "BpfException": BpfException,
        "BpfMap": dialect.map,
        "BpfProgram": BpfProgram,
        "PerfEventArray": PerfEventArray,
        "StructParser": StructParser,
    }
    wrapped = {name: getattr(wrappers, name) for name in ("BpfObjectWrapper", "PerfEventArrayHelper")}
    converting = {name: getattr(ir_to_ctypes, name) for name in ("ir_type_to_ctypes", *ir_to_ctypes.__all__)}
    parts = {
        "pylibbpf": _module("pylibbpf.pylibbpf", raw | {"BpfObject": dialect.raw_object, "__doc__": DOC}),
        "wrappers": _module("pylibbpf.wrappers", wrapped),
        "ir_to_ctypes": _module("pylibbpf.ir_to_ctypes", converting | {"__all__": ir_to_ctypes.__all__}),
    }
    package = _module(
        "pylibbpf",
        raw
        | parts
        | {name: converting[name] for name in ir_to_ctypes.__all__}
        | {"BpfObject": _object(dialect.raw_object), "BpfObjectWrapper": BpfObjectWrapper},
    )
    package.__dict__.update(
        __all__=PUBLIC, __version__=dialect.version, __path__=[], logger=logging.getLogger("pylibbpf")
    )
    return {"pylibbpf": package} | {f"pylibbpf.{name}": module for name, module in parts.items()}


def _module(name: str, content: dict[str, Any]) -> ModuleType:
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None, is_package=name == "pylibbpf")
    module.__dict__.update(content)
    return module


def _object(raw: type[BaseObject]) -> type[BpfObjectWrapper]:
    class BpfObject(BpfObjectWrapper):
        """The object that programs make: *raw*, with structures converted and maps wrapped."""

        __module__ = "pylibbpf"
        __qualname__ = "BpfObject"

        def __init__(self, object_path: str, structs: Any = None) -> None:
            if structs is None:
                structs = {}
            elif is_pythonbpf_structs(structs):
                structs = convert_structs_to_ctypes(structs)
            super().__init__(raw(object_path, structs))

    BpfObject.__init__.__qualname__ = "BpfObject.__init__"
    return BpfObject


BpfObject = _object(DEFAULT.raw_object)
BpfMap = DEFAULT.map
__version__ = DEFAULT.version
