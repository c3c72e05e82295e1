"""Events as lines for people: when, what became of it, who wanted what, and the rule."""

from collections.abc import Sequence

from krsi.event.model import Event
from krsi.event.text import harmless

_RESET = "\033[0m"
_COLOURS = {"denied": "\033[31m", "killed": "\033[1;31m", "audited": "\033[33m", "allowed": "\033[32m"}


def lines(events: Sequence[Event], *, colour: bool) -> bytes:
    """Return *events* as one line each, UTF-8."""
    return "".join(f"{_line(event, colour=colour)}\n" for event in events).encode()


def _line(event: Event, *, colour: bool) -> str:
    word = event.verdict or event.event
    if colour and word in _COLOURS:
        word = f"{_COLOURS[word]}{word:<8}{_RESET}"
    return f"{event.time[11:23]} {word:<8} {harmless(_what(event))}"


def _what(event: Event) -> str:
    if event.event == "loss":
        return f"{event.count} records, numbers {event.first} to {event.last}: {event.message}"
    parts = [f"{event.profile or '?':<12}", event.operation or "", *_access(event), *_object(event), *_subject(event)]
    parts += [f"rule={event.rule}"] if event.rule else []
    parts += [f"errno={event.errno}"] if event.errno else []
    parts += [f"({event.reason})"] if event.reason else []
    return " ".join(part for part in parts if part)


def _access(event: Event) -> list[str]:
    words = event.refused or event.access or []
    return [] if event.event == "exec" or words == ["exec"] else [",".join(words)]


def _object(event: Event) -> list[str]:
    if event.file is None:
        return []
    descriptor = event.file.descriptor
    return [
        f"descriptor {descriptor}:" if descriptor is not None else "",
        event.file.path or "-",
        f"-> {event.file.target}" if event.file.target else "",
    ]


def _subject(event: Event) -> list[str]:
    process = event.process
    if process is None:
        return []
    args = " ".join(process.args) if event.event == "exec" and process.args else ""
    return [f"[{args}]" if args else "", f"pid={process.pid}", f"comm={process.name}", f"uid={process.uid}"]
