"""The boot clock as time of day."""

import re
import time
from datetime import UTC, datetime

import pytest

from krsi.event.clock import BootClock

SECOND = 1_000_000_000


class Clocks:
    """Both clocks of a machine that was booted at 2026-01-01T00:00:00Z."""

    def __init__(self) -> None:
        self.boot_ns = 0
        self.wall_ns = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * SECOND


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr(time, "time_ns", lambda: clocks.wall_ns)
    monkeypatch.setattr(time, "clock_gettime_ns", lambda _: clocks.boot_ns)
    return clocks


def test_times_have_nanoseconds(clocks: Clocks) -> None:
    """
    RFC 3339 in UTC, and no digit is lost.
    """
    clock = BootClock()

    assert clock(0) == "2026-01-01T00:00:00.000000000Z"
    assert clock(86_399 * SECOND + 999_999_999) == "2026-01-01T23:59:59.999999999Z"
    assert clock(5) == "2026-01-01T00:00:00.000000005Z"


def test_small_corrections_are_left_alone(clocks: Clocks) -> None:
    """
    The wall clock is slewed all the time, and events keep their order and distance.
    """
    clock = BootClock()
    clocks.wall_ns += SECOND // 2
    clock.anchor()

    assert clock(0) == "2026-01-01T00:00:00.000000000Z"


def test_steps_are_followed(clocks: Clocks) -> None:
    """
    When the wall clock was set the clock is anchored anew, in the middle of a second too.
    """
    clock = BootClock()
    assert clock(7) == "2026-01-01T00:00:00.000000007Z"
    clocks.wall_ns += 3600 * SECOND
    clock.anchor()

    assert clock(7) == "2026-01-01T01:00:00.000000007Z"


def test_now() -> None:
    """
    Now is now, on the clocks of this machine.
    """
    before, now, after = datetime.now(UTC), BootClock().now(), datetime.now(UTC)

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", now)
    found = datetime.fromisoformat(f"{now[:26]}+00:00")
    assert (found - before).total_seconds() > -0.01
    assert (after - found).total_seconds() > -0.01
