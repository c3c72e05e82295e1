"""The pure parts of the lab: its table, where packages come from, what a guest gets, how its console is read."""

import gzip
import io
import re
import struct
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
sys.path.insert(0, str(TREE))  # vagrant/ belongs to no installed package

from vagrant.lab import archive, bzimage, cache, cli, console, initramfs, kernels, payload, qemu, rootfs  # noqa: E402
from vagrant.lab.archive import Archive, Source  # noqa: E402
from vagrant.lab.host import LabError  # noqa: E402
from vagrant.lab.image import KernelImage  # noqa: E402

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class TestKernels:
    def test_every_supported_kernel_is_a_row(self) -> None:
        """The table in the tree is good, and the names in it are those that people type."""
        assert list(kernels.load()) == ["6.1", "6.12", "sid"]

    def test_a_row_is_read_under_its_name(self) -> None:
        """A row gives the suite and the package that a kernel comes from."""
        text = '[kernel]\n"6.6" = { suite = "trixie", package = "linux-image-6.6", note = "why" }'

        assert {"6.6": kernels.Kernel("6.6", "trixie", "linux-image-6.6", "why")} == kernels.parse(text)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (
                '[kernel]\n"6.6" = { suite = "sid", note = "" }',
                "kernels.toml: kernel '6.6' is {'suite': 'sid', 'note': ''}, should have note, package, suite",
            ),
            (
                '[kernel]\n"6.6" = { suite = "sid", package = 6, note = "" }',
                "kernels.toml: kernel '6.6': package is 6, should be a string",
            ),
            ("[kernel]\n6 = 1", "kernels.toml: kernel '6' is 1, should have note, package, suite"),
            ("", "kernels.toml: no kernel in it; add a row under [kernel]"),
        ],
    )
    def test_a_bad_table_is_refused_with_what_would_be_right(self, text: str, message: str) -> None:
        """The author of a row learns which row, which key, and what a row looks like."""
        with pytest.raises(LabError) as caught:
            kernels.parse(text)

        assert message == str(caught.value)

    def test_what_is_not_toml_is_refused_with_its_place(self) -> None:
        """A slip of syntax is shown by line and column."""
        with pytest.raises(LabError, match=r"kernels\.toml: .*line 1, column \d+"):
            kernels.parse("[kernel]]")


