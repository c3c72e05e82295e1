"""Attacks on exec (ATTACKS.md 12, 13 and 15): what runs, under which profile, and with what."""

import errno
import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from . import calls
from .lab import Act, Lab, Outcome, covers, fresh, prove, refusals

SECRET = "/t/secret"
POLICY = """
- profile: victim
  files:
    - {allow: [read, map], path: "/{usr,lib*,etc,krsi}/**"}
    - {allow: read, path: "/proc/**"}
    - {allow: [read, write], path: "/dev/*"}
    - {allow: [read, write, create, delete, rename, link, chmod], path: "/t/own/**"}
    - {allow: [read, map], path: "/t/bin/*"}
    - {allow: [read, append], path: /t/told}
  exec:
    - {allow: "/usr/bin/{true,env,dash,python3*}"}
    - {allow: "/usr/lib/*/ld-linux-*.so.*"}
    - {allow: "/t/bin/*"}
    - {allow: /usr/bin/cat, as: other}
    - {allow: /usr/bin/head, as: matched}
    - {allow: /usr/bin/tail, as: unconfined}
- profile: other
  files:
    - {allow: [read, map], path: "/{usr,lib*,etc}/**"}
    - {allow: read, path: "/proc/**"}
    - {allow: [read, write], path: "/dev/*"}
- profile: matched-one
  match: {exe: /t/matched}
  files:
    - {allow: [read, map], path: "/{usr,lib*,etc}/**"}
    - {allow: [read, map], path: /t/matched}
    - {allow: [read, write], path: "/dev/*"}
  exec:
    - {allow: /t/matched}
"""


def make() -> None:
    """Programs of all kinds; /t/bin is what the victim may execute, /t/own what it may write."""
    for folder in ("bin", "own"):
        Path(f"/t/{folder}").mkdir()
    Path(SECRET).write_text("secret")
    Path("/t/told").touch()
    for name in ("/t/bin/true", "/t/copy", "/t/own/copy", "/t/matched"):
        shutil.copy("/usr/bin/true", name)
    for name, text in {
        "script": "#!/bin/sh\nexit 0\n",
        "bin/chain": "#!/t/bin/interpreter\n",
        "bin/interpreter": "#!/usr/bin/false\n",
        "bin/good": "#!/bin/sh\nexit 0\n",
        "forbidden.py": "raise SystemExit(0)\n",
    }.items():
        path = Path(f"/t/{name}")
        path.write_text(text)
        path.chmod(0o755)


def run(*argv: str, **environment: str) -> int:
    """Execute a program and return its exit status; an exec that fails is an OSError."""
    pid = os.posix_spawn(argv[0], argv, {"PATH": "/usr/bin", **environment})
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def succeed(*argv: str) -> None:
    """As :func:`run`; whatever the program could not do is taken for a denial."""
    if run(*argv):
        raise OSError(errno.EACCES, "the program failed")


def descriptor(path: str, flags: int = os.O_RDONLY) -> int:
    fd = os.open(path, flags)
    os.set_inheritable(fd, True)
    return fd


def in_child(act: Callable[[], object]) -> None:
    """Do *act* in a fork; the OSError that it raises is raised here."""
    pid = os.fork()
    if not pid:
        try:
            act()
        except OSError as error:
            os._exit(error.errno or 255)
        os._exit(0)
    if status := os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
        raise OSError(status, os.strerror(status))


def by_descriptor(path: str) -> None:
    """fexecve(3), as the C library does it: execveat(2) with AT_EMPTY_PATH."""
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    in_child(lambda: calls.execveat(fd, b"", calls.AT_EMPTY_PATH))
    os.close(fd)


def by_proc(path: str) -> None:
    fd = descriptor(path, os.O_PATH)
    run(f"/proc/self/fd/{fd}")
    os.close(fd)


def memfd() -> None:
    fd = os.memfd_create("anything", 0)
    os.write(fd, Path("/usr/bin/true").read_bytes())
    in_child(lambda: os.execve(fd, ["true"], {}))
    os.close(fd)


