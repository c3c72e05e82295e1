"""EVENTS.md's fields, and whether a document keeps to them."""

import re
from collections.abc import Iterator
from typing import Any

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
SEVERITIES = {"info", "notice", "warning", "error", "critical"}

FIELDS: dict[str, Any] = {
    "time": TIME,
    "seq": int,
    "event": {"decision", "exec", "exit", "transition", "policy", "loss", "health", "alert"},
    "verdict": {"denied", "killed", "audited", "allowed"},
    "operation": re.compile(r"[a-z]+(\.[a-z]+)?"),
    "access": list,
    "refused": list,
    "errno": re.compile("E[A-Z0-9]+"),
    "profile": str,
    "mode": {"enforce", "audit", "learn"},
    "policy": int,
    "rule": re.compile(r"default|.+:\d+"),
    "reason": str,
    "severity": SEVERITIES,
    "tags": list,
    "process": dict,
    "process.pid": int,
    "process.tid": int,
    "process.ppid": int,
    "process.exec_id": re.compile(r"[0-9a-f-]{36}:\d+:\d+"),
    "process.name": str,
    "process.exe": str,
    "process.args": list,
    "process.start": TIME,
    "process.uid": int,
    "process.gid": int,
    "process.euid": int,
    "process.ancestors": list,
    "process.ancestors.pid": int,
    "file": dict,
    "file.path": str,
    "file.target": str,
    "file.type": str,
    "file.inode": int,
    "file.device": re.compile(r"\d+:\d+"),
    "file.mode": re.compile("[0-7]{4}"),
    "file.owner": int,
    "file.descriptor": int,
    "message": str,
    "count": int,
    "first": int,
    "last": int,
    "escaped": {True},
    "truncated": list,
}
"""Each with its type, its words or its form. What is not here yet is for later issues."""

ALWAYS = {"time", "event"}
ALWAYS_OF = {
    "decision": {"seq", "verdict", "operation", "access", "policy", "severity", "process"},
    "exec": {"seq", "operation", "policy", "process", "file"},
    "loss": {"count", "first", "last", "severity"},
}


def breaches(document: dict[str, Any]) -> list[str]:
    """Return in which ways *document* is no event."""
    missing = (ALWAYS | ALWAYS_OF[document["event"]]) - document.keys()
    return [f"{name} is missing" for name in missing] + list(_breaches(document, ""))


def _breaches(document: dict[str, Any], prefix: str) -> Iterator[str]:
    for key, value in document.items():
        name = prefix + key
        if name not in FIELDS:
            yield f"{name} is no field"
        elif not _fits(FIELDS[name], value):
            yield f"{name} is {value!r}"
        if value in (None, [], {}) or (value == "" and name != "process.name"):
            yield f"{name} is unknown and there"
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                yield from _breaches(part, f"{name}.")


def _fits(kind: Any, value: Any) -> bool:
    if isinstance(kind, set):
        return value in kind
    if isinstance(kind, re.Pattern):
        return isinstance(value, str) and kind.fullmatch(value) is not None
    return type(value) is kind
