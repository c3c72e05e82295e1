import errno
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from krsi.bpf.handle import unpin
from krsi.bpf.link import Link
from krsi.bpf.maps import Map
from krsi.bpf.object import Loaded, Opened
from krsi.bpf.program import Program, enable_run_stats
from krsi.errors import KernelError

Leaks = Callable[[], list[str]]
CONSTANTS = struct.Struct("=IIq8sII")


def counts(loaded: Loaded) -> bool:
    """Tell whether a system call is counted."""
    before = loaded.maps["programs.bss"].lookup(bytes(4))
    os.getppid()
    return before != loaded.maps["programs.bss"].lookup(bytes(4))


def test_attaching_is_all_or_nothing(refused: Path, leaks: Leaks) -> None:
    """
    If one program cannot be attached, those before it are detached again.
    """
    with Opened.from_file(refused) as opened:
        for name in ("null_dereference", "too_long"):
            opened.programs[name].autoload = False
        with opened.load() as loaded:
            held = leaks()
            with pytest.raises(KernelError, match="attach program 'nowhere'"):
                loaded.attach(["somewhere", "nowhere"])
            assert held == leaks()
            with pytest.raises(KernelError, match="attach program 'works'"):
                loaded.attach(["somewhere", "works"])
            assert held == leaks()


def test_an_attached_program_runs_until_it_is_detached(loaded: Loaded) -> None:
    """
    It counts system calls while attached, and none after.
    """
    assert not counts(loaded)
    with loaded.attach(["count_entries"]) as attached:
        assert list(attached.links) == ["count_entries"]
        assert counts(loaded)
    assert not counts(loaded)


def test_an_iterator_tells_of_every_task(loaded: Loaded) -> None:
    """
    An attached iterator program, when run, has written this process's tgid.
    """
    with loaded.attach_one("list_tasks") as link:
        found = struct.iter_unpack("=i", link.run_iterator())
        assert (os.getpid(),) in set(found)


def test_a_pinned_link_outlives_its_process_s_hold(loaded: Loaded, bpffs: Path) -> None:
    """
    Closing a pinned link leaves the program attached; opened again it is the same one, and stays when that is closed.
    """
    with loaded.attach_one("count_entries") as link:
        number = link.id
        link.pin(bpffs / "link")
    assert counts(loaded)
    with Link.open_pinned(bpffs / "link") as again:
        assert number == again.id
    assert counts(loaded)
    unpin(bpffs / "link")
    end = time.monotonic() + 30
    while counts(loaded):  # the kernel lets go of an unlinked pin in its own time
        assert time.monotonic() < end


def test_a_link_that_cannot_be_detached_by_force_says_so(loaded: Loaded) -> None:
    """
    Raw tracepoints have no forced detach in any kernel: the error names the link.
    """
    with loaded.attach_one("count_entries") as link, pytest.raises(KernelError, match="detach link 'count_entries'"):
        link.detach()


def test_a_closed_link_is_of_no_use(loaded: Loaded) -> None:
    """
    Whatever is asked of a closed link is an error, and closing it twice is none.
    """
    link = loaded.attach_one("count_entries")
    link.close()
    link.close()
    with pytest.raises(ValueError, match="closed"):
        _ = link.fd


def test_maps_and_programs_are_found_again_by_their_pins(loaded: Loaded, bpffs: Path) -> None:
    """
    A pinned map and program are what they were after everything else let go of them.
    """
    loaded.maps["hash"].update(b"key!", b"value...")
    loaded.maps["hash"].pin(bpffs / "hash")
    loaded.programs["show_constants"].pin(bpffs / "program")
    tag = loaded.programs["show_constants"].info().tag
    loaded.close()
    with Map.open_pinned(bpffs / "hash") as found:
        assert found.lookup(b"key!") == b"value..."
    with Program.open_pinned(bpffs / "program") as program:
        assert tag == program.info().tag


def test_a_pin_of_another_kind_is_refused(loaded: Loaded, bpffs: Path, leaks: Leaks) -> None:
    """
    A map is not taken for a program, nor a program for a link.
    """
    loaded.maps["hash"].pin(bpffs / "hash")
    loaded.programs["show_constants"].pin(bpffs / "program")
    for kind, name in ((Program, "hash"), (Map, "program"), (Link, "hash")):
        with pytest.raises(KernelError, match=name) as caught:
            kind.open_pinned(bpffs / name)
        assert caught.value.errno == errno.EINVAL
    with pytest.raises(KernelError, match="nothing") as caught:
        Map.open_pinned(bpffs / "nothing")
    assert caught.value.errno == errno.ENOENT
    assert leaks() == leaks()


def test_pinning_where_something_is_pinned_is_refused(loaded: Loaded, bpffs: Path) -> None:
    """
    A pin never replaces another one.
    """
    loaded.maps["hash"].pin(bpffs / "here")
    with pytest.raises(KernelError, match="here") as caught:
        loaded.maps["array"].pin(bpffs / "here")
    assert caught.value.errno == errno.EEXIST


def test_a_map_with_a_pin_path_is_shared_by_two_loads(programs: Path, bpffs: Path) -> None:
    """
    The second load finds the map that the first one pinned.
    """
    numbers = []
    for _ in range(2):
        with Opened.from_file(programs) as opened:
            opened.maps["named"].autocreate = False
            opened.maps["hash"].pin_path = bpffs / "hash"
            assert bpffs / "hash" == opened.maps["hash"].pin_path
            with opened.load() as loaded:
                numbers.append(loaded.maps["hash"].id)
    assert numbers[0] == numbers[1]


def test_runs_are_counted_while_somebody_wants_them(loaded: Loaded) -> None:
    """
    Run counters move while statistics are held, and say how long a run took.
    """
    program = loaded.programs["count_entries"]
    with loaded.attach(["count_entries"]), enable_run_stats():
        os.getppid()
    info = program.info()
    assert info.run_cnt > 0
    assert info.run_time_ns > 0
    assert info.recursion_misses == 0
    before = info.run_cnt
    os.getppid()
    assert before == program.info().run_cnt
