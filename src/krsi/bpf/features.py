"""
What this kernel can do, asked of the kernel by doing or read in its BTF; never concluded from its version.

Each answer is one of three: yes, no, or that it could not be told, and why.
"""

import ctypes
import errno
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from krsi.bpf import libbpf
from krsi.bpf.btf import Btf
from krsi.bpf.btf_types import Kind
from krsi.bpf.maps import Map, MapShape
from krsi.bpf.opts import ProgLoadOpts
from krsi.bpf.uapi import SLEEPABLE, AttachType, MapType, ProgramType
from krsi.errors import AbiError, KernelError

ACTIVE_LSMS = Path("/sys/kernel/security/lsm")

# r0 = 0; exit
_RETURN_0 = bytes.fromhex("b700000000000000 9500000000000000")
_CONTROL = MapShape(MapType.ARRAY, 4, 4, 1)
_INSN = 8  # bytes of an instruction

# Types whose programs are checked against what they will be attached to.
_TARGETS = {
    ProgramType.LSM: ("bpf_lsm_file_open", AttachType.LSM_MAC),
    ProgramType.TRACING: ("bpf_iter_task", AttachType.TRACE_ITER),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """
    Yes, no, or unknown.

    :param yes: None if it could not be told
    :param errno: why it could not be told
    """

    yes: bool | None
    errno: int = 0

    def __str__(self) -> str:
        if self.yes is None:
            return f"could not tell: {os.strerror(self.errno)}"
        return "yes" if self.yes else "no"


class Kernel:
    """The running kernel."""

    def __init__(self, active_lsms: Path = ACTIVE_LSMS) -> None:
        self._active_lsms = active_lsms

    def hook(self, name: str) -> Answer:
        """Tell whether programs can be written for the LSM hook *name*: ``"file_open"``."""
        return self._function(f"bpf_lsm_{name}")

    def hook_arguments(self, name: str) -> int:
        """Return how many arguments the LSM hook *name* has here; 0 if there is no such hook, or it cannot be told."""
        if isinstance(self._btf, Answer):
            return 0
        function = self._btf.find(f"bpf_lsm_{name}", Kind.FUNC)
        return self._btf.type(function.target).count if function else 0

    def kfunc(self, name: str) -> Answer:
        """Tell whether the kernel has a function of this name for programs to call."""
        return self._function(name)

    def helper(self, name: str) -> Answer:
        """Tell whether the kernel has the helper ``bpf_<name>``, for some type of program."""
        if isinstance(self._btf, Answer):
            return self._btf
        helpers = self._btf.find("bpf_func_id", Kind.ENUM)
        return Answer(helpers is not None and f"BPF_FUNC_{name}" in self._btf.enumerators(helpers))

    def struct_member(self, struct: str, member: str) -> Answer:
        """Tell whether the kernel's ``struct`` has such a member."""
        if isinstance(self._btf, Answer):
            return self._btf
        return Answer(self._btf.has_struct_member(struct, member))

    def map_type(self, kind: MapType) -> Answer:
        """Tell whether a map of this kind can be made."""
        try:
            if libbpf.libbpf_probe_bpf_map_type(kind, None):
                return Answer(yes=True)
            Map.create("krsi_control", _CONTROL).close()  # libbpf takes a lack of permission for a no
        except KernelError as error:
            return Answer(None, error.errno or 0)
        return Answer(yes=False)

    def program_type(self, kind: ProgramType) -> Answer:
        """Tell whether a program of this type can be loaded, by loading one that returns 0 at once."""
        if kind not in _TARGETS:
            return _loads(kind, prog_flags=SLEEPABLE if kind is ProgramType.SYSCALL else 0)
        if isinstance(self._btf, Answer):
            return self._btf
        function, attach_type = _TARGETS[kind]
        target = self._btf.find(function, Kind.FUNC)
        if target is None:
            return Answer(yes=False)
        return _loads(kind, expected_attach_type=attach_type, attach_btf_id=target.id)

    def lsm_active(self) -> Answer:
        """Tell whether BPF is among the active LSMs, which the boot command line decides."""
        try:
            return Answer("bpf" in self._active_lsms.read_text().strip().split(","))
        except OSError as error:
            return Answer(None, error.errno or errno.EIO)

    def _function(self, name: str) -> Answer:
        if isinstance(self._btf, Answer):
            return self._btf
        return Answer(self._btf.has_function(name))

    @cached_property
    def _btf(self) -> Btf | Answer:
        try:
            return Btf.of_kernel()
        except OSError as error:
            return Answer(None, error.errno or errno.EIO)
        except AbiError:
            return Answer(None, errno.ENOEXEC)  # BTF that this reader cannot read


def _loads(kind: ProgramType, **options: int) -> Answer:
    sized = ProgLoadOpts(**options)
    program = (kind, b"krsi_probe", b"GPL", _RETURN_0, len(_RETURN_0) // _INSN, ctypes.byref(sized))
    try:
        os.close(libbpf.bpf_prog_load(*program))
    except KernelError as error:
        return Answer(yes=False if error.errno == errno.EINVAL else None, errno=error.errno or 0)
    return Answer(yes=True)
