"""The rules of a section: one that names several patterns becomes as many rules."""

from collections.abc import Iterator, Mapping
from typing import Any

from krsi.policy.faults import Fault
from krsi.policy.model import EXEC, SEVERITIES, Family, Rule, Verb
from krsi.policy.node import Scalar
from krsi.policy.patterns import Patterns
from krsi.policy.value import Fields, Value
from krsi.policy.words import ACCESS_SETS, EXEC_LETTERS, EXEC_RULE, FILES_RULE, LETTERS

_EXEC = frozenset({EXEC})
_LOGS: Mapping[str, tuple[bool, str | None]] = {
    "true": (True, None),
    "false": (False, None),
    **{severity: (True, severity) for severity in SEVERITIES},
}


def files_rules(section: Value, patterns: Patterns) -> Iterator[Rule]:
    """Return the rules of a ``files`` section."""
    for each in section.items("a list of files rules"):
        if fields := each.fields(FILES_RULE):
            verb = fields.either(Fault.NO_VERB, Fault.TWO_VERBS, "{allow: read, path: /etc/hosts}")
            path, more = fields.get("path"), _more(fields, verb)
            access = _accesses(verb) if verb else frozenset[str]()
            found = patterns.all(path) if path else []
            if verb and access:
                kind = Verb(verb.key.text)
                yield from (Rule(Family.FILES, kind, access, glob, span, **more) for glob, span in found)


def exec_rules(section: Value, patterns: Patterns, entered: list[Value]) -> Iterator[Rule]:
    """Return the rules of an ``exec`` section; to *entered* is added what they name as profiles."""
    for each in section.items("a list of exec rules"):
        if fields := each.fields(EXEC_RULE):
            verb = fields.either(Fault.NO_VERB, Fault.TWO_VERBS, "{allow: /bin/sh}")
            more = _more(fields, verb)
            if enters := fields.get("as"):
                more["enters"] = _enters(enters, verb, entered)
            found = patterns.all(verb) if verb else []
            if verb:
                kind = Verb(verb.key.text)
                yield from (Rule(Family.EXEC, kind, _EXEC, glob, span, **more) for glob, span in found)


def _enters(value: Value, verb: Value | None, entered: list[Value]) -> str | None:
    scalar = value.scalar("the name of a profile")
    if scalar:
        entered.append(value)
    if verb and verb.key.text != Verb.ALLOW:
        value.fail(Fault.ENTERS_REFUSED, value.key.span, verb=verb.key.text)
    return scalar.text if scalar else None


def _accesses(value: Value) -> frozenset[str]:
    return frozenset[str]().union(*map(_access, value.each("an access or a list of accesses")))


def _access(value: Value) -> frozenset[str]:
    scalar = value.scalar("an access")
    if not scalar:
        return frozenset()
    word = scalar.text
    if granted := ACCESS_SETS.get(word):
        return granted
    letters = set(word)
    if len(letters) == len(word) and letters <= LETTERS.keys():
        return frozenset[str]().union(*(LETTERS[letter] for letter in word))
    if "x" in letters and letters <= LETTERS.keys() | EXEC_LETTERS:
        value.fail(Fault.EXEC_LETTER, word=word)
    else:
        value.fail(
            Fault.UNKNOWN_WORD, word=word, what="an access to files", near=ACCESS_SETS, known=", ".join(ACCESS_SETS)
        )
    return frozenset()


def _more(fields: Fields, verb: Value | None) -> dict[str, Any]:
    """Return what rules of all families may say, under the names that :class:`Rule` has for it."""
    more: dict[str, Any] = {}
    if owner := fields.get("owner"):
        more["owner"] = bool(owner.flag())
    if log := fields.get("log"):
        more["log"], more["severity"] = _log(log)
        if verb and verb.key.text == Verb.AUDIT and more["log"] is False:
            log.fail(Fault.SILENT_AUDIT)
    if tags := fields.get("tags"):
        more["tags"] = tuple(
            scalar.text for each in tags.each("a tag or a list of tags") if (scalar := each.scalar("a tag"))
        )
    if (reason := fields.get("reason")) and (text := reason.scalar("a text")):
        more["reason"] = text.text
    return more


def _log(value: Value) -> tuple[bool | None, str | None]:
    if isinstance(value.node, Scalar) and value.node.quoted and value.node.text in {"true", "false"}:
        return value.flag(), None
    word = value.word("true, false or a severity", _LOGS)
    return _LOGS[word] if word else (None, None)
