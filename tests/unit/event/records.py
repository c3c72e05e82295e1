"""Records as the kernel writes them, and events made of them."""

from typing import Any

from krsi.event.decode import Decoder, Record
from krsi.event.enrich import Enricher, Generation
from krsi.event.model import Event
from krsi.kernel_side import object_abi, object_bytes
from krsi.policy.load import understand

ABI = object_abi(object_bytes())
DECODER = Decoder(ABI)
BOOT_ID = "0b5e55ed-0000-4000-8000-000000000001"

POLICY = understand(
    [
        (
            "web.yaml",
            b"""- profile: web
  match: {exe: /bin/web}
  files:
    - {allow: read, path: /srv/**, log: true, reason: pages are read, tags: [pages, web]}
    - {deny: read, path: /srv/secret, log: critical, reason: nobody reads this}
    - {audit: write, path: /srv/**}
  exec:
    - {allow: /bin/sh, as: matched}
""",
        )
    ]
).policy

USUAL = {
    "kind": ABI.number("kind", "decision"),
    "hook": ABI.number("hook", "file_open"),
    "verdict": ABI.number("verdict", "deny"),
    "reason": ABI.number("reason", "record"),
    "mode": ABI.number("mode", "enforce"),
    "access": ABI.number("access", "read"),
    "refused": ABI.number("access", "read"),
    "errno": -13,
    "seq": 7,
    "boottime_ns": 2_000_000_123,
    "image_ns": 50,
    "start_ns": 60,
    "generation": 1,
    "domain": 1,
    "tgid": 100,
    "tid": 101,
    "uid": 33,
    "gid": 34,
    "euid": 35,
    "comm": b"web",
}


def raw(path: bytes = b"", second: bytes = b"", **fields: Any) -> bytes:
    """Return the bytes of a record: the usual denial, but for *fields*; words stand for numbers of the ABI."""
    blank = ABI.unpack("event", bytes(ABI.size("event")))
    values = {**blank, **USUAL, **{name: _number(name, value) for name, value in fields.items()}}
    return ABI.pack("event", {**values, "path_len": len(path), "target_len": len(second)}) + path + second


def _number(field: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    enum = "access" if field == "refused" else field
    return sum(ABI.number(enum, word) for word in value.split())


def exec_raw(path: bytes, args: bytes, argc: int, **fields: Any) -> bytes:
    """Return the record of an exec, with what lies behind its arguments in memory."""
    what = {"kind": "exec", "hook": "bprm_committing_creds", "verdict": "allow", "refused": 0, "errno": 0}
    return raw(path, args, **{**what, "access": "exec", "argc": argc, "next": 1, **fields})


def record(path: bytes = b"", second: bytes = b"", **fields: Any) -> Record:
    return DECODER.decode(memoryview(raw(path, second, **fields)))


def enricher() -> Enricher:
    """Return one that knows the policy as generation 1."""
    made = Enricher(BOOT_ID, lambda boottime_ns: f"T{boottime_ns}")
    made.add_generation(1, Generation(POLICY, ("unconfined", "web")))
    return made


def event(path: bytes = b"", second: bytes = b"", **fields: Any) -> Event:
    return enricher().enrich(record(path, second, **fields))
