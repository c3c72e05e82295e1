"""
Where Debian packages come from: the host's own apt sources, asked for other suites of the same archive.

No mirror is named in this tree. A machine behind a mirror of its own has it in its apt configuration.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .host import LabError

APT = Path("/etc/apt")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ROLLING = {"sid", "unstable"}


@dataclass(frozen=True, slots=True)
class Source:
    """One archive and suite that apt reads packages from."""

    uri: str
    suite: str
    keyring: str  # a file; empty if the source names none

    @property
    def is_security(self) -> bool:
        return self.suite.endswith(("-security", "/updates"))


@dataclass(frozen=True, slots=True)
class Archive:
    """A mirror of Debian, and one of its security archive if the host has that."""

    main: Source
    security: Source | None

    def lines(self, suite: str) -> list[str]:
        """Return sources.list lines for *suite* with its updates."""
        lines = [_line(self.main, suite)]
        if suite not in ROLLING:
            lines.append(_line(self.main, f"{suite}-updates"))
            if self.security:
                lines.append(_line(self.security, f"{suite}-security"))
        return lines


def of_host(apt: Path = APT) -> Archive:
    """
    Find the Debian archive in the apt configuration under *apt*.

    :raises LabError: if there is none
    """
    sources = [source for path in _files(apt) for source in read(path.name, path.read_text()) if _is_debian(source)]
    main = next((source for source in sources if not source.is_security), None)
    if main is None:
        raise LabError(
            f"no Debian archive among the apt sources in {apt}; "
            "the lab needs one whose URI ends in /debian, or which is signed by debian-archive-keyring"
        )
    return Archive(main, next((source for source in sources if source.is_security), None))


def read(name: str, text: str) -> Iterator[Source]:
    """Read an apt sources file: deb822 if its *name* ends in .sources, else one line a source."""
    return _stanzas(text) if name.endswith(".sources") else _one_lines(text)


def _files(apt: Path) -> list[Path]:
    parts = sorted((apt / "sources.list.d").glob("*"))
    return [path for path in [apt / "sources.list", *parts] if path.suffix in {".list", ".sources"} and path.is_file()]


def _is_debian(source: Source) -> bool:
    segments = source.uri.split("/")
    return "debian" in segments or "debian-security" in segments or "debian-archive" in source.keyring


def _line(source: Source, suite: str) -> str:
    return f"deb [signed-by={source.keyring or KEYRING}] {source.uri} {suite} main"


def _one_lines(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        found = re.fullmatch(r"deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s+(.*)", line.partition("#")[0].strip())
        if found:
            options, uri, suite, components = found.groups()
            given = dict(option.partition("=")[::2] for option in (options or "").split())
            yield from _sources([uri], [suite], components.split(), given.get("signed-by", ""))


def _stanzas(text: str) -> Iterator[Source]:
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes") != "no":
            yield from _sources(
                fields.get("uris", "").split(),
                fields.get("suites", "").split(),
                fields.get("components", "").split(),
                fields.get("signed-by", ""),
            )


def _fields(stanza: str) -> Mapping[str, str]:
    lines = (line for line in stanza.splitlines() if not line.startswith("#"))
    unfolded = re.sub(r"\n\s+", " ", "\n".join(lines))
    return {
        key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in unfolded.split("\n"))
    }


def _sources(uris: Iterable[str], suites: Iterable[str], components: Iterable[str], keyring: str) -> Iterator[Source]:
    # Signed-By may be a key itself, which cannot be handed on by name.
    file = keyring if keyring.startswith("/") else ""
    if "main" in components:
        yield from (Source(uri.rstrip("/"), suite, file) for uri in uris for suite in suites)
