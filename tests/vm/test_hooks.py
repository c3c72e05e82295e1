"""One denial at each hook that files and exec are decided at: krsi.hooks says what each is for."""

import errno
import fcntl
import mmap
import os
import stat
import struct
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from . import calls
from .lab import Act, Lab, Outcome, covers, fresh, prove, refusals

YES, NO = "/t/yes", "/t/no"
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", tag, 6, uid)
    for tag, uid in ((1, 0xFFFFFFFF), (2, 1), (4, 0xFFFFFFFF), (16, 0xFFFFFFFF), (32, 0xFFFFFFFF))
)
"""What setfacl(1) -m u:1:rw would set: see acl(5), linux/posix_acl_xattr.h."""


def denying(access: str) -> str:
    """Everything is allowed below the tests' folder, but *access* to one name."""
    return f"""
- profile: victim
  files:
    - {{allow: [any, getattr, ioctl, lock], path: "/t/{{,**}}"}}
    - {{deny: {access}, path: "{NO}{{,/}}"}}
"""


def files() -> None:
    for path in (YES, NO):
        Path(path).write_text("text")


def folders() -> None:
    for path in (YES, NO):
        Path(path).mkdir()


def nothing() -> None:
    pass


def denied(
    lab: Lab, access: str, operation: str, act: Callable[[str], object], make: Act = files, **more: object
) -> None:
    """*act* on one name is denied, on the other it is not."""
    event = {"verdict": "denied", "operation": operation, "refused": [access], "errno": "EACCES", "profile": "victim"}
    prove(
        lab,
        policy=denying(access),
        make=make,
        act=lambda: act(NO),
        control=lambda: act(YES),
        event={**event, **more},
        errno=errno.EACCES,
    )


def opened(path: str, flags: int, act: Callable[[int], object]) -> object:
    fd = os.open(path, flags)
    try:
        return act(fd)
    finally:
        os.close(fd)


@pytest.mark.hook("file_open")
def test_open(lab: Lab) -> None:
    file = {"path": NO, "type": "file", "mode": "0644", "owner": 0}
    denied(lab, "read", "file.open", lambda path: Path(path).read_bytes(), file=file, rule=f"{lab.source}:5")


@pytest.mark.hook("file_open")
@pytest.mark.parametrize(
    ("access", "flags"), [("write", os.O_WRONLY), ("write", os.O_RDWR), ("append", os.O_WRONLY | os.O_APPEND)]
)
def test_open_to_change(lab: Lab, access: str, flags: int) -> None:
    denied(lab, access, "file.open", lambda path: opened(path, flags, os.fstat))


@pytest.mark.hook("file_receive")
def test_receive(lab: Lab) -> None:
    held: dict[str, int] = {}
    here = os.pidfd_open(os.getpid())

    def make() -> None:
        files()
        for path in (YES, NO):
            if path in held:
                os.close(held[path])
            held[path] = os.open(path, os.O_RDONLY)

    denied(lab, "read", "file.receive", lambda path: os.close(calls.pidfd_getfd(here, held[path])), make)
    for fd in (here, *held.values()):
        os.close(fd)


@pytest.mark.hook("file_fcntl")
def test_stop_appending(lab: Lab) -> None:
    def act(path: str) -> None:
        opened(path, os.O_WRONLY | os.O_APPEND, lambda fd: fcntl.fcntl(fd, fcntl.F_SETFL, 0))

    prove(
        lab,
        policy=f"""
- profile: victim
  files:
    - {{allow: append, path: {NO}}}
    - {{allow: write, path: {YES}}}
""",
        make=files,
        act=lambda: act(NO),
        control=lambda: act(YES),
        event={"verdict": "denied", "operation": "file.fcntl", "refused": ["write"], "file": {"path": NO}},
        errno=errno.EACCES,
    )


@pytest.mark.hook("file_ioctl")
def test_ioctl(lab: Lab) -> None:
    def act(path: str) -> object:
        return opened(path, os.O_RDONLY, lambda fd: fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))

    denied(lab, "ioctl", "file.ioctl", act)


@pytest.mark.hook("file_ioctl_compat")
def test_ioctl_of_a_32_bit_program(lab: Lab) -> None:
    ioctl32 = 54

    def act(path: str) -> object:
        memory = calls.low_memory()
        return opened(path, os.O_RDONLY, lambda fd: calls.syscall32(ioctl32, fd, termios.FIONREAD, memory))

    denied(lab, "ioctl", "file.ioctl", act)


@pytest.mark.hook("file_lock")
def test_lock(lab: Lab) -> None:
    denied(lab, "lock", "file.lock", lambda path: opened(path, os.O_RDONLY, lambda fd: fcntl.flock(fd, fcntl.LOCK_SH)))
    denied(lab, "lock", "file.lock", lambda path: opened(path, os.O_RDWR, lambda fd: fcntl.lockf(fd, fcntl.LOCK_EX)))