def by_vfork(path: str) -> None:
    """Many at once from several threads, each by vfork(2), as posix_spawn(3) does it."""
    refused: list[int] = []

    def spawn() -> None:
        for _ in range(5):
            try:
                run(path)
            except OSError as error:
                refused.append(error.errno or 0)

    threads = [threading.Thread(target=spawn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refused:
        assert refused == [errno.EACCES] * 20
        raise OSError(errno.EACCES, "every one of them")


def by_other_thread(path: str) -> None:
    """Execute from a thread that does not lead its group: the whole group becomes the new program."""

    def group() -> None:
        failed: list[OSError] = []

        def execute() -> None:
            try:
                os.execv(path, [path])
            except OSError as error:
                failed.append(error)

        thread = threading.Thread(target=execute)
        thread.start()
        thread.join()
        raise failed[0]

    in_child(group)


def denied_exec(
    lab: Lab, act: Act, path: str | None, control: Act = lambda: run("/usr/bin/true"), **more: object
) -> None:
    event = {"verdict": "denied", "operation": "exec", "errno": "EACCES", "profile": "victim"}
    file = {"file": {"path": path}} if path else {}
    prove(lab, policy=POLICY, make=make, act=act, control=control, event={**event, **file, **more}, errno=errno.EACCES)


@pytest.mark.parametrize("way", [run, by_descriptor, by_proc, by_vfork, by_other_thread])
def test_no_way_of_executing_escapes(lab: Lab, way: Callable[[str], object]) -> None:
    denied_exec(lab, lambda: way("/t/copy"), "/t/copy", lambda: way("/t/bin/true"))


def test_a_script_is_executed_only_if_its_interpreter_is(lab: Lab) -> None:
    denied_exec(lab, lambda: run("/t/script"), "/t/script", lambda: run("/t/bin/good"))
    denied_exec(lab, lambda: run("/t/bin/chain"), "/usr/bin/false", lambda: run("/t/bin/good"))


@pytest.mark.parametrize(
    ("command", "path"),
    [
        (("/usr/bin/dash", "/t/script"), "/t/script"),
        (("/usr/bin/env", "dash", "/t/script"), "/t/script"),
        (("/usr/bin/python3", "-IS", "/t/forbidden.py"), "/t/forbidden.py"),
    ],
)
def test_what_an_interpreter_runs_is_what_it_reads(lab: Lab, command: tuple[str, ...], path: str) -> None:
    prove(
        lab,
        policy=POLICY,
        make=make,
        act=lambda: succeed(*command),
        control=lambda: succeed("/usr/bin/dash", "/t/bin/good"),
        event={"verdict": "denied", "operation": "file.open", "refused": ["read"], "file": {"path": path}},
        errno=errno.EACCES,
    )


def test_the_loader_needs_to_map_what_it_starts(lab: Lab) -> None:
    loader = "/lib64/ld-linux-x86-64.so.2"
    prove(
        lab,
        policy=POLICY.replace('path: "/t/bin/*"', 'path: ["/t/bin/*", "/t/copy"]').replace(
            "- {allow: [read, append]", "- {deny: map, path: /t/copy}\n    - {allow: [read, append]"
        ),
        make=make,
        act=lambda: succeed(loader, "/t/copy"),
        control=lambda: succeed(loader, "/t/bin/true"),
        event={"verdict": "denied", "operation": "file.map", "refused": ["map"], "file": {"path": "/t/copy"}},
        errno=errno.EACCES,
    )


def test_code_without_a_name(lab: Lab) -> None:
    denied_exec(lab, memfd, None)


def test_copies_and_links_are_no_way_around(lab: Lab) -> None:
    """An allowed binary by another name is another object; a forbidden one by an allowed name is not to be had."""
    denied_exec(lab, lambda: run("/t/own/copy"), "/t/own/copy")

    def link() -> None:
        Path("/t/own/new").unlink(missing_ok=True)
        os.link("/t/bin/true", "/t/own/new")
        run("/t/own/new")

    prove(
        lab,
        policy=POLICY,
        make=make,
        act=link,
        control=lambda: run("/t/bin/true"),
        event={"verdict": "denied", "operation": "file.link", "file": {"path": "/t/bin/true", "target": "/t/own/new"}},
        errno=errno.EACCES,
    )
    laundering = POLICY.replace('path: "/t/own/**"', 'path: ["/t/own/**", "/t/bin/*"]')
    for act in (
        lambda: os.link("/t/own/copy", "/t/bin/new"),
        lambda: Path("/t/own/copy").rename("/t/bin/true"),
        lambda: calls.renameat2("/t/own/copy", "/t/bin/true", calls.RENAME_EXCHANGE),
    ):
        prove(
            lab,
            policy=laundering,
            make=make,
            act=act,
            control=lambda: Path("/t/own/copy").rename("/t/own/other"),
            event={"verdict": "denied", "file": {"path": "/t/own/copy"}},
            errno=errno.EACCES,
        )


def test_an_allowed_binary_cannot_be_overwritten(lab: Lab) -> None:
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC):
        prove(
            lab,
            policy=POLICY,
            make=make,
            act=lambda flags=flags: os.close(os.open("/t/bin/true", flags)),  # type: ignore[misc]
            control=lambda: os.close(os.open("/t/own/copy", os.O_WRONLY)),
            event={"verdict": "denied", "operation": "file.open", "file": {"path": "/t/bin/true"}},
            errno=errno.EACCES,
        )


def output(*argv: str, **environment: str) -> bytes:
    """Execute a program and return what it prints."""
    out, into = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, into, 1)]
    pid = os.posix_spawn(argv[0], argv, {"PATH": "/usr/bin", **environment}, file_actions=actions)
    os.close(into)
    with os.fdopen(out, "rb") as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    return text


