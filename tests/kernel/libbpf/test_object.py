import errno
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from krsi.bpf.object import Loaded, Opened
from krsi.errors import AbiError, KernelError, VerifierError

Leaks = Callable[[], list[str]]
CONSTANTS = struct.Struct("=IIq8sII")


def test_a_file_shows_its_programs_and_maps_before_anything_is_loaded(opened: Opened) -> None:
    """
    An opened object names its programs with their sections, and its maps with their sizes.
    """
    assert opened.programs["count_entries"].section == "raw_tp/sys_enter"
    assert {"hash", "array", "events", "programs.rodata"} <= opened.maps.keys()
    hash_map = opened.maps["hash"]
    assert (hash_map.key_size, hash_map.value_size, hash_map.max_entries) == (4, 8, 8192)


def test_garbage_is_no_object() -> None:
    """
    Bytes that are no ELF file are refused by name, and nothing crashes.
    """
    with pytest.raises(AbiError, match="open object 'x'"):
        Opened.from_bytes("x", b"no ELF file")


def test_an_elf_file_of_another_machine_is_no_object() -> None:
    """
    The Python interpreter is an ELF file, and is refused.
    """
    with pytest.raises((AbiError, KernelError), match="open object"):
        Opened.from_bytes("python", Path("/proc/self/exe").read_bytes())


def test_constants_are_what_was_set_before_load(opened: Opened) -> None:
    """
    Integers are set by their value, everything else by its bytes, and the program sees them.
    """
    opened.set_rodata("limit", 4_000_000_000)
    opened.set_rodata("offset", -5_000_000_000)
    opened.set_rodata("flag", 1)
    opened.set_rodata("label", b"after\0\0\0")
    opened.set_rodata("both", struct.pack("=II", 8, 9))
    with opened.load() as loaded:
        run = loaded.programs["show_constants"].test_run(ctx=bytes(CONSTANTS.size))
    assert run.retval == 3
    assert CONSTANTS.unpack(run.ctx) == (4_000_000_000, 1, -5_000_000_000, b"after\0\0\0", 8, 9)


def test_constants_keep_what_the_source_says(loaded: Loaded) -> None:
    """
    A constant that nobody sets has the value from the source.
    """
    run = loaded.programs["show_constants"].test_run(ctx=bytes(CONSTANTS.size))
    assert CONSTANTS.unpack(run.ctx) == (7, 0, -1, b"before\0\0", 0, 0)


@pytest.mark.parametrize(("name", "value"), [("flag", 256), ("label", b"short"), ("nope", 1), ("runs", 1)])
def test_a_constant_that_does_not_fit_is_refused(opened: Opened, name: str, value: int | bytes) -> None:
    """
    Too large a number, the wrong number of bytes, and a name that is no constant are errors that name it.
    """
    with pytest.raises(AbiError, match=name):
        opened.set_rodata(name, value)


def test_sizes_can_be_set_before_load(opened: Opened) -> None:
    """
    A map's number of entries and value size are what was set.
    """
    opened.maps["hash"].max_entries = 3
    opened.maps["queue"].value_size = 16
    with opened.load() as loaded:
        assert loaded.maps["hash"].max_entries == 3
        assert loaded.maps["queue"].value_size == 16


def test_what_is_switched_off_is_not_loaded(opened: Opened) -> None:
    """
    A program without autoload and a map without autocreate are not there afterwards.
    """
    opened.programs["first_byte"].autoload = False
    opened.maps["queue"].autocreate = False
    with opened.load() as loaded:
        assert "first_byte" not in loaded.programs
        assert "queue" not in loaded.maps
        assert "show_constants" in loaded.programs
        with pytest.raises(AbiError, match="first_byte"):
            loaded.attach(["first_byte"])


def test_an_opened_object_is_of_no_use_once_loaded(opened: Opened) -> None:
    """
    Loading moves the object: changing what was opened is an error and not a use of freed memory.
    """
    with opened.load():
        pass
    with pytest.raises(ValueError, match="closed"):
        opened.maps["hash"].max_entries = 1
    with pytest.raises(ValueError, match="closed"):
        opened.load()


def test_a_closed_object_is_of_no_use(programs: Path) -> None:
    """
    So with an object that was closed before it was loaded.
    """
    with Opened.from_file(programs) as opened:
        pass
    with pytest.raises(ValueError, match="closed"):
        _ = opened.programs["count_entries"].autoload


def test_closed_maps_and_programs_are_bad_descriptors(loaded: Loaded) -> None:
    """
    A map or program whose object was closed is a bad descriptor, never somebody else's.
    """
    loaded.close()
    with pytest.raises(KernelError) as caught:
        loaded.maps["hash"].lookup(bytes(4))
    assert caught.value.errno == errno.EBADF
    with pytest.raises(KernelError) as caught:
        loaded.programs["count_entries"].info()
    assert caught.value.errno == errno.EBADFD


def test_the_verifier_s_words_are_kept(refused: Path) -> None:
    """
    A refused program is named, the line that says why is shown, and the log is whole.
    """
    with Opened.from_file(refused) as opened:
        for name in opened.programs:
            opened.programs[name].autoload = name == "null_dereference"
        with pytest.raises(VerifierError) as caught:
            opened.load()
    error = caught.value
    assert error.errno == errno.EACCES
    assert "'null_dereference'" in str(error)
    assert "map_value_or_null" in error.line
    assert error.line in error.log
    assert "processed" in error.log


def test_a_log_of_any_length_is_whole(refused: Path) -> None:
    """
    A log longer than any fixed buffer (16 MiB is the usual one) has its first and its last line.
    """
    with Opened.from_file(refused) as opened:
        for name in opened.programs:
            opened.programs[name].autoload = name == "too_long"
        with pytest.raises(VerifierError) as caught:
            opened.load()
    assert "R9" in caught.value.line
    assert len(caught.value.log) > 16 << 20
    assert "r1 = 0" in caught.value.log[:1000]


def test_what_the_kernel_says_of_a_program(loaded: Loaded) -> None:
    """
    Id, tag, sizes: each is there.
    """
    info = loaded.programs["show_constants"].info()
    assert info.id > 0
    assert len(info.tag) == 8
    assert info.jited_bytes > 0
    assert info.verified_insns > 0
    assert info.name == "show_constants"


def test_a_test_run_gives_the_result_and_the_data(loaded: Loaded) -> None:
    """
    A socket filter returns a byte of the packet it is given, as often as it is told to run.
    """
    run = loaded.programs["first_byte"].test_run(data=bytes(14) + b"\x2a", repeat=1000)
    assert run.retval == 0x2A
    assert bytes(14) + b"\x2a" == run.data
    assert run.duration_ns > 0


def test_a_tracepoint_is_run_on_arguments(loaded: Loaded) -> None:
    """
    A raw tracepoint program takes a ctx, which it cannot change.
    """
    run = loaded.programs["count_entries"].test_run(ctx=bytes(16))
    assert (run.retval, run.ctx) == (0, bytes(16))
    assert loaded.maps["programs.bss"].lookup(bytes(4)) == (1).to_bytes(8, sys.byteorder)


def test_a_test_run_that_the_kernel_refuses_says_so(loaded: Loaded) -> None:
    """
    A packet shorter than an Ethernet header is EINVAL, with the program's name.
    """
    with pytest.raises(KernelError, match="run program 'first_byte'") as caught:
        loaded.programs["first_byte"].test_run(data=b"1")
    assert caught.value.errno == errno.EINVAL
