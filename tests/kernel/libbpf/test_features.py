import errno
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from krsi.bpf import features, uapi
from krsi.bpf.btf import VMLINUX, Btf
from krsi.bpf.btf_types import Kind
from krsi.bpf.features import Answer, Kernel
from krsi.bpf.uapi import MapType, ProgramType

UNKNOWN: Any = 4711


@pytest.fixture(scope="session")
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture(scope="session")
def vmlinux() -> Btf:
    return Btf.of_kernel()


def test_hooks_helpers_and_members_are_those_of_the_kernel(kernel: Kernel) -> None:
    """
    What every kernel since 5.17 has is there, what none has is not.
    """
    assert Answer(yes=True) == kernel.hook("file_open")
    assert Answer(yes=False) == kernel.hook("file_opened")
    assert Answer(yes=True) == kernel.helper("loop")
    assert Answer(yes=False) == kernel.helper("loops")
    assert Answer(yes=True) == kernel.kfunc("bpf_lsm_file_open")
    assert Answer(yes=False) == kernel.kfunc("bpf_no_such_thing")
    assert Answer(yes=True) == kernel.struct_member("task_struct", "bpf_storage")
    assert Answer(yes=False) == kernel.struct_member("task_struct", "bpf_storages")
    assert Answer(yes=False) == kernel.struct_member("no_such_struct", "x")


def test_types_of_programs_and_maps_are_tried(kernel: Kernel) -> None:
    """
    These load on any kernel that this package supports.
    """
    for program in (ProgramType.SYSCALL, ProgramType.SOCKET_FILTER, ProgramType.TRACEPOINT, ProgramType.TRACING):
        assert str(kernel.program_type(program)) == "yes"
    for kind in (MapType.RINGBUF, MapType.TASK_STORAGE, MapType.HASH, MapType.LPM_TRIE):
        assert str(kernel.map_type(kind)) == "yes"


