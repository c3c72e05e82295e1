"""The log of `krsi enforce` may fail; enforcement may not fail with it."""

import io
import os

import pytest

from krsi.cli.enforce import Log
from krsi.event.model import Event

EVENT = Event(time="2026-01-01T00:00:00Z", event="decision", verdict="denied")


def test_events_are_written() -> None:
    """
    One line for each.
    """
    out = io.BytesIO()
    log = Log(out, "json", colour=False)
    log.write([EVENT, EVENT])
    log.write([])
    assert len(out.getvalue().splitlines()) == 2
    assert log.unwritten == 0


@pytest.mark.parametrize("why", ["No space left on device", "Broken pipe"])
def test_a_log_that_cannot_be_written_ends_nothing(why: str, capfd: pytest.CaptureFixture[str]) -> None:
    """
    A full disk and a reader that is gone are told once, and what was not written is counted.
    """
    if why == "Broken pipe":
        reading, writing = os.pipe()
        os.close(reading)
    else:
        writing = os.open("/dev/full", os.O_WRONLY)
    with os.fdopen(writing, "wb", buffering=0) as out:
        log = Log(out, "json", colour=False)
        for _ in range(3):
            log.write([EVENT, EVENT])
    assert log.unwritten == 6
    assert capfd.readouterr().err == f"krsi: events cannot be written ({why}); every access is decided all the same\n"
