"""Records of the ring -> what they say, by the names of the ABI. Pure, and never wrong about where a record ends."""

import errno
from dataclasses import dataclass

from krsi.abi import Abi
from krsi.hooks import BY_NAME
from krsi.policy.model import EXEC


@dataclass(frozen=True, slots=True)
class Record:
    """
    One record. Times are nanoseconds of the boot clock, ids are the initial namespaces'.

    :param kind: ``decision`` or ``exec``
    :param verdict: ``allow``, ``deny`` or ``kill``, whether or not the mode lets it hold
    :param errno: what the caller got, 0 if it got what it asked for
    :param owner: whether the object is the subject's own; None if the kernel could not say
    :param path: None for an object without one
    :param cut: the fields that are not whole: of paths the beginning is missing, of arguments the end
    """

    kind: str
    seq: int
    boottime_ns: int
    image_ns: int
    start_ns: int
    operation: str
    verdict: str
    reason: str
    mode: str
    generation: int
    domain: int
    access: tuple[str, ...]
    refused: tuple[str, ...]
    errno: int
    next: int
    owner: bool | None
    tgid: int
    tid: int
    uid: int
    gid: int
    euid: int
    ancestors: tuple[int, ...]
    comm: bytes
    inode: int
    device: int
    file_mode: int
    file_uid: int
    path: bytes | None
    target: bytes | None
    args: tuple[bytes, ...] | None
    cut: tuple[str, ...]

    @property
    def error(self) -> str | None:
        """The name of the errno."""
        return errno.errorcode.get(-self.errno) if self.errno else None


class Decoder:
    """Reads records by the layout of the object that wrote them."""

    def __init__(self, abi: Abi) -> None:
        self._abi = abi
        self._codec = abi.codec("event")
        self._owners = {abi.number("owner", "other"): False, abi.number("owner", "self"): True}

    def decode(self, record: memoryview) -> Record:
        """
        Return what *record* says.

        :raises ValueError: it is shorter than it says it is, or holds what the ABI has no name for
        """
        raw = self._codec.unpack(record)
        texts = bytes(record[self._codec.size :])
        if raw["path_len"] + raw["target_len"] > len(texts):
            raise ValueError(f"record of {len(record)} bytes: its texts do not fit in")
        path = texts[: raw["path_len"]]
        second = texts[raw["path_len"] : raw["path_len"] + raw["target_len"]]
        name, names = self._abi.name, self._abi.names
        kind = name("kind", raw["kind"])
        args = second.split(b"\0") if kind == EXEC and second else None
        lacks_args = args is not None and len(args) <= raw["argc"]
        return Record(
            kind=kind,
            operation=BY_NAME[name("hook", raw["hook"])].operation,
            verdict=name("verdict", raw["verdict"]),
            reason=name("reason", raw["reason"]),
            mode=name("mode", raw["mode"]),
            access=names("access", raw["access"]),
            refused=names("access", raw["refused"]),
            owner=self._owners.get(raw["owner"]),
            ancestors=_ancestors(raw["ancestors"]),
            comm=raw["comm"].split(b"\0", 1)[0],
            path=path or None,
            target=second or None if kind == "decision" else None,
            args=tuple(args[: raw["argc"]]) if args else None,
            cut=(*names("cut", raw["cut"]), *(["args"] if lacks_args else [])),
            **{field: raw[field] for field in _PLAIN},
        )


_PLAIN = (
    *("seq", "boottime_ns", "image_ns", "start_ns", "generation", "domain", "errno", "next", "tgid", "tid"),
    *("uid", "gid", "euid", "inode", "device", "file_mode", "file_uid"),
)


def _ancestors(tgids: tuple[int, ...]) -> tuple[int, ...]:
    """The kernel stops at the first that has no parent."""
    end = next((place for place, tgid in enumerate(tgids) if tgid <= 1), len(tgids) - 1)
    return tuple(tgid for tgid in tgids[: end + 1] if tgid)
