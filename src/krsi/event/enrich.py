"""Records -> events: which rule it was, which program, when, in words that people and machines read."""

import os
import stat
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from krsi.event.decode import Record
from krsi.event.model import Ancestor, Event, File, Process
from krsi.event.text import escaped
from krsi.hooks import INHERIT
from krsi.policy.model import EXEC, Object, Policy, Profile, Request, Rule, Verb, decide

MAX_IMAGES = 65_536
"""Programs that are remembered, the last ones used."""

_NOTHING = File()

DEFAULT = "default"
"""The rule that is none: what holds where no rule speaks."""

_VERDICTS = {"allow": "allowed", "deny": "denied", "kill": "killed"}
_SEVERITIES = {"allowed": "info", "audited": "notice", "denied": "warning", "killed": "error"}
_REASONS = {
    "unresolved": "the object has no path: it is detached, deleted with its file system, too deep, or has no name",
    "launders": "by the new name more could be done to it than by the old one",
    "no_privs": "a task under no_new_privs or a tracer keeps its profile",
    "no_match": "the rule says 'as: matched', and no profile matches this program",
    "failure": "krsi could not decide: no memory, or no policy",
}
_PROCESS = {"path": "process.exe", "args": "process.args"}
_TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "dir",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "char_device",
    stat.S_IFBLK: "block_device",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}


@dataclass(frozen=True, slots=True)
class Generation:
    """
    A policy that was in force.

    :param domains: names of its profiles by number
    """

    policy: Policy
    domains: Sequence[str]

    def profile(self, domain: int) -> Profile | None:
        """Return the profile of a domain, None for what is no profile."""
        return self.policy.profiles.get(self.name(domain) or "")

    def name(self, domain: int) -> str | None:
        """Return the name of a domain."""
        return self.domains[domain] if domain < len(self.domains) else None


@dataclass(frozen=True, slots=True)
class Image:
    """
    A program that was executed.

    :param cut: the fields of an event that are not whole for it
    """

    exe: bytes | None
    args: tuple[bytes, ...] | None
    cut: tuple[str, ...]


class _Words:
    """Takes the bytes of one event and remembers what happened to them."""

    def __init__(self) -> None:
        self.escaped = False

    def __call__(self, data: bytes) -> str:
        text, changed = escaped(data)
        self.escaped |= changed
        return text

    def maybe(self, data: bytes | None) -> str | None:
        return None if data is None else self(data)