def is_secure(auxv: bytes) -> bool:
    """Look AT_SECURE up: getauxval(3)."""
    at_secure = 23
    words = [int.from_bytes(auxv[at : at + 8], "little") for at in range(0, len(auxv), 8)]
    return dict(zip(words[::2], words[1::2], strict=False))[at_secure] == 1


def test_the_environment_is_not_trusted_on_a_change(lab: Lab) -> None:
    """LD_PRELOAD and its kin work through AT_SECURE: it is set on every change of profile, and on no other exec."""
    fresh(make)

    def read() -> bool:
        return is_secure(output("/usr/bin/cat", "/proc/self/auxv"))

    keep = POLICY.replace("/usr/bin/cat, as: other", "/usr/bin/cat")
    with lab.policy(POLICY):
        assert lab.do(None, read) == Outcome(False)
        assert lab.do("victim", read) == Outcome(True)
    with lab.policy(keep):
        assert lab.do("victim", read) == Outcome(False)
    with lab.policy(
        POLICY.replace("/t/matched}\n  files", "/usr/bin/cat}\n  files").replace(
            "/{usr,lib*,etc}/**", "/{usr,lib*,etc,proc}/**"
        )
    ):
        assert lab.do(None, read) == Outcome(True)


def profile_of(events: list[dict[str, object]], exe: str) -> list[object]:
    return [event["profile"] for event in events if covers(event, {"event": "exec", "process": {"exe": exe}})]


def test_where_an_exec_leads(lab: Lab) -> None:
    """To the profile that is named, to the one that matches, out of all, or nowhere else."""
    fresh(make)
    unreadable = ("/usr/bin/cat", SECRET)
    with lab.policy(POLICY):
        assert lab.do("victim", lambda: run(*unreadable)) == Outcome(1)
        events = lab.events()
        assert profile_of(events, "/usr/bin/cat") == ["other"]
        assert lab.do("victim", lambda: run("/usr/bin/tail", SECRET)) == Outcome(0)
        assert not refusals(lab), "tail is unconfined"
        assert lab.do("victim", lambda: run("/usr/bin/head", SECRET)) == Outcome(errno=errno.EACCES)
        assert any(covers(event, {"operation": "exec", "file": {"path": "/usr/bin/head"}}) for event in refusals(lab))
        assert lab.do(None, lambda: run("/t/matched")) == Outcome(0)
        assert profile_of(lab.events(), "/t/matched") == ["matched-one"]
    with lab.policy(POLICY):
        assert lab.do(None, lambda: run("/t/copy")) == Outcome(0)
        assert not lab.events(), "nobody matches"


def test_only_the_user_that_is_named_matches(lab: Lab) -> None:
    fresh(make)
    policy = POLICY.replace("{exe: /t/matched}", "{exe: /t/matched, uid: 1000}")

    def act(uid: int) -> int:
        pid = os.posix_spawn("/usr/bin/setpriv", ["setpriv", f"--reuid={uid}", "--clear-groups", "/t/matched"], {})
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    with lab.policy(policy):
        assert lab.do(None, lambda: act(1001)) == Outcome(0)
        assert not lab.events()
        assert lab.do(None, lambda: act(1000)) == Outcome(0)
        assert profile_of(lab.events(), "/t/matched") == ["matched-one"]


def test_set_uid_programs_keep_their_profile(lab: Lab) -> None:
    def suid() -> None:
        make()
        for name in ("/t/bin/cat", "/t/suid"):
            shutil.copy("/usr/bin/cat", name)
            os.chown(name, 1000, 1000)
            Path(name).chmod(0o4755)
        Path(SECRET).chmod(0o644)

    prove(
        lab,
        policy=POLICY,
        make=suid,
        act=lambda: succeed("/t/bin/cat", SECRET),
        control=lambda: succeed("/t/bin/cat", "/etc/passwd"),
        event={"operation": "file.open", "profile": "victim", "process": {"euid": 1000}, "file": {"path": SECRET}},
        errno=errno.EACCES,
    )
    prove(
        lab,
        policy=POLICY,
        make=suid,
        act=lambda: run("/t/suid", SECRET),
        control=lambda: succeed("/t/bin/cat", "/etc/passwd"),
        event={"operation": "exec", "profile": "victim", "file": {"path": "/t/suid"}},
        errno=errno.EACCES,
    )


