"""The option structs of <bpf/libbpf.h> and <bpf/bpf.h>, as far as this package fills them."""

import ctypes
from ctypes import c_char_p, c_int, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, ClassVar


class _Opts(ctypes.Structure):
    # Each begins with its own size, by which any libbpf knows how much of it the caller knows.
    _fields_: ClassVar[Any] = (("sz", c_size_t),)

    def __init__(self, **fields: object) -> None:
        super().__init__(ctypes.sizeof(self), **fields)


class OpenOpts(_Opts):
    """The beginning of ``struct bpf_object_open_opts``."""

    _fields_ = (("object_name", c_char_p),)


class MapCreateOpts(_Opts):
    """The beginning of ``struct bpf_map_create_opts``."""

    _fields_ = (
        ("btf_fd", c_uint32),
        ("btf_key_type_id", c_uint32),
        ("btf_value_type_id", c_uint32),
        ("btf_vmlinux_value_type_id", c_uint32),
        ("inner_map_fd", c_uint32),
        ("map_flags", c_uint32),
    )


class BatchOpts(_Opts):
    """``struct bpf_map_batch_opts``."""

    _fields_ = (("elem_flags", c_uint64), ("flags", c_uint64))


class ProgLoadOpts(_Opts):
    """The beginning of ``struct bpf_prog_load_opts``."""

    _fields_ = (
        ("attempts", c_int),
        ("expected_attach_type", c_uint32),
        ("prog_btf_fd", c_uint32),
        ("prog_flags", c_uint32),
        ("prog_ifindex", c_uint32),
        ("kern_version", c_uint32),
        ("attach_btf_id", c_uint32),
    )


class TestRunOpts(_Opts):
    """``struct bpf_test_run_opts``."""

    _fields_ = (
        ("data_in", c_void_p),
        ("data_out", c_void_p),
        ("data_size_in", c_uint32),
        ("data_size_out", c_uint32),
        ("ctx_in", c_void_p),
        ("ctx_out", c_void_p),
        ("ctx_size_in", c_uint32),
        ("ctx_size_out", c_uint32),
        ("retval", c_uint32),
        ("repeat", c_int),
        ("duration", c_uint32),
        ("flags", c_uint32),
        ("cpu", c_uint32),
        ("batch_size", c_uint32),
    )
