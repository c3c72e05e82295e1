"""Profiles, abstractions and tests as written: names are not looked up yet."""

from collections.abc import Mapping
from dataclasses import dataclass

from krsi.policy.faults import Fault
from krsi.policy.model import Family, Match, Mode, Profile, Rule, Verdict
from krsi.policy.node import Scalar
from krsi.policy.patterns import Pattern, Patterns
from krsi.policy.place import Span
from krsi.policy.rules import exec_rules, files_rules
from krsi.policy.value import Fields, Value
from krsi.policy.words import (
    ABSTRACTION,
    DEFAULT,
    DEFAULTS,
    MATCH,
    MAX_UID,
    MODES,
    NUMBER,
    PROFILE,
    RESERVED,
    USER,
)


@dataclass(frozen=True, slots=True)
class Body:
    """
    What profiles and abstractions have in common.

    :param rules: the own ones, without those of ``include``
    :param entered: the names of profiles in ``as:``
    """

    name: Scalar
    rules: tuple[Rule, ...]
    include: tuple[Value, ...]
    entered: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """
    A profile with its own rules only.

    :param exe: the patterns of its match
    :param everything: where it says that whatever no exec rule speaks of may be executed, None if it does not
    """

    body: Body
    profile: Profile
    exe: tuple[Pattern, ...]
    everything: Span | None

    @property
    def name(self) -> Scalar:
        """Its name."""
        return self.body.name


def read_abstraction(item: Value, patterns: Patterns) -> Body | None:
    """Read an ``abstraction``; None if it has no name."""
    fields = item.fields(ABSTRACTION)
    if not fields:
        return None
    _text(fields, "description")
    return _body(fields, "abstraction", patterns)


def read_profile(item: Value, patterns: Patterns) -> Draft | None:
    """Read a ``profile``; None if it has no name."""
    fields = item.fields(PROFILE)
    if not fields:
        return None
    body = _body(fields, "profile", patterns)
    match, exe = _match(fields, patterns)
    mode = fields.get("mode")
    defaults, everything = _defaults(fields)
    description = _text(fields, "description")
    kind = Mode((mode and mode.word("a mode", MODES)) or Mode.ENFORCE)
    if not body:
        return None
    known = Profile(body.name.text, body.name.span, body.rules, match, kind, defaults, description)
    return Draft(body, known, exe, everything)


def _body(fields: Fields, kind: str, patterns: Patterns) -> Body | None:
    value, include = fields.get(kind), fields.get("include")
    name = value.name() if value else None
    if value and name and kind == "profile" and name.text in RESERVED:
        value.fail(Fault.RESERVED, word=name.text)
    named = include.each("an abstraction or a list of abstractions") if include else []
    entered: list[Value] = []
    rules: list[Rule] = []
    if files := fields.get("files"):
        rules += files_rules(files, patterns)
    if exec_ := fields.get("exec"):
        rules += exec_rules(exec_, patterns, entered)
    included = tuple(each for each in named if each.scalar("an abstraction"))
    return Body(name, tuple(rules), included, tuple(entered)) if name else None


def _match(fields: Fields, patterns: Patterns) -> tuple[Match | None, tuple[Pattern, ...]]:
    value = fields.get("match")
    keys = value.fields(MATCH) if value else None
    if not keys:
        return None, ()
    exe, uid = keys.get("exe"), keys.get("uid")
    found = tuple(patterns.all(exe)) if exe else ()
    users = [(_user(each), each.node.span) for each in uid.each("a user or a list of users")] if uid else []
    uids = tuple(user for user, _ in users if user is not None)
    spans = tuple(span for user, span in users if user is not None)
    return Match(tuple(each.glob for each in found), found[0].span, uids, spans) if found else None, found


def _user(value: Value) -> int | str | None:
    """Return a uid or a name. What looks like a number of YAML 1.1 (0644, 1_000, 12:30) is neither."""
    scalar = value.scalar("a user's name or number")
    if not scalar:
        return None
    if not scalar.quoted and NUMBER.fullmatch(scalar.text) and int(scalar.text, 0) <= MAX_UID:
        return int(scalar.text, 0)
    if USER.fullmatch(scalar.text):
        return scalar.text
    value.fail(Fault.USER, word=scalar.text, limit=MAX_UID)
    return None


def _defaults(fields: Fields) -> tuple[Mapping[Family, Verdict], Span | None]:
    """Return what holds where no rule speaks, and where it is said that everything may be executed."""
    value = fields.get("default")
    if not value:
        return {}, None
    if isinstance(value.node, Scalar):
        word = value.word("a default", DEFAULTS)
        defaults = dict.fromkeys(Family, DEFAULTS[word]) if word else {}
        return defaults, value.node.span if word == "allow" else None
    keys = value.fields(DEFAULT)
    given = {family: each for family in Family if keys and (each := keys.get(family))}
    words = {family: each.word("a default", DEFAULTS) for family, each in given.items()}
    everything = given[Family.EXEC].node.span if words.get(Family.EXEC) == "allow" else None
    return {family: DEFAULTS[word] for family, word in words.items() if word}, everything


def _text(fields: Fields, key: str) -> str | None:
    value = fields.get(key)
    scalar = value.scalar("a text") if value else None
    return scalar.text if scalar else None
