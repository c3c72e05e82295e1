"""System calls that Python has no function for: see syscall(2), and the numbers in asm/unistd_64.h."""

import ctypes
import mmap
import os

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

AT_FDCWD = -100
AT_SYMLINK_FOLLOW, AT_EMPTY_PATH = 0x400, 0x1000
RESOLVE_IN_ROOT = 0x10
MS_REMOUNT, MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE, MS_SHARED = 0x20, 0x1000, 0x2000, 0x4000, 1 << 18, 1 << 20
MNT_DETACH = 2
MOVE_MOUNT_F_EMPTY_PATH = 4
OPEN_TREE_CLONE, OPEN_TREE_NAMESPACE, FSMOUNT_NAMESPACE = 1, 2, 2
RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT = 1, 2, 4

_MMAP, _MPROTECT, _MOUNT, _UMOUNT2, _PIVOT_ROOT, _UNSHARE = 9, 10, 165, 166, 155, 272
_LINKAT, _RENAMEAT2, _OPEN_TREE, _MOVE_MOUNT, _PIDFD_GETFD, _FILE_SETATTR = 265, 316, 428, 429, 438, 469
_FANOTIFY_INIT, _FANOTIFY_MARK = 300, 301
_FALLOCATE, _NAME_TO_HANDLE_AT, _OPEN_BY_HANDLE_AT, _PWRITEV2, _OPENAT2 = 285, 303, 304, 328, 437
_SETNS, _FSOPEN, _FSCONFIG, _FSMOUNT, _FCHMODAT2 = 308, 430, 431, 432, 452
_EXECVEAT, _PRCTL, _PTRACE = 322, 157, 101
CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
PR_SET_NO_NEW_PRIVS = 38


def syscall(number: int, *args: int | bytes | None) -> int:
    """
    Call the kernel.

    :raises OSError: it refuses
    """
    words = [ctypes.c_char_p(arg) if isinstance(arg, bytes) else ctypes.c_long(arg or 0) for arg in args]
    result = int(_libc.syscall(ctypes.c_long(number), *words))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    syscall(_MOUNT, source.encode(), target.encode(), kind.encode() or None, flags, data.encode() or None)


def umount(target: str, flags: int = MNT_DETACH) -> None:
    """Unmount what is at *target*, and what is below it."""
    syscall(_UMOUNT2, target.encode(), flags)


def pivot_root(new: str, old: str) -> None:
    syscall(_PIVOT_ROOT, new.encode(), old.encode())


def unshare(flags: int) -> None:
    syscall(_UNSHARE, flags)


def setns(fd: int, kind: int) -> None:
    syscall(_SETNS, fd, kind)


def open_tree(path: str, flags: int = OPEN_TREE_CLONE) -> int:
    return syscall(_OPEN_TREE, AT_FDCWD, path.encode(), flags)


def move_mount(fd: int, to: str) -> None:
    syscall(_MOVE_MOUNT, fd, b"", AT_FDCWD, to.encode(), MOVE_MOUNT_F_EMPTY_PATH)


def linkat(fd: int, path: str, to: str, flags: int) -> None:
    syscall(_LINKAT, fd, path.encode(), AT_FDCWD, to.encode(), flags)


def renameat2(old: str, new: str, flags: int) -> None:
    syscall(_RENAMEAT2, AT_FDCWD, old.encode(), AT_FDCWD, new.encode(), flags)


def openat2(folder: int, path: str, flags: int = os.O_RDONLY, resolve: int = 0) -> int:
    how = flags.to_bytes(8, "little") + bytes(8) + resolve.to_bytes(8, "little")
    return syscall(_OPENAT2, folder, path.encode(), how, len(how))


def file_handle(path: str) -> bytes:
    """Return what open_by_handle_at(2) wants to know of a file."""
    room = 128
    handle = ctypes.create_string_buffer(room.to_bytes(4, "little"), 8 + room)
    mount = ctypes.c_int()
    syscall(_NAME_TO_HANDLE_AT, AT_FDCWD, path.encode(), ctypes.addressof(handle), ctypes.addressof(mount), 0)
    return handle.raw


