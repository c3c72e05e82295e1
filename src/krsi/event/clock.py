"""The boot clock, anchored to the wall once and again after a suspend or a step."""

import time
from datetime import UTC, datetime

_TOLERANCE_NS = 1_000_000_000


class BootClock:
    """Turns nanoseconds of CLOCK_BOOTTIME into RFC 3339 times with nanoseconds."""

    def __init__(self) -> None:
        self._anchor_ns = _offset_ns()
        self._second = ""
        self._second_number = -1

    def anchor(self) -> None:
        """Look at the wall clock again; small corrections are left alone, so that time does not jitter."""
        offset = _offset_ns()
        if abs(offset - self._anchor_ns) > _TOLERANCE_NS:
            self._anchor_ns = offset
            self._second_number = -1

    def now(self) -> str:
        """Return the time of day."""
        return self(time.clock_gettime_ns(time.CLOCK_BOOTTIME))

    def __call__(self, boottime_ns: int) -> str:
        """Return the time of day at *boottime_ns*."""
        second, nanosecond = divmod(boottime_ns + self._anchor_ns, 1_000_000_000)
        if second != self._second_number:
            self._second_number = second
            self._second = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._second}.{nanosecond:09d}Z"


def _offset_ns() -> int:
    return time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
