"""Events as lines: JSON for programs, one line for people, through structlog in batches."""

import io
import json

import pytest

from krsi.event.model import Ancestor, Event, File, Process
from krsi.sink import compact, jsonl
from krsi.sink.pipeline import writer

PROCESS = Process(
    pid=100, tid=101, exec_id="b:100:60", name="web", uid=33, ancestors=[Ancestor(pid=90)], args=["web", "-d", ""]
)
DENIED = Event(
    time="2026-01-01T12:34:56.789000001Z",
    event="decision",
    seq=7,
    verdict="denied",
    operation="file.open",
    access=["read", "write"],
    refused=["write"],
    errno="EACCES",
    profile="web",
    rule="web.yaml:5",
    reason="nobody\x1b[31m writes",
    process=PROCESS,
    file=File(path="/srv/\\x1b"),
)
EXEC = Event(
    time="2026-01-01T12:34:56.789000001Z",
    event="exec",
    operation="exec",
    access=["exec"],
    profile="web",
    process=PROCESS,
    file=File(path="/bin/web"),
)
LOSS = Event(time="2026-01-01T12:34:56.789000001Z", event="loss", first=3, last=5, count=3, message="gone")


def compacted(event: Event, *, colour: bool = False) -> str:
    return compact.lines([event], colour=colour).decode()


def test_json() -> None:
    """
    One object a line, without what is unknown, whatever its words hold.
    """
    first, second = jsonl.lines([DENIED, LOSS]).decode().splitlines()

    assert json.loads(second) == {
        "time": LOSS.time,
        "event": "loss",
        "first": 3,
        "last": 5,
        "count": 3,
        "message": "gone",
    }
    document = json.loads(first)
    assert document["process"]["args"] == ["web", "-d", ""]
    assert document["process"]["ancestors"] == [{"pid": 90}]
    assert "\x1b" not in first
    assert not document.keys() & {"escaped", "truncated", "count", "tags"}


def test_a_denial_for_people() -> None:
    """
    When, what, who, which object, which rule and why; a control character of the policy's does not get through.
    """
    assert compacted(DENIED) == (
        "12:34:56.789 denied   web          file.open write /srv/\\x1b pid=100 comm=web uid=33 rule=web.yaml:5 "
        "errno=EACCES (nobody\\x1b[31m writes)\n"
    )


def test_an_exec_for_people() -> None:
    """
    A program is shown with its arguments.
    """
    assert compacted(EXEC) == "12:34:56.789 exec     web          exec /bin/web [web -d ] pid=100 comm=web uid=33\n"


def test_a_loss_for_people() -> None:
    """
    Which numbers are missing, and what that means.
    """
    assert compacted(LOSS) == "12:34:56.789 loss     3 records, numbers 3 to 5: gone\n"


def test_a_rename_and_a_descriptor_for_people() -> None:
    """
    Both names are shown, and a descriptor by its number.
    """
    both = Event(time=LOSS.time, event="decision", operation="file.rename", file=File(path="/a", target="/b"))
    held = Event(time=LOSS.time, event="decision", operation="file.inherit", file=File(descriptor=0))

    assert "file.rename /a -> /b" in compacted(both)
    assert "file.inherit descriptor 0: -" in compacted(held)


@pytest.mark.parametrize(
    ("verdict", "colour"), [("denied", "31"), ("killed", "1;31"), ("audited", "33"), ("allowed", "32")]
)
def test_colour(verdict: str, colour: str) -> None:
    """
    Verdicts have colours where colour is wanted, and columns stay where they are.
    """
    event = Event(time=LOSS.time, event="decision", verdict=verdict, operation="file.open", profile="web")

    plain, painted = compacted(event), compacted(event, colour=True)
    assert f"\033[{colour}m{verdict}" in painted
    assert painted.replace(f"\033[{colour}m", "").replace("\033[0m", "") == plain
    assert "\033" not in plain


@pytest.mark.parametrize("form", ["json", "compact"])
def test_a_batch_is_one_write(form: str) -> None:
    """
    However many events there are, structlog is called once, and so is the file.
    """
    writes: list[bytes] = []

    class Out(io.BytesIO):
        def write(self, data: bytes) -> int:  # type: ignore[override]
            writes.append(data)
            return len(data)

    writer(Out(), form, colour=False).info("events", events=[DENIED] * 100 + [LOSS])

    (written,) = writes
    assert written.count(b"\n") == 101
