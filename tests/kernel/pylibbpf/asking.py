"""How the probe asks, and what it asks about."""

# mypy: ignore-errors
# ruff: noqa
# A list of questions, asked of a module that has no types.

import ctypes
import os
import signal
import sys

FOLDER = sys.argv[1]
if len(sys.argv) > 2:
    import krsi.pylibbpf

    krsi.pylibbpf.install(sys.argv[2])
import pylibbpf as m
from pylibbpf import pylibbpf as raw

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # events come from one CPU
CASES, ATTACH = f"{FOLDER}/cases.bpf.o", f"{FOLDER}/attach.bpf.o"


class Ev(ctypes.Structure):
    _fields_ = (("pid", ctypes.c_uint32), ("ts", ctypes.c_uint64), ("comm", ctypes.c_char * 16))


class Pair(ctypes.Structure):
    _fields_ = (("low", ctypes.c_uint16), ("high", ctypes.c_uint16))


class Whole(int):
    pass


class Index:
    def __index__(self):
        return 5


class Rounds:
    def __int__(self):
        return 8


class Falls:
    def __index__(self):
        raise ValueError("no index")


class Text(str):
    __slots__ = ()


class Octets(bytes):
    pass


def shown(value):
    """Make what is in no particular order comparable."""
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(f"{key!r}: {shown(item)}" for key, item in value.items())) + "}"
    return repr(value)


def t(label, case):
    try:
        print(f"{label} -> {shown(case())}")
    except BaseException as error:
        print(f"{label} !! {type(error).__module__}.{type(error).__qualname__}: {error}")
    sys.stdout.flush()


def child(label, case, seconds=3):
    """Try what may end the process."""
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)
        os.close(2)
        os.open(os.devnull, os.O_WRONLY)
        t(label, case)
        sys.stdout.flush()
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status:
        print(f"{label} ends the process with {status}")


def loaded(path=CASES, structs=None):
    it = m.BpfObject(path, structs)
    it.load()
    if "only" in it.get_map_names():
        it["only"].update(os.getpid(), 1)
    return it
