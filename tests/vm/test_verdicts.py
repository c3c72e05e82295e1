"""What becomes of a verdict: modes, kill, log, owner, severity; and the policy that was lifted."""

import errno
import os
import signal
from pathlib import Path

import pytest

from .lab import Lab, Outcome, covers, fresh, prove, refusals

NO, YES = "/t/no", "/t/yes"


def policy(rule: str, mode: str = "enforce") -> str:
    return f"""
- profile: victim
  mode: {mode}
  files:
    - {{allow: any, path: "/t/**"}}
    - {rule}
"""


DENY = policy(f"{{deny: read, path: {NO}}}")


def files() -> None:
    for path in (YES, NO):
        Path(path).write_text("text")


def read() -> bytes:
    return Path(NO).read_bytes()


def test_kill(lab: Lab) -> None:
    prove(
        lab,
        policy=policy(f"{{kill: read, path: {NO}}}"),
        make=files,
        act=read,
        control=lambda: Path(YES).read_bytes(),
        event={"verdict": "killed", "severity": "error", "operation": "file.open", "file": {"path": NO}},
    )


@pytest.mark.parametrize("verb", ["deny", "kill"])
@pytest.mark.parametrize("mode", ["audit", "learn"])
def test_modes_that_refuse_nothing(lab: Lab, mode: str, verb: str) -> None:
    fresh(files)
    with lab.policy(policy(f"{{{verb}: read, path: {NO}}}", mode)):
        assert lab.do("victim", read) == Outcome(b"text")
        told = lab.events()
    assert any(covers(event, {"verdict": "audited", "mode": mode, "file": {"path": NO}}) for event in told)
    assert not any("errno" in event for event in told)


def test_learning_tells_what_is_allowed_too(lab: Lab) -> None:
    fresh(files)
    with lab.policy(policy(f"{{deny: read, path: {NO}}}", "learn")):
        assert lab.do("victim", lambda: Path(YES).read_bytes()).worked
        assert any(covers(event, {"verdict": "allowed", "file": {"path": YES}}) for event in lab.events())


def test_a_profile_that_is_off(lab: Lab) -> None:
    fresh(files)
    with lab.policy(policy(f"{{kill: read, path: {NO}}}", "off")):
        assert lab.do("victim", read) == Outcome(b"text")
        assert not lab.events()


@pytest.mark.parametrize(
    ("rule", "event"),
    [
        (f"{{deny: read, path: {NO}}}", {"verdict": "denied", "severity": "warning"}),
        (f"{{deny: read, path: {NO}, log: critical}}", {"verdict": "denied", "severity": "critical"}),
        (
            f"{{deny: read, path: {NO}, reason: it is ours, tags: [mine]}}",
            {"verdict": "denied", "reason": "it is ours", "tags": ["mine"]},
        ),
        (f"{{deny: read, path: {NO}, log: false}}", None),
        (f"{{audit: read, path: {NO}}}", {"verdict": "allowed"}),
        (f"{{allow: read, path: {NO}, log: true}}", {"verdict": "allowed", "severity": "info"}),
        (f"{{allow: read, path: {NO}}}", None),
    ],
)
def test_what_is_told(lab: Lab, rule: str, event: dict[str, object] | None) -> None:
    fresh(files)
    with lab.policy(policy(rule)):
        outcome = lab.do("victim", read)
        told = lab.events()
    assert outcome == (Outcome(errno=errno.EACCES) if "deny" in rule else Outcome(b"text"))
    assert len(told) == (event is not None), str(told)
    assert event is None or covers(told[0], {**event, "rule": f"{lab.source}:6"}), str(told)


def test_owner(lab: Lab) -> None:
    def others() -> None:
        files()
        os.chown(NO, 1000, 0)

    prove(
        lab,
        policy="""
- profile: victim
  files:
    - {allow: read, path: "/t/*", owner: true}
""",
        make=others,
        act=read,
        control=lambda: Path(YES).read_bytes(),
        event={"verdict": "denied", "rule": "default", "file": {"path": NO, "owner": 1000}},
        errno=errno.EACCES,
    )


def test_release(lab: Lab) -> None:
    """A task is held as long as the policy is, and no longer."""
    fresh(files)
    with lab.policy(DENY):
        task = lab.task("victim", read)
        assert task(read) == Outcome(errno=errno.EACCES)
    assert task(read) == Outcome(b"text")
    with lab.policy(DENY):
        assert task(read) == Outcome(errno=errno.EACCES)
    task.close()


def test_a_full_ring_changes_no_verdict(lab: Lab) -> None:
    """Refusals that nobody reads are refusals all the same, and each that was not told is counted."""
    storm = 30_000

    def act() -> int:
        refused = 0
        for _ in range(storm):
            try:
                os.close(os.open(NO, os.O_RDONLY))
            except PermissionError:
                refused += 1
        return refused

    fresh(files)
    with lab.policy(DENY):
        before = lab.side.told()
        assert lab.do("victim", act) == Outcome(storm)
        assert lab.side.told() - before == storm
        events = lab.events() + lab.missing()
        told = len([event for event in events if event["event"] == "decision"])
        lost = sum(event["count"] for event in events if event["event"] == "loss")
    assert told + lost == storm
    assert lost, "the ring was to be filled"


def test_a_killed_task_is_one_of_many(lab: Lab) -> None:
    """The signal ends all threads of the process that asked, and no other process."""
    fresh(files)
    with lab.policy(policy(f"{{kill: read, path: {NO}}}")):
        bystander = lab.task("victim", lambda: Path(YES).read_bytes(), read)
        with lab.task("victim", read) as task:
            assert task(read) == Outcome(signal=signal.SIGKILL)
        assert bystander(bystander.acts[0]).worked
        bystander.close()
        assert [event["verdict"] for event in refusals(lab)] == ["killed"]