def test_programs_with_capabilities_keep_their_profile(lab: Lab) -> None:
    def capable() -> None:
        make()
        shutil.copy("/usr/bin/cat", "/t/bin/cat")
        subprocess.run(["setcap", "cap_dac_override+ep", "/t/bin/cat"], check=True)
        Path(SECRET).chmod(0)

    def act(path: str) -> None:
        def as_user() -> None:
            os.setresuid(1000, 1000, 1000)
            succeed("/t/bin/cat", path)

        in_child(as_user)

    prove(
        lab,
        policy=POLICY,
        make=capable,
        act=lambda: act(SECRET),
        control=lambda: act("/etc/passwd"),
        event={"operation": "file.open", "profile": "victim", "process": {"uid": 1000}, "file": {"path": SECRET}},
        errno=errno.EACCES,
    )


def no_new_privileges() -> None:
    calls.prctl(calls.PR_SET_NO_NEW_PRIVS, 1)


def test_no_new_privileges_holds_the_profile(lab: Lab) -> None:
    """As in AppArmor: who has sworn off privileges is not let into another profile."""

    def act(*argv: str) -> None:
        def sworn() -> None:
            no_new_privileges()
            run(*argv)

        in_child(sworn)

    event = {"verdict": "denied", "operation": "exec", "errno": "EPERM", "file": {"path": "/usr/bin/cat"}}
    prove(
        lab,
        policy=POLICY,
        make=make,
        act=lambda: act("/usr/bin/cat", "/etc/passwd"),
        control=lambda: act("/t/bin/true"),
        event=event,
        errno=errno.EPERM,
    )
    with lab.policy(POLICY):
        assert lab.do(None, lambda: act("/t/matched")).worked
        assert profile_of(lab.events(), "/t/matched") == ["matched-one"], (
            "the unconfined lose by it, so they are let in"
        )


def test_a_traced_task_keeps_its_profile(lab: Lab) -> None:
    def act(*argv: str) -> None:
        """Trace oneself, in a child: its parent, as confined as it is, would hold what enters the other profile."""
        pid = os.fork()
        if not pid:
            calls.ptrace_traceme()
            try:
                os.execv(argv[0], argv)
            except OSError as error:
                os._exit(error.errno or 255)
        status = os.waitpid(pid, 0)[1]
        while os.WIFSTOPPED(status):
            calls.ptrace_continue(pid)
            status = os.waitpid(pid, 0)[1]
        if code := os.waitstatus_to_exitcode(status):
            raise OSError(code, os.strerror(code))

    prove(
        lab,
        policy=POLICY,
        make=make,
        act=lambda: act("/usr/bin/cat", "/etc/passwd"),
        control=lambda: act("/t/bin/true"),
        event={"verdict": "denied", "operation": "exec", "errno": "EPERM", "file": {"path": "/usr/bin/cat"}},
        errno=errno.EPERM,
    )


def test_a_thread_of_the_group_that_executes_takes_the_new_profile_along(lab: Lab) -> None:
    """All other threads end, and what runs then is what the exec led to."""
    fresh(make)
    with lab.policy(POLICY):
        assert lab.do("victim", lambda: by_other_thread("/usr/bin/cat")).worked
        assert profile_of(lab.events(), "/usr/bin/cat") == ["other"]


def test_what_is_executed_is_not_asked_to_be_read(lab: Lab) -> None:
    """A program that may be executed and not read is executed, as the kernel's own permission bits have it."""
    fresh(make)
    shutil.copy("/bin/busybox", "/t/bin/busybox")
    policy = POLICY.replace('    - {allow: [read, map], path: "/t/bin/*"}\n', "")
    with lab.policy(policy):
        assert lab.do("victim", lambda: run("/t/bin/busybox", "true")) == Outcome(0)
        assert lab.do("victim", lambda: os.open("/t/bin/busybox", os.O_RDONLY)) == Outcome(errno=errno.EACCES)


def test_the_event_names_the_executable_whatever_the_task_says(lab: Lab) -> None:
    fresh(make)

    def act() -> None:
        def disguised() -> None:
            comm = os.open("/proc/self/comm", os.O_WRONLY)
            os.write(comm, b"innocent")
            Path(SECRET).read_bytes()

        in_child(disguised)

    with lab.policy(POLICY.replace('"/proc/**"}', '"/proc/**"}\n    - {allow: write, path: "/proc/*/comm"}')):
        assert lab.do("victim", act) == Outcome(errno=errno.EACCES)
        told = refusals(lab)
    assert [event["process"]["name"] for event in told] == ["innocent"], str(told)
    [event] = told
    assert stat.S_ISREG(Path(SECRET).stat().st_mode)
    assert event["file"]["inode"] == Path(SECRET).stat().st_ino
