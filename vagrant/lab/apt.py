"""apt with a state of its own: it knows other suites than the host's, and leaves no trace there."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .host import run

SOFT = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")


@contextmanager
def knowing(sources: Sequence[str]) -> Iterator["Apt"]:
    """Give an apt that has just read the package lists of *sources*, lines as in sources.list."""
    with tempfile.TemporaryDirectory(prefix="krsi-lab-apt-") as name:
        apt = Apt(Path(name))
        for empty in ("state/lists/partial", "cache/archives/partial", "debs"):
            (apt.folder / empty).mkdir(parents=True)
        (apt.folder / "status").touch()
        (apt.folder / "sources.list").write_text("".join(f"{line}\n" for line in sources))
        apt.command("reading package lists", "apt-get", "update")
        yield apt


@dataclass(frozen=True, slots=True)
class Apt:
    """An apt that knows the packages of one suite and takes nothing for installed."""

    folder: Path

    def version(self, package: str) -> str:
        """Return the version of *package* that would be installed."""
        shown = self.command(f"looking for package {package}", "apt-cache", "show", "--no-all-versions", package)
        return next(line for line in shown.splitlines() if line.startswith("Version: ")).removeprefix("Version: ")

    def required(self, package: str, prefix: str) -> list[str]:
        """Return *package* and, of all that it depends on, the packages whose names start with *prefix*."""
        hard = [f"--no-{relation}" for relation in SOFT]
        shown = self.command(f"following {package}", "apt-cache", "depends", "--recurse", *hard, package)
        return [name for name in shown.splitlines() if name.startswith(prefix)]

    def unpack(self, packages: Sequence[str], root: Path) -> None:
        """Download *packages* and unpack them into *root*; none of their scripts runs."""
        self.command(f"downloading {' '.join(packages)}", "apt-get", "download", *packages)
        for deb in sorted((self.folder / "debs").iterdir()):
            run(f"unpacking {deb.name}", ["dpkg-deb", "-x", deb, root])

    def command(self, doing: str, program: str, *args: str) -> str:
        """Run one of apt's programs in the private state; it downloads to ``debs``."""
        settings = {
            "Dir::State": self.folder / "state",
            "Dir::State::status": self.folder / "status",
            "Dir::Cache": self.folder / "cache",
            "Dir::Etc::sourcelist": self.folder / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "APT::Architecture": "amd64",
            # The user _apt, which root's apt becomes to download, may not enter our folder.
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "APT::Update::Error-Mode": "any",
        }
        options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
        return run(doing, [program, *options, *args], cwd=self.folder / "debs")
