"""
The specification: what a policy says about an access.

Everything here is pure and slow on purpose. ``decide()`` in ``bpf/lsm/decide.bpf.h`` is the implementation,
and ``tests/kernel/test_oracle.py`` holds the one against the other: change both or neither.

Two laws. The order of rules never matters. A path that could not be resolved is refused wherever a rule could have
spoken about it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from krsi.policy.glob import Glob
from krsi.policy.place import Span


class Verb(StrEnum):
    """What a rule does with the accesses it names."""

    ALLOW = "allow"
    DENY = "deny"
    KILL = "kill"
    AUDIT = "audit"


class Verdict(IntEnum):
    """What is decided; of several, the greatest holds."""

    ALLOW = 0
    DENY = 1
    KILL = 2


class Mode(StrEnum):
    """What becomes of a refusal: see POLICY.md."""

    ENFORCE = "enforce"
    AUDIT = "audit"
    LEARN = "learn"
    OFF = "off"


class Family(StrEnum):
    """A section of a profile."""

    FILES = "files"
    EXEC = "exec"


FILE_ACCESSES = (
    "read",
    "write",
    "append",
    "create",
    "delete",
    "rename",
    "link",
    "map",
    "chmod",
    "chown",
    "setattr",
    "setxattr",
    "getattr",
    "truncate",
    "ioctl",
    "lock",
    "mknod",
)
"""The accesses of ``files``, in the order in which people are shown them."""

ON_REQUEST = frozenset({"getattr", "ioctl", "lock"})
"""Asked about only in profiles in which some rule names them, so that stat(2) costs nothing elsewhere."""

IMPLIES = {"write": frozenset({"write", "append", "truncate"})}
"""Words that stand for more than themselves, in every verb."""

NAMING = frozenset({"create", "delete", "rename", "link", "mknod"})
"""Accesses to a name, not to what it names. A new name may grant these although the old one did not."""

EXEC = "exec"
MOUNT = "mount"
"""Mounts give all that lies below a folder other names, so nobody whose files are decided may change them."""

SEVERITIES = ("info", "notice", "warning", "error", "critical")
UNCONFINED = "unconfined"
MATCHED = "matched"


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One rule, with its variables expanded and its words spelled out.

    :param enters: of an exec rule, the profile that the new program runs under: a name, ``matched``, ``unconfined``,
        or None to keep the present one
    :param log: True or False where the author said so, None where it follows from the verdict
    :param implied: not written by the author; what an exec rule allows to be executed may be mapped too
    """

    family: Family
    verb: Verb
    access: frozenset[str]
    glob: Glob
    span: Span
    owner: bool = False
    enters: str | None = None
    log: bool | None = None
    severity: str | None = None
    reason: str | None = None
    tags: tuple[str, ...] = ()
    implied: bool = False

    def matters(self) -> bool:
        """Tell whether this rule would change anything where all is allowed anyway."""
        return self.verb is not Verb.ALLOW or self.log is True or self.enters is not None

    def speaks_of(self, access: str, path: bytes, *, owner: bool) -> bool:
        """Tell whether this rule has a say about *access* to *path*."""
        return access in self.access and (owner or not self.owner) and self.glob.matches(path)


@dataclass(frozen=True, slots=True)
class Match:
    """
    Which unconfined tasks enter a profile when they execute a file. All keys that are given must hold.

    :param uids: effective uid of the task that executes; names are resolved when the policy is loaded
    :param uid_spans: where each of them stands
    """

    exe: tuple[Glob, ...]
    span: Span
    uids: tuple[int | str, ...] = ()
    uid_spans: tuple[Span, ...] = ()

    def keys(self) -> int:
        """Return how many keys are given: of two equally specific patterns, the one with more keys is tried first."""
        return 1 + bool(self.uids)