def test_a_type_that_no_kernel_has_is_no(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The kernel says EINVAL to a type of program or map that it does not know.
    """
    assert Answer(yes=False, errno=errno.EINVAL) == kernel.program_type(UNKNOWN)
    assert kernel.map_type(UNKNOWN).yes is not True


def test_lsm_programs_load_or_it_cannot_be_told(kernel: Kernel) -> None:
    """
    Where the kernel refuses all such programs to everybody (EPERM), that is not taken for a no.
    """
    answer = kernel.program_type(ProgramType.LSM)
    assert answer.yes is True or (answer.yes is None and answer.errno == errno.EPERM)


def test_the_active_lsms_are_read(tmp_path: Path) -> None:
    """
    bpf is in the list, is not, or the list is not there.
    """
    listed = tmp_path / "lsm"
    assert Answer(None, errno.ENOENT) == Kernel(listed).lsm_active()
    listed.write_text("lockdown,capability,bpfilter\n")
    assert Answer(yes=False) == Kernel(listed).lsm_active()
    listed.write_text("lockdown,capability,bpf\n")
    assert Answer(yes=True) == Kernel(listed).lsm_active()


def test_without_btf_nothing_can_be_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    A kernel that shows no BTF, or BTF that cannot be read, is not one that lacks everything.
    """
    monkeypatch.setattr("krsi.bpf.btf.VMLINUX", tmp_path / "none")
    for question in (Kernel().hook, Kernel().helper, Kernel().kfunc):
        assert Answer(None, errno.ENOENT) == question("file_open")
    assert Answer(None, errno.ENOENT) == Kernel().struct_member("file", "f_mode")
    assert Answer(None, errno.ENOENT) == Kernel().program_type(ProgramType.LSM)
    (tmp_path / "none").write_bytes(b"not BTF")
    assert Answer(None, errno.ENOEXEC) == Kernel().hook("file_open")


def test_answers_read_well() -> None:
    """
    Yes, no, and why not.
    """
    assert [str(answer) for answer in (Answer(yes=True), Answer(yes=False), Answer(None, errno.EPERM))] == [
        "yes",
        "no",
        "could not tell: Operation not permitted",
    ]


def test_without_privilege_nothing_can_be_told() -> None:
    """
    To a process without capabilities EPERM means that it could not be told, not that it is not there.
    """
    program = (
        "from krsi.bpf.features import *; k = Kernel();"
        "print(k.program_type(ProgramType.SYSCALL), k.map_type(MapType.RINGBUF), sep='|')"
    )
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", sys.executable, "-c", program]
    said = subprocess.run(drop, check=True, capture_output=True, text=True)
    assert said.stdout == "could not tell: Operation not permitted|could not tell: Operation not permitted\n"


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"),
    [
        (uapi.MapType, "bpf_map_type", "BPF_MAP_TYPE_"),
        (uapi.ProgramType, "bpf_prog_type", "BPF_PROG_TYPE_"),
        (uapi.AttachType, "bpf_attach_type", "BPF_"),
    ],
)
def test_our_numbers_are_the_kernel_s(vmlinux: Btf, ours: Any, theirs: str, prefix: str) -> None:
    """
    Every number typed in uapi.py is what this kernel calls so.
    """
    found = vmlinux.find(theirs, Kind.ENUM)
    assert found is not None
    numbers = vmlinux.enumerators(found)
    assert {member.name: member.value for member in ours} == {
        member.name: numbers[prefix + member.name] for member in ours
    }


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(uapi.ProgInfo, "bpf_prog_info"), (uapi.MapInfo, "bpf_map_info"), (uapi.LinkInfo, "bpf_link_info")],
)
def test_our_layouts_are_the_kernel_s(vmlinux: Btf, ours: Any, theirs: str) -> None:
    """
    Every member of our mirror of an info struct lies where this kernel has it.
    """
    found = vmlinux.find(theirs, Kind.STRUCT)
    assert found is not None
    offsets = {member.name: member.bit_offset // 8 for member in vmlinux.members(found)}
    for name, _ in ours._fields_:
        assert offsets[name] == getattr(ours, name).offset, name


def test_the_kernel_s_types_are_read_quickly() -> None:
    """
    The first question to a kernel's BTF takes less than 300 ms of CPU, the next ones next to nothing.
    """
    firsts, nexts = [], []
    for _ in range(3):
        before = time.process_time()
        btf = Btf.of_kernel()
        assert btf.has_function("bpf_lsm_file_open")
        first = time.process_time()
        for name in ("file_open", "inode_rename", "task_kill", "socket_connect", "no_such_hook"):
            btf.has_function(f"bpf_lsm_{name}")
        firsts.append(first - before)
        nexts.append(time.process_time() - first)
    assert min(firsts) < 0.3
    assert min(nexts) < 0.05


def test_every_name_of_the_kernel_is_found_again(vmlinux: Btf) -> None:
    """
    For a sample of all types: looking up its name and kind gives a type of that name and kind.
    """
    for number in range(1, len(vmlinux), 997):
        found = vmlinux.type(number)
        if found.name:
            again = vmlinux.find(found.name, found.kind)
            assert again is not None
            assert (found.name, found.kind) == (again.name, again.kind)
            assert again.id <= number


def test_structs_are_as_bpftool_prints_them(vmlinux: Btf) -> None:
    """
    Members and offsets of some structs are those that bpftool reads from the same file.
    """
    dumped = subprocess.run(
        ["bpftool", "-j", "btf", "dump", "file", VMLINUX], check=True, capture_output=True, text=True
    )
    types = {entry["id"]: entry for entry in json.loads(dumped.stdout)["types"]}
    assert len(types) + 1 == len(vmlinux)
    for number in range(1, len(vmlinux), 101):
        ours, theirs = vmlinux.type(number), types[number]
        assert theirs["kind"] == ours.kind.name
        assert theirs["name"] == (ours.name or "(anon)")
        if ours.kind in {Kind.STRUCT, Kind.UNION}:
            assert theirs["size"] == ours.size
            assert [
                (member["name"], member["type_id"], member["bits_offset"], member.get("bitfield_size", 0))
                for member in theirs["members"]
            ] == [(m.name or "(anon)", m.type_id, m.bit_offset, m.bits) for m in vmlinux.members(ours)]
        if ours.kind in {Kind.ENUM, Kind.ENUM64}:
            assert {value["name"]: value["val"] for value in theirs["values"]} == vmlinux.enumerators(ours)
        if ours.kind is Kind.ARRAY:
            array = vmlinux.array(ours)
            assert (theirs["type_id"], theirs["nr_elems"]) == (array.element_id, array.count)


def test_a_path_can_be_given(tmp_path: Path) -> None:
    """
    Where the list of LSMs is can be said; by default it is the kernel's.
    """
    assert Path("/sys/kernel/security/lsm") == features.ACTIVE_LSMS
