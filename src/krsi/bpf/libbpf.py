"""
libbpf by ctypes: one line a function, errors checked in one place. No other file of krsi opens a C library.

A function is bound when it is first named (``libbpf.bpf_map_create``), so that one which this libbpf lacks is an error
where it is needed and nowhere else. libbpf 1.x answers NULL and errno, or -errno; never an encoded pointer.
"""

import ctypes
import functools
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import c_bool, c_char_p, c_int, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, NoReturn

from krsi.errors import AbiError, KernelError

_log = logging.getLogger(__name__)

# Functions that answer 0 or more, or -errno.
_STATUS: dict[str, tuple[Any, ...]] = {
    "bpf_iter_create": (c_int,),
    "bpf_link__destroy": (c_void_p,),
    "bpf_link__detach": (c_void_p,),
    "bpf_link__fd": (c_void_p,),
    "bpf_link__pin": (c_void_p, c_char_p),
    "bpf_map__delete_elem": (c_void_p, c_void_p, c_size_t, c_uint64),
    "bpf_map__fd": (c_void_p,),
    "bpf_map__get_next_key": (c_void_p, c_void_p, c_void_p, c_size_t),
    "bpf_map__lookup_elem": (c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, c_uint64),
    "bpf_map__set_autocreate": (c_void_p, c_bool),
    "bpf_map__set_inner_map_fd": (c_void_p, c_int),
    "bpf_map__set_max_entries": (c_void_p, c_uint32),
    "bpf_map__set_pin_path": (c_void_p, c_char_p),
    "bpf_map__set_value_size": (c_void_p, c_uint32),
    "bpf_map__update_elem": (c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, c_uint64),
    "bpf_map_create": (c_uint32, c_char_p, c_uint32, c_uint32, c_uint32, c_void_p),
    "bpf_map_delete_batch": (c_int, c_void_p, c_void_p, c_void_p),
    "bpf_map_delete_elem": (c_int, c_void_p),
    "bpf_map_freeze": (c_int,),
    "bpf_map_get_fd_by_id": (c_uint32,),
    "bpf_map_get_next_key": (c_int, c_void_p, c_void_p),
    "bpf_map_lookup_and_delete_elem": (c_int, c_void_p, c_void_p),
    "bpf_map_lookup_batch": (c_int, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p),
    "bpf_map_lookup_elem": (c_int, c_void_p, c_void_p),
    "bpf_map_update_batch": (c_int, c_void_p, c_void_p, c_void_p, c_void_p),
    "bpf_map_update_elem": (c_int, c_void_p, c_void_p, c_uint64),
    "bpf_enable_stats": (c_int,),
    "bpf_obj_get": (c_char_p,),
    "bpf_obj_get_info_by_fd": (c_int, c_void_p, c_void_p),
    "bpf_obj_pin": (c_int, c_char_p),
    "bpf_object__load": (c_void_p,),
    "bpf_prog_load": (c_int, c_char_p, c_char_p, c_void_p, c_size_t, c_void_p),
    "bpf_prog_test_run_opts": (c_int, c_void_p),
    "bpf_program__fd": (c_void_p,),
    "bpf_program__set_autoload": (c_void_p, c_bool),
    "libbpf_num_possible_cpus": (),
    "libbpf_probe_bpf_map_type": (c_int, c_void_p),
    "perf_buffer__consume": (c_void_p,),
    "perf_buffer__poll": (c_void_p, c_int),
}

# Functions that answer a pointer, or NULL and errno.
_POINTER: dict[str, tuple[Any, ...]] = {
    "bpf_link__open": (c_char_p,),
    "bpf_object__find_map_by_name": (c_void_p, c_char_p),
    "bpf_object__find_program_by_name": (c_void_p, c_char_p),
    "bpf_object__open_file": (c_char_p, c_void_p),
    "bpf_object__open_mem": (c_void_p, c_size_t, c_void_p),
    "bpf_program__attach": (c_void_p,),
    "btf__raw_data": (c_void_p, c_void_p),
    "perf_buffer__new": (c_int, c_size_t, c_void_p, c_void_p, c_void_p, c_void_p),
}

# Functions that cannot fail: the type of what they answer, then their arguments.
_VALUE: dict[str, tuple[Any, ...]] = {
    "bpf_map__autocreate": (c_bool, c_void_p),
    "bpf_map__initial_value": (c_void_p, c_void_p, c_void_p),
    "bpf_map__inner_map": (c_void_p, c_void_p),
    "bpf_map__key_size": (c_uint32, c_void_p),
    "bpf_map__max_entries": (c_uint32, c_void_p),
    "bpf_map__name": (c_char_p, c_void_p),
    "bpf_map__pin_path": (c_char_p, c_void_p),
    "bpf_map__type": (c_uint32, c_void_p),
    "bpf_map__value_size": (c_uint32, c_void_p),
    "bpf_object__btf": (c_void_p, c_void_p),
    "bpf_object__close": (None, c_void_p),
    "bpf_object__next_map": (c_void_p, c_void_p, c_void_p),
    "bpf_object__next_program": (c_void_p, c_void_p, c_void_p),
    "bpf_program__autoload": (c_bool, c_void_p),
    "bpf_program__name": (c_char_p, c_void_p),
    "bpf_program__section_name": (c_char_p, c_void_p),
    "bpf_program__type": (c_uint32, c_void_p),
    "libbpf_set_print": (c_void_p, c_void_p),
    "libbpf_strerror": (c_int, c_int, c_char_p, c_size_t),
    "libbpf_version_string": (c_char_p,),
    "perf_buffer__free": (None, c_void_p),
}