@dataclass(frozen=True, slots=True)
class Profile:
    """What one program may do. ``rules`` holds those of the included abstractions too, each with its own place."""

    name: str
    span: Span
    rules: tuple[Rule, ...]
    match: Match | None = None
    mode: Mode = Mode.ENFORCE
    defaults: Mapping[Family, Verdict] = field(default_factory=dict)
    description: str | None = None

    def default(self, family: Family) -> Verdict:
        """Return what holds where no rule of *family* speaks."""
        return self.defaults.get(family, Verdict.DENY)

    def mediates(self) -> frozenset[str]:
        """
        Return the accesses that are asked about at all.

        Where the default is to deny, all but those on request; where it is to allow, those that a rule could refuse
        or wants told. Whoever refuses anything about files must be asked about new names too (see ``launders``).
        """
        named = frozenset[str]().union(*(rule.access for rule in self.rules))
        weighty = frozenset[str]().union(*(rule.access for rule in self.rules if rule.matters()))
        asked = frozenset(FILE_ACCESSES) - (ON_REQUEST - named)
        files = asked if self._asks_all(Family.FILES) else weighty - {EXEC}
        if files:
            files |= {"rename", "link", MOUNT}
        exec_ = {EXEC} if self._asks_all(Family.EXEC) else weighty & {EXEC}
        return frozenset() if self.mode is Mode.OFF else files | exec_

    def _asks_all(self, family: Family) -> bool:
        return self.mode is Mode.LEARN or self.default(family) is not Verdict.ALLOW


@dataclass(frozen=True, slots=True)
class Case:
    """
    One line of a test.

    :param to: the second path of a rename or link
    :param enters: the profile expected after an exec in the author's words, so that the one that is kept has its name;
        None when the test does not say
    """

    access: str
    path: bytes
    expect: Verdict
    span: Span
    to: bytes | None = None
    owner: bool = False
    enters: str | None = None


