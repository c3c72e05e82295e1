"""Objects compiled for these tests, and a bpf file system of their own."""

import platform
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from krsi.bpf.maps import Map, MapShape
from krsi.bpf.object import Loaded, Opened
from krsi.bpf.uapi import MapType

HERE = Path(__file__).parent
Leaks = Callable[[], list[str]]


def compiled(source: Path, folder: Path) -> Path:
    """Compile one BPF source and return the object."""
    to = folder / f"{source.stem}.o"
    include = f"/usr/include/{platform.machine()}-linux-gnu"
    # mcpu=v1 leaves the upper half of a u32 argument undefined, and the kernel's inlined bpf_loop compares 64 bits
    flags = ["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Werror", "-Wall", "-Wextra"]
    flags += ["-Wno-unused-parameter", "-Wno-sign-compare"]
    subprocess.run(["clang", *flags, "-I", include, "-c", source, "-o", to], check=True)
    return to


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(HERE / "programs.bpf.c", tmp_path_factory.mktemp("bpf"))


@pytest.fixture(scope="session")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(HERE / "refused.bpf.c", tmp_path_factory.mktemp("bpf"))


@pytest.fixture
def bpffs(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "bpffs"
    folder.mkdir()
    subprocess.run(["mount", "-t", "bpf", "bpf", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def opened(programs: Path) -> Iterator[Opened]:
    """Everything in programs.bpf.c, with a pattern for the map of maps whose definition has none."""
    with Opened.from_file(programs) as it, Map.create("pattern", MapShape(MapType.ARRAY, 4, 8, 4)) as pattern:
        it.maps["named"].set_inner(pattern)
        yield it


@pytest.fixture
def loaded(opened: Opened) -> Iterator[Loaded]:
    with opened.load() as it:
        yield it


def descriptors() -> dict[int, str]:
    """Return what this process has open."""
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        if entry.is_symlink():
            found[int(entry.name)] = str(entry.readlink())
    return found


@pytest.fixture
def leaks() -> Leaks:
    """Give a function that says what was opened since and is still open."""
    before = descriptors()
    return lambda: sorted(name for fd, name in descriptors().items() if before.get(fd) != name and "/fd" not in name)