@pytest.mark.hook("file_truncate")
def test_truncate_an_open_file(lab: Lab) -> None:
    denied(lab, "truncate", "file.truncate", lambda path: opened(path, os.O_WRONLY, lambda fd: os.ftruncate(fd, 1)))


@pytest.mark.hook("mmap_file")
def test_map(lab: Lab) -> None:
    def act(path: str) -> object:
        return opened(path, os.O_RDONLY, lambda fd: calls.map_file(fd, mmap.PROT_READ | mmap.PROT_EXEC))

    denied(lab, "map", "file.map", act)


@pytest.mark.hook("mmap_file")
def test_map_what_may_only_be_appended_to(lab: Lab) -> None:
    def act(path: str) -> object:
        shared = mmap.MAP_SHARED
        return opened(path, os.O_RDWR | os.O_APPEND, lambda fd: calls.map_file(fd, mmap.PROT_READ, shared))

    prove(
        lab,
        policy=f"""
- profile: victim
  files:
    - {{allow: [read, append], path: {NO}}}
    - {{allow: [read, write], path: {YES}}}
""",
        make=files,
        act=lambda: act(NO),
        control=lambda: act(YES),
        event={"verdict": "denied", "operation": "file.map", "refused": ["write"], "file": {"path": NO}},
        errno=errno.EACCES,
    )


@pytest.mark.hook("file_mprotect")
def test_mprotect(lab: Lab) -> None:
    def act(path: str) -> None:
        address = int(str(opened(path, os.O_RDONLY, lambda fd: calls.map_file(fd, mmap.PROT_READ))))
        calls.mprotect(address, mmap.PROT_READ | mmap.PROT_EXEC)

    denied(lab, "map", "file.mprotect", act)


@pytest.mark.hook("path_mknod")
def test_create(lab: Lab) -> None:
    denied(lab, "create", "file.mknod", lambda path: Path(path).write_text(""), nothing)
    denied(lab, "create", "file.mknod", lambda path: os.mknod(path, stat.S_IFIFO), nothing)


@pytest.mark.hook("path_mknod")
def test_make_a_device(lab: Lab) -> None:
    denied(lab, "mknod", "file.mknod", lambda path: os.mknod(path, stat.S_IFCHR, os.makedev(1, 3)), nothing)


@pytest.mark.hook("path_mkdir")
def test_mkdir(lab: Lab) -> None:
    denied(lab, "create", "file.mkdir", os.mkdir, nothing, file={"path": f"{NO}/", "type": "dir"})


@pytest.mark.hook("path_symlink")
def test_symlink(lab: Lab) -> None:
    denied(lab, "create", "file.symlink", lambda path: Path(path).symlink_to("anything"), nothing)


@pytest.mark.hook("path_link")
def test_link(lab: Lab) -> None:
    denied(
        lab, "link", "file.link", lambda path: os.link(path, f"{path}.new"), file={"path": NO, "target": f"{NO}.new"}
    )


@pytest.mark.hook("path_unlink")
def test_unlink(lab: Lab) -> None:
    denied(lab, "delete", "file.unlink", os.unlink)


@pytest.mark.hook("path_rmdir")
def test_rmdir(lab: Lab) -> None:
    denied(lab, "delete", "file.rmdir", os.rmdir, folders)


@pytest.mark.hook("path_rename")
def test_rename(lab: Lab) -> None:
    denied(
        lab,
        "rename",
        "file.rename",
        lambda path: Path(path).rename(f"{path}.new"),
        file={"path": NO, "target": f"{NO}.new"},
    )


@pytest.mark.hook("path_rename")
def test_rename_to(lab: Lab) -> None:
    def make() -> None:
        Path("/t/other").write_text("")

    denied(lab, "rename", "file.rename", lambda path: Path("/t/other").rename(path), make)


@pytest.mark.hook("path_truncate")
def test_truncate(lab: Lab) -> None:
    denied(lab, "truncate", "file.truncate", lambda path: os.truncate(path, 1))


@pytest.mark.hook("path_chmod")
def test_chmod(lab: Lab) -> None:
    denied(lab, "chmod", "file.chmod", lambda path: Path(path).chmod(0o777))
    denied(lab, "chmod", "file.chmod", lambda path: opened(path, os.O_RDONLY, lambda fd: os.fchmod(fd, 0o777)))


@pytest.mark.hook("path_chown")
def test_chown(lab: Lab) -> None:
    denied(lab, "chown", "file.chown", lambda path: os.chown(path, 1, 1))
    denied(lab, "chown", "file.chown", lambda path: os.lchown(path, -1, 1))