@dataclass(frozen=True, slots=True)
class Test:
    """Accesses and what a profile is expected to make of them."""

    __test__ = False  # not one of pytest's

    name: str
    profile: str
    cases: tuple[Case, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Policy:
    """All that was given at once; names are unique in it."""

    profiles: Mapping[str, Profile]
    tests: tuple[Test, ...] = ()


@dataclass(frozen=True, slots=True)
class Object:
    """
    What is accessed.

    :param path: as its mount namespace sees it, a folder's with a final ``/``; None if it could not be resolved
    :param owner: whether it belongs to the subject's fsuid; None if that cannot be said (an idmapped mount)
    """

    path: bytes | None
    owner: bool | None = False


@dataclass(frozen=True, slots=True)
class Request:
    """
    One question.

    :param target: the second name of a rename or link; its owner is that of what has the name now, and where nothing
        has it that of the object
    :param exchange: the two names change places, so that neither object may gain by it
    """

    access: frozenset[str]
    object: Object
    target: Object | None = None
    exchange: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """
    The answer, with its reasons.

    :param refused: the accesses to blame for the verdict
    :param rules: those that decided, and those that only have it told; none of the first where the default decided, or
        where the path was not resolved
    :param launders: refused because the new name would grant what the old one does not
    """

    verdict: Verdict
    logged: bool
    refused: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()
    enters: str | None = None
    launders: bool = False


@dataclass(frozen=True, slots=True)
class Bit:
    """What a profile says of one access to one object."""

    verdict: Verdict
    logged: bool
    rules: tuple[Rule, ...] = ()


def weigh(profile: Profile, access: str, obj: Object) -> Bit:
    """Return what *profile* says of *access* to *obj*."""
    if access not in profile.mediates():
        return Bit(Verdict.ALLOW, logged=False)
    if obj.path is None or access == MOUNT:
        return Bit(Verdict.DENY, logged=True)
    if obj.owner is None:
        return _worse(*(_weigh(profile, access, obj.path, owner=owner) for owner in (False, True)))
    return _weigh(profile, access, obj.path, owner=obj.owner)


def _weigh(profile: Profile, access: str, path: bytes, *, owner: bool) -> Bit:
    rules = [rule for rule in profile.rules if rule.speaks_of(access, path, owner=owner)]
    audits = tuple(rule for rule in rules if rule.verb is Verb.AUDIT)
    told = profile.mode is Mode.LEARN or bool(audits)
    for verb, verdict in ((Verb.KILL, Verdict.KILL), (Verb.DENY, Verdict.DENY), (Verb.ALLOW, Verdict.ALLOW)):
        deciding = tuple(rule for rule in rules if rule.verb is verb)
        if deciding:
            return Bit(verdict, told or _logs(verdict, deciding), deciding + audits)
    verdict = profile.default(Family.EXEC if access == EXEC else Family.FILES)
    return Bit(verdict, told or _logs(verdict, ()), audits)


def _logs(verdict: Verdict, deciding: tuple[Rule, ...]) -> bool:
    """A refusal is told unless all that decided it say not to, a permission only if one of them says so."""
    if verdict is Verdict.ALLOW:
        return any(rule.log is True for rule in deciding)
    return not deciding or any(rule.log is not False for rule in deciding)


def _worse(one: Bit, other: Bit) -> Bit:
    return Bit(max(one.verdict, other.verdict), one.logged or other.logged, one.rules + other.rules)


def decide(profile: Profile, request: Request) -> Decision:
    """
    Say what *profile* makes of *request*. This is the specification.

    A request for several accesses is as bad as its worst. Of a second name the same accesses are asked, and then it
    must not launder: by its new name nothing may be done to the object that its old name forbids.
    """
    bits = {(access, obj): weigh(profile, access, obj) for access in request.access for obj in _asked(request)}
    verdict = max((bit.verdict for bit in bits.values()), default=Verdict.ALLOW)
    blamed = {key: bit for key, bit in bits.items() if bit.verdict is verdict} if verdict else bits
    if not verdict and launders(profile, request):
        return Decision(Verdict.DENY, logged=True, refused=request.access, launders=True)
    return Decision(
        verdict,
        logged=any(bit.logged for bit in bits.values()),
        refused=frozenset(access for access, _ in blamed) if verdict else frozenset(),
        rules=tuple(dict.fromkeys(rule for bit in blamed.values() for rule in bit.rules)),
        enters=_enters(bits.values()) if request.access == {EXEC} and not verdict else None,
    )


def _asked(request: Request) -> Iterator[Object]:
    """A name that an object is given is asked for with both: the object's owner, and the owner of what loses it."""
    target = request.target
    if target is None:
        yield request.object
        return
    owner = target.owner if target.owner == request.object.owner else None
    yield Object(request.object.path, owner) if request.exchange else request.object
    yield Object(target.path, owner)


def _enters(bits: Iterable[Bit]) -> str | None:
    """The most specific of the rules that allow an exec says where it leads; check.py and the compiler refuse ties."""
    rules = [rule for bit in bits for rule in bit.rules if rule.verb is Verb.ALLOW]
    return max(rules, key=lambda rule: specificity(rule.glob)).enters if rules else None


def specificity(glob: Glob) -> tuple[bool, int]:
    """Return the rank of a pattern as AppArmor ranks attachments: a literal, then the longest literal prefix."""
    return glob.literal is not None, len(glob.literal_prefix)


def launders(profile: Profile, request: Request) -> bool:
    """
    Tell whether by its new name more could be done to an object, or it would run as another.

    A folder takes all that lies in it along, so both its names must mean the same for every name below. That is for the
    automaton to say (``Reader.ask_move``); here only the folder itself is looked at.
    """
    old, new = request.object, request.target
    if new is None or not request.access & profile.mediates():
        return False
    return _gains(profile, old, new.path) or (request.exchange and _gains(profile, new, old.path))


def _gains(profile: Profile, obj: Object, path: bytes | None) -> bool:
    if _is_folder(obj.path) != _is_folder(path):
        return True
    renamed = Object(path, obj.owner)
    for access in (*FILE_ACCESSES, EXEC):
        before, after = weigh(profile, access, obj), weigh(profile, access, renamed)
        if access not in NAMING and after.verdict < before.verdict and after.verdict is Verdict.ALLOW:
            return True
    return after.verdict is Verdict.ALLOW and _enters([before]) != _enters([after])


def _is_folder(path: bytes | None) -> bool:
    return path is not None and path.endswith(b"/")


def entered(policy: Policy, exe: bytes, uid: int) -> str | None:
    """Return the profile that an unconfined task of *uid* enters by executing *exe*; None if it stays unconfined."""
    ranked = [(rank, profile.name) for profile in policy.profiles.values() for rank in _ranks(profile, exe, uid)]
    return max(ranked)[1] if ranked else None


def _ranks(profile: Profile, exe: bytes, uid: int) -> Iterator[tuple[bool, int, int]]:
    match = profile.match
    if match and profile.mode is not Mode.OFF and (not match.uids or uid in match.uids):
        yield from ((*specificity(glob), match.keys()) for glob in match.exe if glob.matches(exe))
