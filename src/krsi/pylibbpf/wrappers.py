"""What ``object[name]`` gives: a helper for perf event arrays, the map itself for everything else."""

from collections.abc import Callable
from typing import Any, Self

from krsi.pylibbpf.perf import PerfEventArray


class PerfEventArrayHelper:
    """A perf event array map that can open its buffer; it passes everything else on to the map."""

    __module__ = "pylibbpf.wrappers"

    def __init__(self, bpf_map: Any) -> None:
        self._map = bpf_map
        self._perf_buffer: Any = None

    def open_perf_buffer(
        self,
        callback: Callable[[int, Any], object],
        struct_name: str = "",
        page_cnt: int = 8,
        lost_callback: Callable[[int, int], object] | None = None,
    ) -> Self:
        """Have *callback* called with the CPU and each event, as bytes or as the structure named *struct_name*."""
        named = (struct_name,) if struct_name else ()
        self._perf_buffer = PerfEventArray(
            self._map, page_cnt, callback, *named, lost_callback or (lambda _cpu, _count: None)
        )
        return self

    def poll(self, timeout_ms: int = -1) -> int:
        """Wait for events and call back for them; -1 waits for ever. Negative is a failure's errno."""
        return self._opened().poll(timeout_ms)  # type: ignore[no-any-return]

    def consume(self) -> int:
        """Call back for the events that are there."""
        return self._opened().consume()  # type: ignore[no-any-return]

    def _opened(self) -> Any:
        if not self._perf_buffer:
            raise RuntimeError("Call open_perf_buffer() first")
        return self._perf_buffer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._map, name)


class BpfObjectWrapper:
    """An object of the extension module, with helpers for its maps; it passes everything else on."""

    __module__ = "pylibbpf.wrappers"

    BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4
    BPF_MAP_TYPE_RINGBUF = 27

    def __init__(self, bpf_object: Any) -> None:
        self._obj = bpf_object
        self._map_helpers: dict[Any, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._map_helpers:
            found = self._obj[name]
            perf = found.get_type() == self.BPF_MAP_TYPE_PERF_EVENT_ARRAY
            self._map_helpers[name] = PerfEventArrayHelper(found) if perf else found
        return self._map_helpers[name]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._obj, name)
