"""Perf buffers: events to Python callbacks, one by one."""

import ctypes
import errno
import sys
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any

from krsi.bpf import libbpf
from krsi.bpf.uapi import MapType
from krsi.errors import KernelError
from krsi.pylibbpf.errors import BpfException, failure, refused
from krsi.pylibbpf.exposed import MODULE, Base, Function, Parameter, method, overload, tp_name
from krsi.pylibbpf.maps import BaseMap
from krsi.pylibbpf.parser import StructParser

OWN = "PerfEventArray"
COMMON = (
    Parameter("map", f"{MODULE}.BpfMap"),
    Parameter("page_cnt", "typing.SupportsInt"),
    Parameter("callback", "collections.abc.Callable"),
)
LOST = Parameter("lost_callback", "object", (None,))

_SAMPLE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32)
_LOST = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_uint64)


class _Printed:
    """Prints what a callback raises and goes on: there is C between it and whoever polls."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> bool:
        if kind is not None and value is not None and at is not None:
            sys.excepthook(kind, value.with_traceback(at.tb_next), at.tb_next)  # without the frame of ours
        return True


class _Receiver:
    """
    What libbpf calls. It must not know the PerfEventArray, which would then never go by itself.

    :param parser: None for events as bytes
    """

    def __init__(self, callback: Callable[[int, Any], object], lost: Any) -> None:
        self.callback = callback
        self.lost = lost
        self.parser: StructParser | None = None
        self.struct_name = ""
        self.uncallable: TypeError | None = None
        self.sample_function = _SAMPLE(self.receive)
        self.lost_function = _LOST(self.lose)

    def receive(self, _ctx: object, cpu: int, data: int, size: int) -> None:
        event: Any = ctypes.string_at(data, size)
        with _Printed():
            try:
                if self.parser and self.struct_name:
                    event = self.parser.parse(self.struct_name, event)
            except BpfException as error:
                print("C++ error in perf callback:", error)  # noqa: T201  the original's own words, to the same place
            else:
                self.callback(cpu, event)

    def lose(self, _ctx: object, cpu: int, count: int) -> None:
        with _Printed():
            if self.lost is None:
                print("Lost", count, "events on CPU", cpu)  # noqa: T201  the original's own words, to the same place
            elif callable(self.lost):
                self.lost(cpu, count)
            else:
                text = f"Object of type '{tp_name(type(self.lost))}' is not an instance of 'function'"
                self.uncallable = TypeError(text)


class PerfEventArray(Base, public=OWN):
    """A reader of a perf event array map; it holds the map's slots until it is gone."""

    __slots__ = ("_buffer", "_free", "_map", "_receiver")

    def _init(self, of: BaseMap, page_cnt: int, callback: Callable[[int, Any], object], lost_callback: Any) -> None:
        if of.get_type() != MapType.PERF_EVENT_ARRAY:
            raise failure(f"Map '{of.get_name()}' is not a PERF_EVENT_ARRAY")
        if page_cnt <= 0 or page_cnt & (page_cnt - 1):
            raise failure("page_cnt must be a positive power of 2")
        if of.__parent__ is None:
            raise failure("Failed to create perf buffer: File descriptor in bad state", errno.EBADFD)
        self._map = of
        self._receiver = _Receiver(callback, lost_callback)
        functions = self._receiver.sample_function, self._receiver.lost_function
        try:
            self._buffer = libbpf.perf_buffer__new(of.get_fd(), page_cnt, *functions, None, None)
        except KernelError as error:
            raise refused("Failed to create perf buffer", error) from None
        self._free = weakref.finalize(self, _free, self._buffer, self._receiver)

    def _init_parsed(
        self, of: BaseMap, page_cnt: int, callback: Callable[[int, Any], object], struct_name: str, lost_callback: Any
    ) -> None:
        self._init(of, page_cnt, callback, lost_callback)
        parent = of.__parent__
        parser = parent.__parser__() if parent is not None else None
        if parser is None:
            self._free()
            raise failure("No struct definitions available")
        self._receiver.parser, self._receiver.struct_name = parser, struct_name

    __init__ = Function(
        "__init__",
        [
            overload(OWN, *COMMON, LOST, returns="None", body=_init),
            overload(OWN, *COMMON, Parameter("struct_name", "str"), LOST, returns="None", body=_init_parsed),
        ],
    )

    def __made__(self) -> bool:
        return hasattr(self, "_free")

    def _result(self, call: Callable[..., int], *arguments: int) -> int:
        try:
            number = call(self._buffer, *arguments)
        except KernelError as error:
            number = -(error.errno or 0)
        uncallable, self._receiver.uncallable = self._receiver.uncallable, None
        if uncallable is not None:
            raise uncallable
        return number

    @method(OWN, Parameter("timeout_ms", "typing.SupportsInt"), returns="int")
    def poll(self, timeout_ms: int) -> int:
        return self._result(libbpf.perf_buffer__poll, timeout_ms)

    @method(OWN, returns="int")
    def consume(self) -> int:
        return self._result(libbpf.perf_buffer__consume)

    @method(OWN, returns=f"{MODULE}.BpfMap")
    def get_map(self) -> BaseMap:
        return self._map


def _free(buffer: int, receiver: _Receiver) -> None:
    libbpf.perf_buffer__free(buffer)
    del receiver.sample_function, receiver.lost_function  # they and the receiver hold each other
