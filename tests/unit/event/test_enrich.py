"""Records become events: which rule it was, which program, and what was escaped or cut."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from krsi.event.clock import BootClock
from krsi.event.enrich import Enricher, Generation
from krsi.event.model import Event
from krsi.hooks import INHERIT
from krsi.policy.load import understand

from .fields import breaches
from .records import BOOT_ID, DECODER, POLICY, enricher, event, exec_raw, record


def ran(path: bytes, args: bytes, argc: int, **later: Any) -> tuple[Event, Event]:
    """Return the event of an exec, and that of what the program does next."""
    made = enricher()
    first = made.enrich(DECODER.decode(memoryview(exec_raw(path, args, argc))))
    return first, made.enrich(record(b"/x", **later))


def test_a_denial() -> None:
    """
    An event has the whole request, who asked, and the rule with its reason.
    """
    found = event(
        b"/srv/secret", inode=9, device=8 << 20 | 3, file_mode=0o100640, file_uid=5, ancestors=[90, 1, *[0] * 6]
    )

    assert (found.event, found.verdict, found.operation, found.errno) == ("decision", "denied", "file.open", "EACCES")
    assert (found.access, found.refused) == (["read"], ["read"])
    assert (found.profile, found.mode, found.policy, found.seq) == ("web", "enforce", 1, 7)
    assert (found.rule, found.reason, found.severity, found.tags) == (
        "web.yaml:5",
        "nobody reads this",
        "critical",
        None,
    )
    assert found.time == "T2000000123"
    assert found.process
    assert (found.process.pid, found.process.tid, found.process.ppid) == (100, 101, 90)
    assert (found.process.uid, found.process.gid, found.process.euid, found.process.name) == (33, 34, 35, "web")
    assert [each.pid for each in found.process.ancestors or []] == [90, 1]
    assert (found.process.exec_id, found.process.start) == (f"{BOOT_ID}:100:60", "T60")
    assert found.file
    assert (found.file.path, found.file.type, found.file.inode, found.file.device) == ("/srv/secret", "file", 9, "8:3")
    assert (found.file.mode, found.file.owner) == ("0640", 5)
    assert (found.escaped, found.truncated) == (False, None)


def test_the_default() -> None:
    """
    Where no rule speaks the default is named.
    """
    found = event(b"/etc/shadow")

    assert (found.rule, found.reason, found.severity) == ("default", None, "warning")


def test_an_access_that_a_rule_logs() -> None:
    """
    What is allowed and told has the rule that allowed it, with its tags.
    """
    found = event(b"/srv/x", verdict="allow", refused=0, errno=0)

    assert (found.verdict, found.errno, found.refused) == ("allowed", None, None)
    assert (found.rule, found.reason, found.tags, found.severity) == (
        "web.yaml:4",
        "pages are read",
        ["pages", "web"],
        "info",
    )


def test_what_decides_comes_before_what_only_logs() -> None:
    """
    A refusal comes from what refuses; a rule that only logs is named where nothing is refused.
    """
    assert event(b"/srv/x", access="write", refused="write").rule == "default"
    assert event(b"/srv/x", verdict="allow", access="write", refused=0, errno=0).rule == "web.yaml:6"
    assert event(b"/srv/secret", access="read write", refused="read").rule == "web.yaml:5"


@pytest.mark.parametrize("mode", ["audit", "learn"])
def test_a_refusal_that_does_not_hold_is_audited(mode: str) -> None:
    """
    In the modes that refuse nothing the verdict says so, and there is no errno.
    """
    found = event(b"/etc/shadow", mode=mode, errno=0)

    assert (found.verdict, found.mode, found.errno, found.severity) == ("audited", mode, None, "notice")


def test_a_kill() -> None:
    """
    A task that is killed for it was refused it, too.
    """
    found = event(b"/etc/shadow", verdict="kill")

    assert (found.verdict, found.severity) == ("killed", "error")


@pytest.mark.parametrize("reason", ["unresolved", "launders", "no_privs", "failure"])
def test_refusals_that_no_rule_explains(reason: str) -> None:
    """
    The kernel's own reason comes before the rule's, and stands in no default's name.
    """
    found = event(b"" if reason == "unresolved" else b"/srv/x", reason=reason)

    assert found.reason
    assert found.reason != "pages are read"
    assert found.rule != "default"


def test_an_exec_that_nothing_matches() -> None:
    """
    The rule that wants a profile is named, and that there is none.
    """
    found = event(b"/bin/sh", hook="bprm_check_security", access="exec", refused="exec", reason="no_match")

    assert found.rule == "web.yaml:8"
    assert found.reason == "the rule says 'as: matched', and no profile matches this program"


def test_an_exec_is_no_decision() -> None:
    """
    It says what runs, and gives no verdict.
    """
    found, _ = ran(b"/bin/sh", b"sh\0-c\0id\0HOME=/\0", 3)

    assert (found.event, found.operation, found.verdict, found.rule, found.severity) == (
        "exec",
        "exec",
        None,
        None,
        None,
    )
    assert found.process
    assert (found.process.exe, found.process.args) == ("/bin/sh", ["sh", "-c", "id"])


def test_a_program_is_remembered() -> None:
    """
    Later events of the same image name it, its forks' too; those of another do not.
    """
    _, same = ran(b"/bin/sh", b"sh\0", 1)
    _, other = ran(b"/bin/sh", b"sh\0", 1, image_ns=51)

    assert same.process
    assert (same.process.exe, same.process.args) == ("/bin/sh", ["sh"])
    assert other.process
    assert (other.process.exe, other.process.args) == (None, None)


def test_the_programs_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Of many programs those that did something last are remembered.
    """
    monkeypatch.setattr("krsi.event.enrich.MAX_IMAGES", 2)
    made = enricher()
    for image_ns in (1, 2, 1, 3):
        made.enrich(DECODER.decode(memoryview(exec_raw(b"/bin/%d" % image_ns, b"", 0, image_ns=image_ns))))

    found = [made.enrich(record(b"/x", image_ns=image_ns)).process for image_ns in (1, 2, 3)]
    assert [each and each.exe for each in found] == ["/bin/1", None, "/bin/3"]


