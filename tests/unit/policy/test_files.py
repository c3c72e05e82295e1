"""Which files are the policy, and whose."""

import os
import stat
from pathlib import Path

import pytest

from krsi.policy import files
from krsi.policy.diagnostics import Report
from krsi.policy.faults import Fault
from krsi.policy.files import collect


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)


def names(*paths: str, root: bool = False) -> list[str]:
    report = Report()
    found = collect(paths, report, root=root)
    assert report.text() == ""
    assert all(Path(name).read_bytes() == data for name, data in found)
    return [name for name, _ in found]


def refused(*paths: str, root: bool = True) -> list[Fault]:
    report = Report()
    found = collect(paths, report, root=root)
    assert report.incomplete
    assert found == []
    return [each.fault for each in report.diagnostics]


def test_files_come_in_the_order_given() -> None:
    write("b.yaml", "a.txt")
    assert names("b.yaml", "a.txt") == ["b.yaml", "a.txt"]


@pytest.mark.parametrize("root", [False, True])
def test_a_folder_is_all_policies_below_it_sorted_by_name(root: bool) -> None:
    write(
        "p/z.yaml",
        "p/a.yml",
        "p/m/x.yaml",
        "p/b.yaml",
        "p/README",
        "p/m/note.txt",
        "p/old.yaml.orig",
        "p/.git/x.yaml",
        "p/.x.yaml",
    )
    assert names("p", root=root) == ["p/a.yml", "p/b.yaml", "p/m/x.yaml", "p/z.yaml"]


def test_a_folder_with_a_file_s_name_is_a_folder() -> None:
    write("p/web.yaml/x.yaml")
    assert names("p") == ["p/web.yaml/x.yaml"]


def test_what_is_met_again_is_left_out() -> None:
    write("p/a.yaml", "p/b.yaml")
    os.link("p/a.yaml", "p/c.yaml")
    assert names("p/b.yaml", "./p/b.yaml", "p", "p/") == ["p/b.yaml", "p/a.yaml"]


def test_symbolic_links_are_followed_for_a_user_once() -> None:
    write("real/a.yaml")
    Path("link.yaml").symlink_to("real/a.yaml")
    Path("folder").symlink_to("real")
    Path("real/loop").symlink_to(".")
    assert names("link.yaml", "folder", "real") == ["link.yaml"]
    assert names("folder") == ["folder/a.yaml"]


def test_the_policy_ends_where_it_is_too_large() -> None:
    write("a.yaml")
    Path("big.yaml").write_bytes(b"x" * (files.MAX_BYTES - 6))
    assert names("a.yaml", "big.yaml") == ["a.yaml", "big.yaml"]
    Path("big.yaml").write_bytes(b"x" * (files.MAX_BYTES - 5))
    report = Report()
    assert [name for name, _ in collect(["a.yaml", "big.yaml"], report, root=False)] == ["a.yaml"]
    assert [each.fault for each in report.diagnostics] == [Fault.TOO_LARGE]


def test_a_file_without_a_size_is_read_to_its_end() -> None:
    assert names("/proc/version") == ["/proc/version"]


@pytest.mark.parametrize("root", [False, True])
def test_an_empty_name_is_not_the_present_folder(root: bool) -> None:
    write("web.yaml")
    assert refused("", root=root) == [Fault.NOT_FOUND]


def test_a_present_folder_that_is_gone_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("gone").mkdir()
    monkeypatch.chdir("gone")
    (tmp_path / "gone").rmdir()
    assert refused("web.yaml") == [Fault.NOT_FOUND]


def test_a_pipe_does_not_hang() -> None:
    os.mkfifo("p.yaml")
    assert refused("p.yaml", root=False) == [Fault.NOT_REGULAR]


def test_no_descriptor_stays_open() -> None:
    write("p/m/a.yaml", "q/x")
    Path("p/link.yaml").symlink_to("nowhere")
    before = sorted(Path("/proc/self/fd").iterdir())
    for root in (False, True):
        collect(["p", "q", "nothing", "p/m/a.yaml/x"], Report(), root=root)
    assert sorted(Path("/proc/self/fd").iterdir()) == before


@pytest.mark.parametrize("mode", [0o666, 0o646, 0o664, 0o620, 0o602])
def test_root_reads_no_file_that_others_can_write(mode: int) -> None:
    write("web.yaml")
    Path("web.yaml").chmod(mode)
    assert refused("web.yaml") == [Fault.WRITABLE]


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757, 0o1777])
def test_root_lists_no_folder_that_others_can_write(mode: int) -> None:
    write("p/web.yaml")
    Path("p").chmod(mode)
    assert refused("p") == [Fault.WRITABLE]


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757])
def test_root_passes_no_folder_in_which_others_can_replace(mode: int) -> None:
    write("a/b/c/web.yaml")
    Path("a/b").chmod(mode)
    assert refused("a/b/c/web.yaml") == [Fault.WRITABLE]
    assert refused("a/b/c") == [Fault.WRITABLE]


def test_root_passes_a_sticky_folder_as_tmp_is() -> None:
    write("a/b/web.yaml")
    Path("a").chmod(stat.S_ISVTX | 0o777)
    assert names("a/b", "a/b/web.yaml", root=True) == ["a/b/web.yaml"]


def test_root_reads_no_file_below_a_folder_that_is_well_but_the_file_is_not() -> None:
    write("p/web.yaml")
    Path("p/web.yaml").chmod(0o666)
    assert refused("p") == [Fault.WRITABLE]


@pytest.mark.parametrize(
    "path", ["link.yaml", "folder", "folder/a.yaml", "folder/", "real/../folder/a.yaml", "real/sub"]
)
def test_root_follows_no_symbolic_link_anywhere(path: str) -> None:
    write("real/a.yaml", "other/b.yaml")
    Path("link.yaml").symlink_to("real/a.yaml")
    Path("folder").symlink_to("real")
    Path("real/sub").symlink_to("../other")
    assert refused(path) == [Fault.SYMLINK]


def test_root_is_told_of_links_in_a_folder_that_could_be_policies() -> None:
    write("p/README")
    Path("p/a.yaml").symlink_to("nowhere")
    Path("p/b").symlink_to("/etc")
    Path("p/c").symlink_to("README")
    assert refused("p") == [Fault.SYMLINK, Fault.SYMLINK]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("given", ["a/b/web.yaml", "a/b", "a"])
def test_root_wants_files_and_folders_of_its_own(given: str) -> None:
    write("a/b/web.yaml")
    assert names("a/b/web.yaml", root=True)
    os.chown(given, 4321, 0)
    assert refused("a/b/web.yaml") == [Fault.OWNER]


def test_the_name_after_a_check_is_not_trusted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is put in the place of a folder after it was opened, what was opened is read."""
    write("good/web.yaml", "evil/web.yaml")
    opened = os.open

    def swap(path: str, flags: int, *, dir_fd: int | None = None) -> int:
        if path == "web.yaml":
            Path("good").rename("gone")
            Path("evil").rename("good")
        return opened(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swap)
    assert collect(["good/web.yaml"], Report(), root=True) == [("good/web.yaml", b"good/web.yaml")]