@pytest.mark.hook("inode_setattr")
def test_times(lab: Lab) -> None:
    denied(lab, "setattr", "file.setattr", lambda path: os.utime(path, (1, 1)), file={"path": NO})


@pytest.mark.hook("inode_file_setattr")
def test_file_setattr(lab: Lab) -> None:
    if not lab.kernel.hook("inode_file_setattr").yes:
        pytest.skip("this kernel has no file_setattr(2)")
    no_dump = 0x80
    denied(lab, "setattr", "file.setattr", lambda path: calls.file_setattr(path, no_dump))


@pytest.mark.hook("inode_setxattr")
def test_setxattr(lab: Lab) -> None:
    denied(lab, "setxattr", "file.setxattr", lambda path: os.setxattr(path, "trusted.krsi", b"1"))


def with_attributes() -> None:
    files()
    for path in (YES, NO):
        os.setxattr(path, "trusted.krsi", b"1")
        os.setxattr(path, "system.posix_acl_access", ACL)


@pytest.mark.hook("inode_removexattr")
def test_removexattr(lab: Lab) -> None:
    denied(lab, "setxattr", "file.setxattr", lambda path: os.removexattr(path, "trusted.krsi"), with_attributes)


@pytest.mark.hook("inode_set_acl")
def test_set_acl(lab: Lab) -> None:
    denied(lab, "setxattr", "file.setxattr", lambda path: os.setxattr(path, "system.posix_acl_access", ACL))


@pytest.mark.hook("inode_remove_acl")
def test_remove_acl(lab: Lab) -> None:
    name = "system.posix_acl_access"
    denied(lab, "setxattr", "file.setxattr", lambda path: os.removexattr(path, name), with_attributes)


@pytest.mark.hook("inode_getattr")
def test_getattr(lab: Lab) -> None:
    denied(lab, "getattr", "file.getattr", os.stat)


@pytest.mark.hook("inode_getxattr")
def test_getxattr(lab: Lab) -> None:
    denied(lab, "getattr", "file.getattr", lambda path: os.getxattr(path, "trusted.krsi"), with_attributes)


@pytest.mark.hook("inode_listxattr")
def test_listxattr(lab: Lab) -> None:
    denied(lab, "getattr", "file.getattr", os.listxattr, with_attributes)


MOUNTS = """
- profile: victim
  files:
    - {allow: any, path: "/**"}
"""


def mount_refused(lab: Lab, act: Act, prepare: Act | None = None) -> None:
    prove(
        lab,
        policy=MOUNTS,
        make=folders,
        act=act,
        control=lambda: Path("/t/file").write_text(""),
        event={"verdict": "denied", "operation": "system.mount", "refused": ["mount"], "errno": "EPERM"},
        errno=errno.EPERM,
        prepare=prepare,
    )


@pytest.mark.hook("sb_mount")
def test_mount(lab: Lab) -> None:
    mount_refused(lab, lambda: calls.mount("t", NO, "tmpfs"))
    bind = 0x1000
    mount_refused(lab, lambda: calls.mount(YES, NO, flags=bind))


@pytest.mark.hook("sb_umount")
def test_umount(lab: Lab) -> None:
    mount_refused(lab, lambda: calls.umount("/t"))


@pytest.mark.hook("move_mount")
def test_move_mount(lab: Lab) -> None:
    mount_refused(lab, lambda: calls.move_mount(calls.open_tree(YES), NO))


@pytest.mark.hook("sb_pivotroot")
def test_pivot_root(lab: Lab) -> None:
    def prepare() -> None:
        private, recursive = 1 << 18, 1 << 14
        calls.unshare(calls.CLONE_NEWNS)
        calls.mount("none", "/", flags=private | recursive)
        calls.mount("t", "/t/yes", "tmpfs")
        Path("/t/yes/old").mkdir()
        calls.mount("t", "/t/yes/old", "tmpfs")
        os.chroot("/t/yes")
        os.chdir("/")

    mount_refused(lab, lambda: calls.pivot_root("/old", "/old"), prepare)


EXEC = """
- profile: victim
  files:
    - {allow: [read, map], path: "/{usr,lib*,etc,t,krsi,proc}/**"}
    - {allow: [read, write], path: /dev/null}
  exec:
    - {deny: /usr/bin/false}
    - {allow: "/usr/bin/{true,env}"}
    - {allow: /usr/bin/cat, as: other}
    - {allow: /t/garbage, as: other}
- profile: other
  files:
    - {allow: [read, map], path: "/{usr,lib*,etc}/**"}
    - {allow: [read, write], path: /dev/null}
"""