class Enricher:
    """
    Makes events of records.

    :param boot_id: of this boot of the host
    :param clock: boot clock, in ns -> RFC 3339
    """

    def __init__(self, boot_id: str, clock: Callable[[int], str]) -> None:
        self._boot_id = boot_id
        self._clock = clock
        self._generations: dict[int, Generation] = {}
        self._images: OrderedDict[int, Image] = OrderedDict()
        self._rules = lru_cache(maxsize=4096)(self._asked)

    def add_generation(self, number: int, generation: Generation) -> None:
        """Say which policy records of this generation were decided by."""
        self._generations[number] = generation

    def enrich(self, record: Record) -> Event:
        """Return the event that *record* is."""
        if record.kind == EXEC:
            self._remember(record)
        words, generation = _Words(), self._generations.get(record.generation)
        image = self._image(record)
        file, process = self._file(record, words), self._process(record, image, words)
        verdict = _verdict(record)
        rule = self._rule(record)
        return Event(
            time=self._clock(record.boottime_ns),
            event=record.kind,
            seq=record.seq,
            verdict=verdict if record.kind != EXEC else None,
            operation=record.operation,
            access=sorted(record.access),
            refused=sorted(record.refused) or None,
            errno=record.error,
            profile=generation.name(record.domain) if generation else None,
            mode=record.mode,
            policy=record.generation,
            rule=_place(rule, record, words),
            reason=_REASONS.get(record.reason) or (rule.reason if rule else None),
            severity=None if record.kind == EXEC else (rule and rule.severity) or _SEVERITIES[verdict],
            tags=list(rule.tags) or None if rule else None,
            process=process,
            file=file,
            escaped=words.escaped,
            truncated=[*_cut(record), *(image.cut if image else ())] or None,
        )

    def _rule(self, record: Record) -> Rule | None:
        """An exec that went well is no decision, and of a path without its beginning no rule can be asked."""
        return (
            None
            if record.kind == EXEC or record.cut
            else _leading(self._rules(*_question(record)), told=not record.refused)
        )

    def _remember(self, record: Record) -> None:
        cut = tuple(_PROCESS[name] for name in record.cut)
        self._images[record.image_ns] = Image(record.path, record.args, cut)
        if len(self._images) > MAX_IMAGES:
            self._images.popitem(last=False)

    def _image(self, record: Record) -> Image | None:
        image = self._images.get(record.image_ns)
        if image:
            self._images.move_to_end(record.image_ns)
        return image

    def _process(self, record: Record, image: Image | None, words: _Words) -> Process:
        return Process(
            pid=record.tgid,
            tid=record.tid,
            ppid=record.ancestors[0] if record.ancestors else None,
            exec_id=f"{self._boot_id}:{record.tgid}:{record.start_ns}",
            name=words(record.comm),
            exe=words.maybe(image.exe) if image else None,
            args=[words(arg) for arg in image.args] if image and image.args else None,
            start=self._clock(record.start_ns) if record.start_ns else None,
            uid=record.uid,
            gid=record.gid,
            euid=record.euid,
            ancestors=[Ancestor(pid=tgid) for tgid in record.ancestors] or None,
        )

    def _file(self, record: Record, words: _Words) -> File | None:
        file = File(
            path=words.maybe(record.path),
            target=words.maybe(record.target),
            type=_TYPES.get(stat.S_IFMT(record.file_mode)),
            inode=record.inode or None,
            device=f"{record.device >> 20}:{record.device & 0xFFFFF}" if record.inode else None,
            mode=f"{stat.S_IMODE(record.file_mode):04o}" if record.inode else None,
            owner=record.file_uid if record.inode else None,
            descriptor=record.next if record.operation == INHERIT else None,
        )
        return file if file != _NOTHING else None

    def _asked(self, generation: int, domain: int, request: Request) -> tuple[Rule, ...]:
        """Ask the policy that answered why it did: the same function that ``krsi test`` asks."""
        known = self._generations.get(generation)
        profile = known.profile(domain) if known else None
        return decide(profile, request).rules if profile else ()


def _question(record: Record) -> tuple[int, int, Request]:
    target = Object(record.target, record.owner) if record.target else None
    access = frozenset(record.refused or record.access)
    return record.generation, record.domain, Request(access, Object(record.path, record.owner), target)


def _verdict(record: Record) -> str:
    """What is refused but not enforced is audited."""
    return "audited" if record.refused and record.mode != "enforce" else _VERDICTS[record.verdict]


def _leading(rules: Iterable[Rule], *, told: bool) -> Rule | None:
    """
    Return the rule to name: one that decides, what the author wrote before what follows from it.

    :param told: nothing is refused, so the event is there because a rule wants it told: that one is named
    """
    named = [rule for rule in rules if told or rule.verb is not Verb.AUDIT]
    return min(named, key=lambda rule: (told and not _tells(rule), rule.implied), default=None)


def _tells(rule: Rule) -> bool:
    return rule.verb is Verb.AUDIT or rule.log is True


def _place(rule: Rule | None, record: Record, words: _Words) -> str | None:
    if rule:
        return f"{words(os.fsencode(rule.span.file))}:{rule.span.line}"
    return DEFAULT if record.kind != EXEC and record.reason == "record" and not record.cut else None


def _cut(record: Record) -> Iterator[str]:
    return (f"file.{name}" for name in record.cut if name != "args")
