import resource
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from krsi.bpf.object import Opened
from krsi.errors import AbiError, KernelError, VerifierError

Leaks = Callable[[], list[str]]
CONSTANTS = struct.Struct("=IIq8sII")


def test_nothing_stays_open_after_many_lives(programs: Path, refused: Path, leaks: Leaks) -> None:
    """
    Open, load, attach, close: no descriptor is left, whichever step fails.
    """
    for _ in range(20):
        with Opened.from_file(programs) as opened:
            opened.maps["named"].autocreate = False
            with opened.load() as loaded, loaded.attach(["count_entries"]):
                pass
        with Opened.from_file(programs) as opened, pytest.raises(KernelError):
            opened.load()  # a map of maps without a pattern
        with Opened.from_file(refused) as opened:
            opened.programs["too_long"].autoload = False
            with pytest.raises(VerifierError):
                opened.load()
        with pytest.raises(AbiError):
            Opened.from_bytes("x", b"no ELF file")
    assert leaks() == []


@pytest.mark.parametrize("room", range(0, 60, 5))
def test_nothing_stays_open_when_descriptors_run_out(programs: Path, leaks: Leaks, room: int) -> None:
    """
    Wherever in the load the process runs out of descriptors, all that it got are given back.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    with Opened.from_file(programs) as opened:
        opened.maps["named"].autocreate = False
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1 + room, hard))
        try:
            opened.load().close()
        except (KernelError, AbiError):
            pass
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert leaks() == []


def test_threads_get_their_own_log(refused: Path) -> None:
    """
    What libbpf says on one thread is not in another one's error.
    """
    lines: dict[str, str] = {}

    def load(name: str) -> None:
        with Opened.from_file(refused) as opened:
            for program in opened.programs:
                opened.programs[program].autoload = program == name
            try:
                opened.load().close()
            except VerifierError as error:
                lines[name] = str(error)

    threads = [threading.Thread(target=load, args=(name,)) for name in ("null_dereference", "too_long")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "too_long" not in lines["null_dereference"]
    assert "null_dereference" not in lines["too_long"]