def open_by_handle_at(mount: int, handle: bytes, flags: int) -> int:
    return syscall(_OPEN_BY_HANDLE_AT, mount, handle, flags)


def watch_opens(path: str) -> int:
    """Return a fanotify(7) descriptor, whose events come with descriptors of what was opened."""
    add, opened = 1, 0x20
    fd = syscall(_FANOTIFY_INIT, 0, os.O_RDONLY)
    syscall(_FANOTIFY_MARK, fd, add, opened, AT_FDCWD, path.encode())
    return fd


def new_mount(kind: str, flags: int = 0) -> int:
    """Return a mount of a new file system that is nowhere: see fsopen(2), fsmount(2); or a namespace of it."""
    create = 6
    context = syscall(_FSOPEN, kind.encode(), 0)
    try:
        syscall(_FSCONFIG, context, create, None, None, 0)
        return syscall(_FSMOUNT, context, flags, 0)
    finally:
        os.close(context)


def fchmodat2(fd: int, mode: int) -> None:
    """Since Linux 6.6; change the mode of what is open, even if only by O_PATH."""
    syscall(_FCHMODAT2, fd, b"", mode, AT_EMPTY_PATH)


def fallocate(fd: int, mode: int, offset: int, length: int) -> None:
    syscall(_FALLOCATE, fd, mode, offset, length)


def pwritev2(fd: int, data: bytes, offset: int, flags: int) -> None:
    buffer = ctypes.create_string_buffer(data, len(data))
    vector = ctypes.addressof(buffer).to_bytes(8, "little") + len(data).to_bytes(8, "little")
    syscall(_PWRITEV2, fd, vector, 1, offset, 0, flags)


def pidfd_getfd(pidfd: int, fd: int) -> int:
    return syscall(_PIDFD_GETFD, pidfd, fd, 0)


def file_setattr(path: str, flags: int) -> None:
    """Set inode flags (FS_XFLAG_…) by file_setattr(2), since Linux 6.17."""
    attributes = flags.to_bytes(8, "little") + bytes(16)
    syscall(_FILE_SETATTR, AT_FDCWD, path.encode(), attributes, len(attributes), 0)


def execveat(fd: int, path: bytes, flags: int) -> None:
    """Execute without arguments and environment."""
    arguments = (ctypes.c_char_p * 2)(b"program", None)
    syscall(_EXECVEAT, fd, path, ctypes.addressof(arguments), 0, flags)


def prctl(option: int, value: int) -> None:
    syscall(_PRCTL, option, value, 0, 0, 0)


def ptrace_traceme() -> None:
    syscall(_PTRACE, 0, 0, 0, 0)


def ptrace_continue(pid: int) -> None:
    resume = 7
    syscall(_PTRACE, resume, pid, 0, 0)


def map_file(fd: int, prot: int, flags: int = mmap.MAP_PRIVATE, length: int = 4096) -> int:
    """Map a file; return the address."""
    return syscall(_MMAP, 0, length, prot, flags, fd, 0)


def mprotect(address: int, prot: int, length: int = 4096) -> None:
    syscall(_MPROTECT, address, length, prot)


# push rbx; mov eax, edi; mov ebx, esi; mov ecx, edx; mov edx, ecx of the fourth; int 0x80; pop rbx; ret
_INT80 = bytes.fromhex("53 89f8 89f3 4189c8 89d1 4489c2 cd80 5b c3")


def syscall32(number: int, first: int, second: int, third: int) -> int:
    """Call the kernel as a 32-bit program does (asm/unistd_32.h): by ``int $0x80``."""
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(_INT80)
    at = ctypes.addressof(ctypes.c_char.from_buffer(code))
    call = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_uint] * 4)(at)
    result = int(call(number, first, second, third))
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return result


def low_memory() -> int:
    """Return the address of a page that 32-bit calls can name."""
    map_32bit = 0x40
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | map_32bit
    return syscall(_MMAP, 0, 4096, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
