"""Images that were built before: folders that appear whole or not at all, whoever else builds at the same time."""

import fcntl
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .host import cache_folder, say


def key(*parts: str) -> str:
    """Return a short name for what *parts* determine."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def newest(stem: str) -> Path | None:
    """Return the folder built last among those whose names start with *stem*."""
    return max(cache_folder().glob(f"{stem}*/"), key=lambda path: path.stat().st_mtime_ns, default=None)


def has(name: str) -> bool:
    """Say whether there is a folder *name*."""
    return (cache_folder() / name).is_dir()


def ensure(name: str, build: Callable[[Path], None]) -> Path:
    """Return the folder *name*; if there is none, *build* fills one first."""
    final = cache_folder() / name
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with locked(name):
        if not final.is_dir():
            _make(final, build)
    return final


def _make(final: Path, build: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory(prefix=".building-", dir=final.parent) as name:
        draft = Path(name) / "draft"
        draft.mkdir()
        build(draft)
        draft.rename(final)


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Keep other runs of the lab away from *name*."""
    with (cache_folder() / f".lock-{name}").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another run of the lab, which is at work on {name}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
