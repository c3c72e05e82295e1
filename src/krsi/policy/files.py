"""
Which bytes are the policy: files and folders as given, opened so that of what root enforces only root decides.

The law: what is checked is a descriptor, and that descriptor is then read, listed or descended from; a name is used
once. So nothing can be put in the place of what was checked.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from krsi.policy.diagnostics import Report
from krsi.policy.faults import Fault
from krsi.policy.place import Span

MAX_BYTES = 16 << 20
"""Of all files together."""

MAX_ENTRIES = 10_000
"""Files and folders, all together."""

MAX_FOLDERS = 32
"""How deep folders may be nested below a given one."""

SUFFIXES = (".yaml", ".yml")

_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK  # a pipe in the place of a file does not hang us
_PASS = os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW  # opens a symbolic link itself, as fstat then shows


def collect(paths: Sequence[str], report: Report, *, root: bool) -> list[tuple[str, bytes]]:
    """
    Return the name and content of each policy file among *paths* and below those of them that are folders.

    Files come in the order given, those of a folder sorted by name; what is met again is left out. In folders names
    that begin with a dot are passed over, as a shell's ``*`` does.

    :param root: refuse what anybody but root and the present user could change, and every symbolic link
    """
    walk = _Walk(report, root=root)
    try:
        for path in paths:
            walk.given(path)
    except _Enough:
        pass
    return walk.found


class _RefusalError(Exception):
    """One file or folder is not to be had; the walk goes on."""

    def __init__(self, fault: Fault, name: str, **values: Any) -> None:
        super().__init__(fault)
        self.fault, self.name, self.values = fault, name, values


class _Enough(Exception):  # noqa: N818 -- no error: what is wrong has been reported
    """Ends the walk."""


class _Walk:
    def __init__(self, report: Report, *, root: bool) -> None:
        self.found: list[tuple[str, bytes]] = []
        self._report = report
        self._root = root
        self._flags = _READ | (os.O_NOFOLLOW if root else 0)
        self._seen: set[tuple[int, int]] = set()
        self._blamed: set[tuple[Fault, str]] = set()
        self._left = MAX_BYTES

    def given(self, path: str) -> None:
        with self._reporting():
            # abspath() would take an empty name, of an unset variable perhaps, for the present folder
            fd = self._open_from_root(path) if self._root and path else self._open(path, path)
            if not self._take(fd, path, 0):
                raise _RefusalError(Fault.NO_POLICY, path)

    def _open_from_root(self, path: str) -> int:
        """Open *path* from ``/`` down, a folder at a time, each seen to be in good hands."""
        with _blaming(path):
            absolute = os.path.abspath(path)  # noqa: PTH100 -- resolve() would follow the links that are to be refused
            at = os.open("/", _PASS)
        *folders, last = [part for part in absolute.split("/") if part] or ["."]
        name = "/"
        try:
            _check_passable(os.fstat(at), name)
            for folder in folders:
                name = _below(name, folder)
                with _blaming(name):
                    below = os.open(folder, _PASS, dir_fd=at)
                os.close(at)
                at = below
                _check_passable(os.fstat(at), name)
            return self._open(last, path, at)
        finally:
            os.close(at)

    def _open(self, name: str, called: str, folder: int | None = None) -> int:
        try:
            return os.open(name, self._flags, dir_fd=folder)
        except OSError as error:
            if error.errno == errno.ELOOP and self._root:
                raise _RefusalError(Fault.SYMLINK, called) from error
            raise _refusal(error, called) from error

    def _take(self, fd: int, name: str, depth: int) -> bool:
        """Read or list *fd*, and close it. Tell whether there is a policy in it."""
        try:
            status = os.fstat(fd)
            if self._root:
                _check_hands(status, name)
            if self._is_known(status):
                return True
            if stat.S_ISDIR(status.st_mode):
                return self._folder(fd, name, depth)
            if not stat.S_ISREG(status.st_mode):
                raise _RefusalError(Fault.NOT_REGULAR, name)
            self._file(fd, name, status.st_size)
            return True
        finally:
            os.close(fd)

    def _is_known(self, status: os.stat_result) -> bool:
        identity = (status.st_dev, status.st_ino)
        known = identity in self._seen
        self._seen.add(identity)
        if len(self._seen) > MAX_ENTRIES:
            self._end(Fault.TOO_MANY_FILES, limit=f"{MAX_ENTRIES:,}")
        return known

    def _folder(self, fd: int, name: str, depth: int) -> bool:
        if depth == MAX_FOLDERS:
            raise _RefusalError(Fault.FOLDERS_TOO_DEEP, name, limit=MAX_FOLDERS)
        some = False
        for entry in _listed(fd, name):
            called = _below(name, entry)
            with self._reporting():
                some |= entry.endswith(SUFFIXES)
                some |= self._take(self._open(entry, called, fd), called, depth + 1)
        return some

    def _file(self, fd: int, name: str, size: int) -> None:
        with _blaming(name), open(fd, "rb", closefd=False) as stream:
            data = stream.read(self._left + 1) if size <= self._left else b""
        if max(size, len(data)) > self._left:
            self._end(Fault.TOO_LARGE, name, limit=MAX_BYTES >> 20)
        self._left -= len(data)
        self.found.append((name, data))

    def _end(self, fault: Fault, name: str = "", **values: Any) -> None:
        self._blame(_RefusalError(fault, name or "policy", **values))
        raise _Enough

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except _RefusalError as refusal:
            self._blame(refusal)

    def _blame(self, refusal: _RefusalError) -> None:
        self._report.incomplete = True
        if (refusal.fault, refusal.name) not in self._blamed:  # a folder is passed once for each file given below it
            self._blamed.add((refusal.fault, refusal.name))
            self._report.add(refusal.fault, Span(refusal.name, 0, 0), name=refusal.name, **refusal.values)


@contextmanager
def _blaming(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _refusal(error, name) from error


def _refusal(error: OSError, name: str) -> _RefusalError:
    if error.errno == errno.ENOENT:
        return _RefusalError(Fault.NOT_FOUND, name)
    return _RefusalError(Fault.UNREADABLE, name, why=(error.strerror or "").lower())


def _listed(fd: int, name: str) -> list[str]:
    """Return what is to be looked at in a folder; links to folders too, so that root is told of them."""
    with _blaming(name), os.scandir(fd) as entries:
        visible = (entry for entry in entries if not entry.name.startswith("."))
        return sorted(entry.name for entry in visible if entry.name.endswith(SUFFIXES) or entry.is_dir())


def _below(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"


def _check_passable(status: os.stat_result, name: str) -> None:
    """Refuse a folder in which others could replace what lies below; a sticky one keeps them from that."""
    if stat.S_ISLNK(status.st_mode):
        raise _RefusalError(Fault.SYMLINK, name)
    _check_hands(status, name, sticky=bool(status.st_mode & stat.S_ISVTX))


def _check_hands(status: os.stat_result, name: str, *, sticky: bool = False) -> None:
    """
    Refuse what others could change.

    Any group is too much, even root's: with an access control list the group's bits are the list's mask, and the list
    may name anybody.
    """
    if status.st_uid not in {0, os.geteuid()}:
        raise _RefusalError(Fault.OWNER, name, uid=status.st_uid)
    if not sticky and status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        who = "everybody" if status.st_mode & stat.S_IWOTH else f"group {status.st_gid}"
        raise _RefusalError(Fault.WRITABLE, name, who=who)
