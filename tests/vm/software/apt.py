"""apt-get and dpkg with a repository in a folder: update, install, use, upgrade, remove."""

import hashlib
import shutil
from pathlib import Path

from .transcript import Transcript, files_in, ran

REPOSITORY = Path("/srv/krsi-repository")
NAME = "krsi-greeting"
INSTALLED = ("/usr/share/krsi-greeting", "/etc/krsi-greeting", "/var/lib/dpkg/info")
OPTIONS = (
    *("-o", "Dir::Etc::sourcelist=/etc/apt/krsi.list", "-o", "Dir::Etc::sourceparts=-"),
    *("-o", "APT::Color=0", "-o", "Dpkg::Use-Pty=0", "-y", "-q"),
)
_VARYING = r"(?m)in \d+s \(.*\)$|^Fetched .*$|\d+ files and directories|\d+ [kM]?B"


def prepare() -> None:
    """Build two versions of a package."""
    for version in ("1", "2"):
        _build(version)
    Path("/etc/apt/krsi.list").write_text(f"deb [trusted=yes] file:{REPOSITORY} ./\n")


def _build(version: str) -> None:
    tree = Path("/root/krsi-package")
    shutil.rmtree(tree, ignore_errors=True)
    _write(tree / "DEBIAN/control", _control(version))
    _write(tree / "DEBIAN/conffiles", "/etc/krsi-greeting/words\n")
    _write(
        tree / "DEBIAN/postinst",
        "#!/bin/sh\nset -e\necho configuring by $1\nln -sf words /etc/krsi-greeting/link\n",
        0o755,
    )
    _write(tree / "DEBIAN/postrm", "#!/bin/sh\nset -e\nrm -f /etc/krsi-greeting/link\n", 0o755)
    _write(tree / "usr/bin/krsi-greeting", f"#!/bin/sh\necho greeting {version}; cat /etc/krsi-greeting/words\n", 0o755)
    _write(tree / "usr/share/krsi-greeting/text", "text\n" * 1000)
    _write(tree / "etc/krsi-greeting/words", "hello\n")
    REPOSITORY.mkdir(parents=True, exist_ok=True)
    ran("dpkg-deb", "--root-owner-group", "--build", str(tree), str(_package(version)))


def _control(version: str) -> str:
    return (
        f"Package: {NAME}\nVersion: {version}\nArchitecture: all\nMaintainer: krsi <krsi@localhost>\n"
        "Description: says hello\n"
    )


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _package(version: str) -> Path:
    return REPOSITORY / f"{NAME}_{version}_all.deb"


def _offer(version: str) -> None:
    """Let the repository have one version."""
    data = _package(version).read_bytes()
    index = f"{_control(version)}Filename: ./{_package(version).name}\nSize: {len(data)}\n"
    (REPOSITORY / "Packages").write_text(f"{index}SHA256: {hashlib.sha256(data).hexdigest()}\n")


def works(*confined: str) -> Transcript:
    """Install, upgrade and purge; *confined* goes before each command."""

    def apt(*words: str) -> Transcript:
        return ran(*confined, "apt-get", *OPTIONS, *words, without=_VARYING)

    _offer("1")
    seen = apt("update") + apt("install", NAME) + ran(*confined, NAME)
    _offer("2")
    seen += apt("update") + apt("upgrade") + ran(*confined, NAME)
    seen += files_in(["/usr/share/krsi-greeting", "/etc/krsi-greeting"])
    seen += ran("dpkg", "--verify", NAME) + apt("purge", NAME)
    seen += ran(*confined, "dpkg-query", "--status", NAME) + ran(*confined, "apt-get", "install", "krsi-nothing")
    return [line for line in seen if not line.startswith("$")]
