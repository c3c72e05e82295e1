"""What this kernel can enforce: which programs a policy needs here, or what is missing."""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from krsi.bpf.features import ACTIVE_LSMS, Answer, Kernel
from krsi.bpf.uapi import MapType, ProgramType
from krsi.errors import KernelError, UnsupportedError
from krsi.hooks import HOOKS, Hook

# Programs that fit another form of their hook: name -> arguments of the hook.
_FORMS = {"inode_setattr": {2: "krsi_inode_setattr_2"}}


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that enforcement needs.

    :param remedy: how the operator gets it
    :param unsure: how the operator gets an answer, where that takes more than being root
    """

    name: str
    answer: Answer
    since: str
    remedy: str
    unsure: str = ""


def findings(kernel: Kernel) -> list[Finding]:
    """Ask *kernel* for all that is needed whatever the policy says."""
    return [
        Finding("BTF of the kernel", kernel.hook("file_open"), "5.4", "boot a kernel with CONFIG_DEBUG_INFO_BTF=y"),
        Finding("LSM programs", kernel.program_type(ProgramType.LSM), "5.7", "boot a kernel with CONFIG_BPF_LSM=y"),
        Finding(
            "bpf among the active LSMs",
            kernel.lsm_active(),
            "5.7",
            "boot with lsm=…,bpf: `krsi doctor` shows the whole line",
            unsure="mount -t securityfs securityfs /sys/kernel/security",
        ),
        Finding("hooks on paths", kernel.hook("path_rename"), "5.7", "boot a kernel with CONFIG_SECURITY_PATH=y"),
        Finding("task storage", kernel.map_type(MapType.TASK_STORAGE), "5.11", "boot a newer kernel"),
        Finding("ring buffer", kernel.map_type(MapType.RINGBUF), "5.8", "boot a newer kernel"),
        Finding("loops", kernel.helper("loop"), "5.17", "boot a newer kernel"),
    ]


def require(kernel: Kernel) -> None:
    """
    Refuse a kernel on which nothing can be enforced.

    :raises UnsupportedError: something is missing
    :raises KernelError: something could not be asked for
    """
    for finding in findings(kernel):
        if finding.answer.yes is None:
            how = f" ({finding.unsure})" if finding.unsure else ""
            raise KernelError(finding.answer.errno, f"cannot tell whether this kernel has {finding.name}{how}")
        if not finding.answer.yes:
            raise UnsupportedError(finding.name, finding.since, finding.remedy)


@dataclass(frozen=True, slots=True)
class Lsms:
    """
    Security modules by name, in the order in which they are asked.

    :param source: where that was read
    """

    names: tuple[str, ...]
    source: str

    def with_bpf(self) -> str:
        """Return the parameter of the kernel's command line that adds BPF to them."""
        names = [name for name in self.names if name not in {"capability", "bpf"}]  # the first is there unasked
        return f"lsm={','.join([*names, 'bpf'])}"


def active_lsms(root: Path = Path("/")) -> Lsms | None:
    """Return the active LSMs: as the kernel says, as it was told, or as it was built; None if nothing can be read."""
    sources = (
        (ACTIVE_LSMS, r"(.+)"),
        (Path("/proc/cmdline"), r".*\blsm=(\S*)"),
        (Path(f"/boot/config-{os.uname().release}"), r'(?s:.*)^CONFIG_LSM="(.*)"$'),
    )
    for path, pattern in sources:
        with suppress(OSError):
            found = re.match(pattern, (root / path.relative_to("/")).read_text().strip(), re.MULTILINE)
            if found:
                return Lsms(tuple(found[1].split(",")), str(path))
    return None


def hooks_for(access: Iterable[str]) -> list[Hook]:
    """Return the hooks at which these accesses are decided, those included that are always needed."""
    wanted = frozenset(access)
    return [hook for hook in HOOKS if hook.access is None or hook.access & wanted]


def programs_for(access: Iterable[str], kernel: Kernel) -> list[str]:
    """
    Return the programs by which these accesses are decided on *kernel*.

    :raises UnsupportedError: it lacks a hook that nothing else covers
    """
    return [program for hook in hooks_for(access) if (program := _program(hook, kernel))]


def _program(hook: Hook, kernel: Kernel) -> str | None:
    if kernel.hook(hook.name).yes:
        return _FORMS.get(hook.name, {}).get(kernel.hook_arguments(hook.name), f"krsi_{hook.name}")
    if hook.instead is None:
        decided = ", ".join(sorted(hook.access or ())) or "everything"
        raise UnsupportedError(f"the LSM hook {hook.name}, at which {decided} is decided", hook.since)
    return None