def test_what_is_cut_is_named() -> None:
    """
    Paths and arguments that were cut say so in each event that shows them.
    """
    first, second = ran(b"/bin/sh", b"sh\0-c\0wh", 3)

    assert first.truncated == second.truncated == ["process.args"]
    assert event(b"cut/of/something", cut="path").truncated == ["file.path"]
    assert event(b"/a", b"ut", hook="path_rename", access="rename", refused="rename", cut="target").truncated == [
        "file.target"
    ]


def test_no_rule_is_guessed_for_a_path_that_is_cut() -> None:
    """
    Of a path without its beginning it cannot be said which patterns match.
    """
    found = event(b"/srv/secret", cut="path")

    assert (found.rule, found.reason) == (None, None)


def test_what_is_not_text_is_escaped() -> None:
    """
    A path of any bytes is a text from which they can be had back, and the event says so.
    """
    found = event(b"/srv/\xff\n\x1b[2J", comm=b"a\tb")

    assert found.file
    assert found.file.path == "/srv/\\xff\\x0a\\x1b[2J"
    assert found.process
    assert found.process.name == "a\\x09b"
    assert found.escaped


def test_a_policy_file_may_be_called_anything() -> None:
    """
    A file name that is no UTF-8 does not break the event.
    """
    policy = understand([("caf\udce9\n.yaml", b"- profile: web\n  files: [{deny: read, path: /x}]\n")]).policy
    made = Enricher(BOOT_ID, str)
    made.add_generation(1, Generation(policy, ("unconfined", "web")))
    found = made.enrich(record(b"/x"))

    assert found.rule == "caf\\xe9\\x0a.yaml:2"
    assert msgspec.json.encode(found)


def test_a_policy_that_is_not_known() -> None:
    """
    An event of a generation that nobody has kept says what it can.
    """
    found = event(b"/srv/secret", generation=9)

    assert (found.profile, found.policy, found.verdict) == (None, 9, "denied")


def test_a_domain_that_is_not_known() -> None:
    """
    A number without a name is no crash.
    """
    assert event(b"/x", domain=77).profile is None


def test_a_descriptor() -> None:
    """
    An exec that is refused for a descriptor says which one.
    """
    found = event(b"/x", hook="bprm_creds_from_file", next=5)

    assert found.operation == INHERIT
    assert found.file
    assert found.file.descriptor == 5


def test_what_is_unknown_is_absent() -> None:
    """
    An object without path, inode or owner is not there, and a task without ancestors has none.
    """
    document = msgspec.to_builtins(event(reason="unresolved", start_ns=0))

    assert "file" not in document
    assert not document["process"].keys() & {"ppid", "ancestors", "exe", "args", "start"}


def test_events_keep_to_the_contract() -> None:
    """
    Every field has the name and the type of EVENTS.md.
    """
    made = Enricher(BOOT_ID, BootClock())
    made.add_generation(1, Generation(POLICY, ("unconfined", "web")))
    records = [
        record(b"/srv/secret", inode=3, file_mode=0o40755, ancestors=[5, 1, *[0] * 6]),
        record(b"/srv/\xff", verdict="allow", refused=0, errno=0, access="read getattr"),
        record(b"/a", b"/b", hook="path_rename", access="rename", refused="rename", mode="audit", cut="path target"),
        record(reason="unresolved"),
        replace(record(b"/srv/x"), kind="exec", args=(b"a", b""), cut=("args",)),
    ]
    for each in records:
        document = msgspec.json.decode(msgspec.json.encode(made.enrich(each)))
        assert breaches(document) == []
