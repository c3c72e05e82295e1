"""Loaded programs: what the kernel says of one, and running one by hand."""

import ctypes
from dataclasses import dataclass

from krsi.bpf import libbpf
from krsi.bpf.handle import Handle, fill_info
from krsi.bpf.opts import TestRunOpts
from krsi.bpf.uapi import ProgInfo, ProgramType

# Types that refuse a ctx_out: a syscall program writes into its ctx_in, a tracepoint's arguments cannot be written.
_CTX_IN_ONLY = {ProgramType.SYSCALL, ProgramType.RAW_TRACEPOINT}


@dataclass(frozen=True, slots=True)
class ProgramInfo:
    """
    What the kernel knows of a program.

    The counters stand still unless :func:`enable_run_stats` is held; ``recursion_misses`` are runs that the kernel
    skipped because the program was running already on that CPU.
    """

    id: int
    type: int
    name: str
    tag: bytes
    jited_bytes: int
    verified_insns: int
    run_time_ns: int
    run_cnt: int
    recursion_misses: int


@dataclass(frozen=True, slots=True)
class TestRun:
    """
    What one test run gave.

    :param duration_ns: of one repetition, on average; 0 for syscall programs, which the kernel does not time
    """

    retval: int
    duration_ns: int
    ctx: bytes
    data: bytes


class Program(Handle):
    """A loaded program."""

    KIND = "bpf-prog"

    def __init__(self, fd: int, name: str = "") -> None:
        super().__init__(fd, name)
        info = self.info()
        self.name = name or info.name  # the kernel keeps 15 bytes of a name
        self.type = info.type

    def __str__(self) -> str:
        return f"program '{self.name}'"

    def info(self) -> ProgramInfo:
        """Ask the kernel."""
        raw = ProgInfo()
        fill_info(self.fd, raw)
        return ProgramInfo(
            id=raw.id,
            type=raw.type,
            name=raw.name.decode(errors="replace"),
            tag=bytes(raw.tag),
            jited_bytes=raw.jited_prog_len,
            verified_insns=raw.verified_insns,
            run_time_ns=raw.run_time_ns,
            run_cnt=raw.run_cnt,
            recursion_misses=raw.recursion_misses,
        )

    def test_run(self, ctx: bytes = b"", data: bytes = b"", repeat: int = 0) -> TestRun:
        """
        Run the program once, or *repeat* times, on *ctx* and *data* (BPF_PROG_TEST_RUN).

        A ``syscall`` program takes a ctx and no repetitions, and may change its ctx.
        """
        ctx_buffer = ctypes.create_string_buffer(ctx, len(ctx)) if ctx else None
        data_buffer = ctypes.create_string_buffer(len(data) + 256) if data else None  # room for a head it may add
        options = self._options(ctx_buffer, data, data_buffer, repeat)
        with libbpf.doing(f"run {self}"):
            libbpf.bpf_prog_test_run_opts(self.fd, ctypes.byref(options))
        return TestRun(
            retval=options.retval,
            duration_ns=options.duration,
            ctx=ctx_buffer.raw if ctx_buffer else b"",
            data=data_buffer.raw[: options.data_size_out] if data_buffer else b"",
        )

    def _options(
        self,
        ctx: ctypes.Array[ctypes.c_char] | None,
        data: bytes,
        data_out: ctypes.Array[ctypes.c_char] | None,
        repeat: int,
    ) -> TestRunOpts:
        options = TestRunOpts(repeat=repeat)
        if ctx is not None:
            options.ctx_in, options.ctx_size_in = ctypes.addressof(ctx), len(ctx)
            if self.type not in _CTX_IN_ONLY:
                options.ctx_out, options.ctx_size_out = ctypes.addressof(ctx), len(ctx)
        if data_out is not None:
            options.data_in, options.data_size_in = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p), len(data)
            options.data_out, options.data_size_out = ctypes.addressof(data_out), len(data_out)
        return options


def enable_run_stats() -> Handle:
    """Make the kernel count and time all runs of all programs for as long as what is returned stays open."""
    return Handle(libbpf.bpf_enable_stats(0))