DEB822 = """\
Types: deb deb-src
# an older place
URIs: http://mirror.example/debian/
Suites: bookworm
 bookworm-updates
Components: main contrib
Signed-By: /keys/debian.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
"""

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/keys/debian.gpg] http://mirror.example/debian bookworm main contrib # ours
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian-security bookworm-security main
deb http://mirror.example/debian bookworm contrib
"""


class TestArchive:
    def test_deb822_sources_are_read(self) -> None:
        """Each URI with each suite of an enabled stanza with main is a source."""
        assert [
            Source("http://mirror.example/debian", "bookworm", "/keys/debian.gpg"),
            Source("http://mirror.example/debian", "bookworm-updates", "/keys/debian.gpg"),
            Source("http://mirror.example/debian-security", "bookworm-security", ""),
        ] == list(archive.read("debian.sources", DEB822))

    def test_a_key_within_a_stanza_is_no_keyring(self) -> None:
        """Signed-By may hold a key itself, which a one-line source cannot name: Debian's keyring then stands in."""
        text = "Types: deb\nURIs: http://m.example/debian\nSuites: sid\nComponents: main\nSigned-By:\n -----BEGIN\n x\n"

        assert [source.keyring for source in archive.read("a.sources", text)] == [""]

    def test_one_line_sources_are_read(self) -> None:
        """Lines for source packages, other components and comments do not count."""
        assert [
            Source("http://mirror.example/debian", "bookworm", "/keys/debian.gpg"),
            Source("http://mirror.example/debian-security", "bookworm-security", ""),
        ] == list(archive.read("sources.list", ONE_LINE))

    def test_debian_is_told_from_other_archives(self, tmp_path: Path) -> None:
        """Of all that apt knows on a host, the Debian archive and its security archive are taken."""
        parts = tmp_path / "sources.list.d"
        parts.mkdir()
        (parts / "a-vendor.list").write_text("deb https://vendor.example/linux/apt bookworm main\n")
        (parts / "debian.sources").write_text(DEB822)
        (parts / "debian.sources.bak").write_text(DEB822.replace("mirror", "old"))

        assert Archive(
            Source("http://mirror.example/debian", "bookworm", "/keys/debian.gpg"),
            Source("http://mirror.example/debian-security", "bookworm-security", ""),
        ) == archive.of_host(tmp_path)

    def test_a_mirror_of_any_name_is_known_by_its_keyring(self, tmp_path: Path) -> None:
        """A mirror whose path does not say debian is still found if Debian's keyring signs it."""
        (tmp_path / "sources.list").write_text(f"deb [signed-by={KEYRING}] http://mirror.example/d bookworm main\n")

        assert archive.of_host(tmp_path).main.uri == "http://mirror.example/d"

    def test_a_host_without_debian_is_told_what_is_looked_for(self, tmp_path: Path) -> None:
        """The error names the folder that was searched and what would be right."""
        with pytest.raises(
            LabError, match=r"no Debian archive among the apt sources in .*; the lab needs one whose URI"
        ):
            archive.of_host(tmp_path)

    def test_a_suite_comes_with_its_updates(self) -> None:
        """A released suite is read with its updates and security fixes, sid alone; Debian's keyring is understood."""
        ours = Archive(
            Source("http://m.example/debian", "trixie", "/k"), Source("http://s.example/s", "x-security", "")
        )

        assert [
            "deb [signed-by=/k] http://m.example/debian bookworm main",
            "deb [signed-by=/k] http://m.example/debian bookworm-updates main",
            f"deb [signed-by={KEYRING}] http://s.example/s bookworm-security main",
        ] == ours.lines("bookworm")
        assert ours.lines("sid") == ["deb [signed-by=/k] http://m.example/debian sid main"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Give a working tree with a tracked, an untracked, an ignored and a built file, and one that is gone."""
    for path in ("tracked", "gone", "untracked", "ignored", "build/guest/site/bin/tool", "build/other"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    (tmp_path / "link").symlink_to("tracked")
    (tmp_path / ".gitignore").write_text("/build/\nignored\n")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "tracked", "gone", "link"], cwd=tmp_path, check=True)
    (tmp_path / "gone").unlink()
    return tmp_path


class TestPayload:
    def test_listing(self, tree: Path) -> None:
        """The guest gets what git tracks or would track, and what was built for it; nothing else that is ignored."""
        expected = [".gitignore", "build/guest/site/bin/tool", "gone", "link", "tracked", "untracked"]

        assert expected == payload.listing(tree)

    def test_pack(self, tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        """Files that are gone are left out, links stay links, and everything is root's."""
        packed = tmp_path_factory.mktemp("packed") / "tree.tar"

        payload.pack(tree, packed)

        with tarfile.open(packed) as tar:
            members = {member.name: (member.uid, member.uname, member.issym()) for member in tar}
        kept = [".gitignore", "build/guest/site/bin/tool", "tracked", "untracked"]
        assert dict.fromkeys(kept, (0, "root", False)) | {"link": (0, "root", True)} == members

    def test_what_is_no_repository_is_refused(self, tmp_path: Path) -> None:
        """Outside of git there is no telling what belongs to the tree."""
        with pytest.raises(LabError, match=r"(?s)listing the working tree .*.*not a git repository"):
            payload.listing(tmp_path)


FAULTS = [
    "[   12.5] WARNING: CPU: 0 PID: 1 at kernel/bpf/verifier.c:1 bpf_check+0x12/0x34",
    "[   12.5] WARNING: kernel/bpf/verifier.c:1 at bpf_check+0x12/0x34, CPU#0: krsi/1",
    "[   12.5] BUG: kernel NULL pointer dereference, address: 0000000000000000",
    "[   12.5] kernel BUG at mm/slub.c:1!",
    "[   12.5] Oops: 0000 [#1] PREEMPT SMP",
    "[   12.5] int3: 0000 [#1] PREEMPT SMP NOPTI",
    "[   12.5] Kernel panic - not syncing: sysrq triggered crash",
]
STALLS = [
    "[   60.0] rcu: INFO: rcu_preempt self-detected stall on CPU",
    "[   60.0] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
    "[   60.0] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [python3:1]",
    "[   60.0] BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 31s!",
    "[  240.0] INFO: task cat:1 blocked for more than 120 seconds.",
]
HARMLESS = [
    "[    0.1] mtrr: your CPUs had inconsistent fixed MTRR settings",
    "[    0.1] WARNING: Unprivileged eBPF is enabled with eIBRS+LFENCE mitigation and SMT",
    "[    0.1] random: crng init done",
    "[    0.1] ACPI: OSC: platform retains control of PCIe features (AE_NOT_FOUND)",
]


class TestConsole:
    @pytest.mark.parametrize("line", FAULTS)
    def test_a_fault_of_the_kernel_is_found(self, line: str) -> None:
        """Warnings, bugs, oopses and panics fail a run, in the words of each supported kernel."""
        assert console.Findings([line], []) == console.findings("\n".join([*HARMLESS, line, *HARMLESS]))

    @pytest.mark.parametrize("line", STALLS)
    def test_a_stall_is_told_from_a_fault(self, line: str) -> None:
        """An emulated guest on a busy host stalls without being at fault."""
        assert console.Findings([], [line]) == console.findings(line)

    def test_other_lines_mean_nothing(self) -> None:
        """What a healthy guest prints is not held against it."""
        assert console.Findings([], []) == console.findings("\n".join(HARMLESS))


class TestInitramfs:
    def test_archives_may_follow_each_other(self) -> None:
        """Each archive is padded to four bytes, so that the kernel finds the next one behind it."""
        for length in range(8):
            assert len(initramfs.cpio({"a/b": initramfs.File(b"x" * length)})) % 4 == 0

    def test_everything_arrives(self) -> None:
        """The files arrive with their folders, modes and contents."""
        files = {"lab/init": initramfs.File(b"#!/bin/sh\n", executable=True), "lab/data": initramfs.File(b"odd")}

        listed = _newc(initramfs.cpio(files))

        assert listed == {"lab": (0o40755, b""), "lab/init": (0o100755, b"#!/bin/sh\n"), "lab/data": (0o100644, b"odd")}


def _newc(data: bytes) -> dict[str, tuple[int, bytes]]:
    """Read an archive as the kernel does."""
    stream = io.BytesIO(data)
    entries: dict[str, tuple[int, bytes]] = {}
    while True:
        head = stream.read(110)
        assert head[:6] == b"070701"
        numbers = [int(head[at : at + 8], 16) for at in range(6, 110, 8)]
        name = stream.read(numbers[11])[:-1].decode()
        stream.seek(-(110 + numbers[11]) % 4, io.SEEK_CUR)
        content = stream.read(numbers[6])
        stream.seek(-numbers[6] % 4, io.SEEK_CUR)
        if name == "TRAILER!!!":
            return entries
        entries[name] = (numbers[1], content)


FILES = qemu.Files(
    kernel=KernelImage(Path("/k")),
    initrd=Path("/initrd"),
    root=Path("/root,img"),
    tree=Path("/tree"),
    console=Path("/console"),
    complaints=Path("/log"),
    out=None,
)


class TestQemu:
    def test_the_root_file_system_is_never_written(self) -> None:
        """Guests share the image, so its changes go elsewhere; a comma in its name stays part of the name."""
        drives = [word for word in qemu.argv("tcg", qemu.Settings(), FILES, 3, 4) if word.startswith("if=virtio")]

        assert drives[0] == "if=virtio,format=raw,cache=unsafe,file=/root,,img,snapshot=on"
        assert all("readonly=on" in drive for drive in drives[1:])

    def test_icount_is_one_processor_and_a_quiet_kernel(self) -> None:
        """Counting instructions needs one processor, and a kernel that does not clear pages meanwhile."""
        argv = qemu.argv("kvm", qemu.Settings(icount=True, cpus=4, append="a=b"), FILES, 3, 4)

        assert argv[argv.index("-smp") + 1] == "1"
        assert argv[argv.index("-icount") + 1] == "shift=0,sleep=off"
        assert argv[argv.index("-append") + 1].endswith("mitigations=off init_on_alloc=0 init_on_free=0 a=b")

    def test_the_port_for_files_is_there_if_asked_for(self) -> None:
        """The guest sends /out when it finds the third port."""
        assert not any("nr=3" in word for word in qemu.argv("tcg", qemu.Settings(), FILES, 3, 4))
        assert "file,path=/o,id=port3" in qemu.argv("tcg", qemu.Settings(), replace(FILES, out=Path("/o")), 3, 4)


class TestCommandLine:
    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (
                ["--", "true"],
                "no kernel given; vagrant/run -k KERNEL -- COMMAND..., where KERNEL is one of 6.1, 6.12, sid",
            ),
            (
                ["-k", "6.12"],
                "no command given; vagrant/run -k KERNEL -- COMMAND..., where KERNEL is one of 6.1, 6.12, sid",
            ),
            (["-k", "6.12", "--"], "no command given"),
            (["-k", "6.12", "--update", "--", "true"], "use it with --prepare"),
            (["-k", "7", "--", "true"], "invalid choice: '7' (choose from '6.1', '6.12', 'sid')"),
        ],
    )
    def test_a_slip_is_answered_with_what_would_be_right(
        self, argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Usage errors name the known kernels and show a whole command."""
        with pytest.raises(SystemExit) as caught:
            cli.main(argv)

        assert caught.value.code == 2
        assert message in capsys.readouterr().err


class TestCache:
    def test_what_is_there_is_not_made_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A folder is filled once and then found, the one made last before all others of its kind."""
        monkeypatch.setenv("KRSI_LAB_CACHE", str(tmp_path))
        made = cache.ensure("kernel-1-a", lambda draft: (draft / "vmlinux").touch())

        assert cache.ensure("kernel-1-a", _refuse) == made == cache.newest("kernel-1-")
        assert (made / "vmlinux").exists()
        assert cache.newest("kernel-2-") is None

    def test_what_fails_leaves_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A folder that could not be filled is not taken for an image later."""
        monkeypatch.setenv("KRSI_LAB_CACHE", str(tmp_path))

        with pytest.raises(LabError):
            cache.ensure("root-a", _refuse)

        assert not cache.has("root-a")
        assert [path.name for path in tmp_path.iterdir()] == [".lock-root-a"]


def _refuse(draft: Path) -> None:
    (draft / "half").touch()
    raise LabError("not this time")


class TestBzImage:
    def test_the_kernel_is_unpacked(self) -> None:
        """What is compressed in a bzImage is found by its header; what stands behind it does no harm."""
        assert bzimage.vmlinux(_bzimage(gzip.compress(b"\x7fELF kernel") + b"size")) == b"\x7fELF kernel"

    def test_an_unknown_compression_is_left_to_the_guest(self) -> None:
        """QEMU boots a bzImage too, so an unknown one costs a second and not the run."""
        image = _bzimage(b"????")

        assert bzimage.vmlinux(image) is image


def _bzimage(payload: bytes) -> bytes:
    setup = bytearray(5 * 512)
    setup[0x1F1] = 4
    struct.pack_into("<II", setup, 0x248, 16, len(payload))
    return bytes(setup) + b"decompressor" + bytes(4) + payload


class TestRootfs:
    def test_only_names_are_packages(self) -> None:
        """Blank lines and comments in packages.txt are for people."""
        assert "python3" in rootfs.packages()
        assert all(re.fullmatch(r"[a-z0-9.+-]+", name) for name in rootfs.packages())