def run(*argv: str) -> int:
    """Execute a program and return its exit status; an exec that fails is an OSError."""
    pid = os.posix_spawn(argv[0], argv, {"PATH": "/usr/bin"})
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.hook("bprm_check_security")
def test_exec(lab: Lab) -> None:
    prove(
        lab,
        policy=EXEC,
        make=nothing,
        act=lambda: run("/usr/bin/false"),
        control=lambda: run("/usr/bin/true"),
        event={"verdict": "denied", "operation": "exec", "errno": "EACCES", "file": {"path": "/usr/bin/false"}},
        errno=errno.EACCES,
    )


@pytest.mark.hook("bprm_committing_creds")
def test_exec_enters_a_profile(lab: Lab) -> None:
    fresh(lambda: Path("/t/secret").write_text("secret"))
    with lab.policy(EXEC):
        outcome = lab.do("victim", lambda: run("/usr/bin/cat", "/t/secret"))
        events = lab.events()
    assert outcome == Outcome(1)
    entered = {
        "event": "exec",
        "profile": "other",
        "process": {"exe": "/usr/bin/cat", "args": ["/usr/bin/cat", "/t/secret"]},
    }
    assert any(covers(event, entered) for event in events), str(events)
    refused = {"operation": "file.open", "verdict": "denied", "profile": "other", "file": {"path": "/t/secret"}}
    assert any(covers(event, refused) for event in events), str(events)


@pytest.mark.hook("bprm_creds_for_exec")
def test_an_exec_that_failed_leads_nowhere(lab: Lab) -> None:
    """The domain of a program that the kernel could not start is not entered by the next one."""

    def act() -> int:
        pid = os.fork()
        if not pid:
            for argv in (["/t/garbage"], ["/usr/bin/env", "head", "-c1", "/t/secret"]):
                try:
                    os.execve(argv[0], argv, {"PATH": "/usr/bin"})
                except OSError as error:
                    if error.errno != errno.ENOEXEC:
                        break
            os._exit(99)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def make() -> None:
        Path("/t/secret").write_text("secret")
        Path("/t/garbage").write_bytes(b"\xff garbage")
        Path("/t/garbage").chmod(0o755)

    fresh(make)
    policy = EXEC.replace("/usr/bin/{true,env}", "/usr/bin/{true,env,head}")
    with lab.policy(policy):
        outcome = lab.do("victim", act)
        events = lab.events()
    assert outcome == Outcome(0), events
    assert {event["profile"] for event in events if event["event"] == "exec"} == {"victim"}


@pytest.mark.hook("bprm_creds_from_file")
def test_a_descriptor_that_the_new_profile_may_not_have(lab: Lab) -> None:
    def act(path: str) -> int:
        def inherits(fd: int) -> int:
            os.set_inheritable(fd, True)
            return run("/usr/bin/cat", "/etc/hostname")

        status = opened(path, os.O_RDONLY, inherits)
        assert isinstance(status, int)
        return status

    prove(
        lab,
        policy=EXEC,
        make=files,
        act=lambda: act(NO),
        control=lambda: act("/etc/hostname"),
        event={"verdict": "denied", "operation": "file.inherit", "refused": ["read"], "file": {"path": NO}},
        errno=errno.EACCES,
    )


@pytest.mark.hook("task_alloc")
def test_a_fork_is_confined(lab: Lab) -> None:
    def act() -> int:
        pid = os.fork()
        if not pid:
            try:
                Path(NO).read_bytes()
            except PermissionError:
                os._exit(errno.EACCES)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    fresh(files)
    with lab.policy(denying("read")):
        assert lab.do(None, act) == Outcome(0)
        assert lab.do("victim", act) == Outcome(errno.EACCES)
        told = refusals(lab)
    assert len(told) == 1
    assert lab.do("victim", act) == Outcome(0)


@pytest.mark.hook("inode_free_security")
def test_a_new_folder_inherits_nothing_from_an_old_one(lab: Lab) -> None:
    """The memory of a folder that was removed is another's soon: what was remembered of it must not speak for that."""

    def act() -> int:
        leaks = 0
        for _ in range(200):
            for name in ("open", "closed"):
                folder = Path(f"/t/{name}")
                folder.mkdir()
                (folder / "file").write_text("")
                try:
                    (folder / "file").read_bytes()
                    leaks += name == "closed"
                except PermissionError:
                    leaks += name == "open"
                (folder / "file").unlink()
                folder.rmdir()
        return leaks

    fresh(nothing)
    with lab.policy(denying("read").replace(f"{NO}{{,/}}", "/t/closed/**")):
        assert lab.do("victim", act) == Outcome(0)
        assert len(refusals(lab)) == 200