_OWN_ERRORS = 4000  # enum libbpf_errno (libbpf.h) begins here; no errno of the kernel gets so far
_DEBUG = 2  # enum libbpf_print_level


class ObjectError(AbiError):
    """
    libbpf finds that a file is no BPF object, or one it cannot use.

    :param number: of ``enum libbpf_errno``
    """

    def __init__(self, number: int, doing: str) -> None:
        text = ctypes.create_string_buffer(128)
        _library().libbpf_strerror(number, text, len(text))
        super().__init__(f"{doing}: {text.value.decode(errors='replace')}")
        self.number = number


class _Captured(threading.local):
    """What libbpf says on this thread, while somebody wants it."""

    lines: list[str] | None = None


_captured = _Captured()
_loading = threading.Lock()


@contextmanager
def captured() -> Iterator[list[str]]:
    """Collect libbpf's warnings on this thread instead of logging them."""
    before, lines = _captured.lines, list[str]()
    _captured.lines = lines
    try:
        yield lines
    finally:
        _captured.lines = before


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Let a KernelError from within say *what* was being done, in lower case, instead of a function's name."""
    try:
        yield
    except KernelError as error:
        raise KernelError(error.errno or 0, what) from error


def pointers(following: Any, parent: int) -> Iterator[int]:
    """Walk the children of *parent* by one of libbpf's ``next`` functions."""
    child = following(parent, None)
    while child:
        yield child
        child = following(parent, child)


def _library() -> ctypes.CDLL:
    with _loading:  # the printer that libbpf keeps must be the one that is kept here
        return _loaded()


@functools.cache
def _loaded() -> ctypes.CDLL:
    library = ctypes.CDLL(_path(), use_errno=True)
    library.libbpf_set_print(_printer())
    return library


def _path() -> str:
    named = os.environ.get("KRSI_LIBBPF")
    if named:
        return named
    from krsi import _native  # noqa: PLC0415  only here: with KRSI_LIBBPF, control needs no extension

    return _native.__file__


@functools.cache
def _printer() -> Any:
    libc = ctypes.CDLL(None)
    libc.vasprintf.argtypes = (c_void_p, c_void_p, c_void_p)
    libc.free.argtypes = (c_void_p,)

    # va_list is a pointer to the callee on x86-64 and arm64, whatever it is made of.
    def hear(level: int, form: int, arguments: int) -> int:
        lines = _captured.lines
        if level >= _DEBUG and (lines is not None or not _log.isEnabledFor(logging.DEBUG)):
            return 0
        text = c_char_p()
        if libc.vasprintf(ctypes.byref(text), form, arguments) < 0:
            return 0
        _keep(level, lines, (text.value or b"").decode(errors="replace"))
        libc.free(text)
        return 0

    return ctypes.CFUNCTYPE(c_int, c_int, c_void_p, c_void_p)(hear)


def _keep(level: int, lines: list[str] | None, text: str) -> None:
    text = text.removeprefix("libbpf: ").rstrip("\n")
    if lines is None:
        _log.log((logging.WARNING, logging.INFO, logging.DEBUG)[level], "libbpf: %s", text)
    else:
        lines.append(text)


def _fail(number: int, name: str) -> NoReturn:
    if number >= _OWN_ERRORS:
        raise ObjectError(number, name)
    raise KernelError(number, name)


def _raise_if_negative(result: int, function: Any, _arguments: Any) -> int:
    if result < 0:
        _fail(-result, function.__name__)
    return result


def _raise_if_null(result: int | None, function: Any, _arguments: Any) -> int:
    if result is None:
        _fail(ctypes.get_errno(), function.__name__)
    return result


def _bind(name: str) -> Any:
    try:
        function = getattr(_library(), name)
    except AttributeError:
        version = _bind("libbpf_version_string")().decode()
        raise AbiError(f"libbpf {version} at {_path()} has no {name}(): krsi needs 1.1 or newer") from None
    if name in _STATUS:
        function.restype, function.argtypes, function.errcheck = c_int, _STATUS[name], _raise_if_negative
    elif name in _POINTER:
        function.restype, function.argtypes, function.errcheck = c_void_p, _POINTER[name], _raise_if_null
    else:
        function.restype, *function.argtypes = _VALUE[name]
    return function


def __getattr__(name: str) -> Any:
    if name not in _STATUS and name not in _POINTER and name not in _VALUE:
        raise AttributeError(name)
    return globals().setdefault(name, _bind(name))
