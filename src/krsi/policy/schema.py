"""The JSON Schema of a policy file, for editors: made from the tables that the parser reads by."""

from collections.abc import Iterable
from typing import Any

from krsi.policy.model import SEVERITIES
from krsi.policy.patterns import MAX_LENGTH
from krsi.policy.words import (
    ACCESSES,
    ANY,
    ANY_SAYS,
    CASE,
    DEFAULT,
    DEFAULTS,
    EXEC_RULE,
    FILES_RULE,
    ITEMS,
    LETTERS,
    LETTERS_SAY,
    MATCH,
    MAX_UID,
    MODES,
    NAME,
    RESERVED,
    USER,
    VARIABLE,
    VERDICTS,
    Key,
    Table,
)

Schema = dict[str, Any]

_WORDS = ["string", "integer", "boolean"]  # to krsi 7 and true are words like any other; editors call them otherwise


def schema() -> Schema:
    """
    Return the schema (JSON Schema 2020-12). What it refuses is wrong; what it accepts may still be.

    It cannot know names, whether a pattern is one, or which key of an item comes first.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "krsi policy",
        "description": "A list of profiles, abstractions, variables and tests.",
        "type": ["array", "null"],
        "items": {"oneOf": [_object(table) for table in ITEMS.values()]},
        "$defs": _kinds(),
    }


def _kinds() -> Schema:
    """Return what each kind of value is, by the words that ``Key.holds`` has for it."""
    text = {"type": _WORDS, "minLength": 1}
    name = _matching(NAME.pattern)
    default = {"enum": list(DEFAULTS)}
    # Absolute, as far as that can be seen: behind a brace or in a variable there may be a slash.
    path = {"type": "string", "pattern": r"^(/|@\{|\{|\\)[^\n]*$", "maxLength": MAX_LENGTH}
    return {
        "text": text,
        "name": name,
        "profile": name | {"not": {"enum": list(RESERVED)}},
        "names": _one_or_more(name),
        "entered": name,
        "flag": {"type": "boolean"},
        "log": {"enum": [True, False, *SEVERITIES]},
        "tags": _one_or_more(text),
        "path": path,
        "patterns": _one_or_more(path),
        "accesses": _one_or_more({"oneOf": [*_words((ACCESSES | {ANY: ANY_SAYS}).items()), _letters()]}),
        "users": _one_or_more({"oneOf": [_user(), {"type": "integer", "minimum": 0, "maximum": MAX_UID}]}),
        "mode": {"oneOf": _words(MODES.items())},
        "default": default,
        "defaults": {"oneOf": [default, _object(DEFAULT)]},
        "verdict": {"enum": list(VERDICTS)},
        "match": _object(MATCH),
        "files": _list(_object(FILES_RULE)),
        "exec": _list(_object(EXEC_RULE)),
        "cases": _list(_object(CASE)),
        "variables": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": _matching(VARIABLE.pattern),
            "additionalProperties": _one_or_more(text),
        },
    }


def _object(table: Table) -> Schema:
    result: Schema = {
        "description": table.what,
        "type": "object",
        "properties": {str(word): _property(key) for word, key in {**table.either, **table.keys}.items()},
        "required": [word for word, key in table.keys.items() if key.needed],
        "additionalProperties": False,
        "minProperties": 1,
    }
    if table.either:
        result["oneOf"] = _any_of(table.either)
    if table.beside:
        result["dependentSchemas"] = {word: {"anyOf": _any_of(others)} for word, others in table.beside.items()}
    return result


def _any_of(words: Iterable[str]) -> list[Schema]:
    return [{"required": [str(word)]} for word in words]


def _property(key: Key) -> Schema:
    return {"$ref": f"#/$defs/{key.holds}", "description": key.says}


def _words(says: Iterable[tuple[str, str]]) -> list[Schema]:
    return [{"const": str(word), "description": text} for word, text in says]


def _letters() -> Schema:
    """Any of the letters, none twice."""
    return {"type": "string", "pattern": rf"^(?!.*(.).*\1)[{''.join(LETTERS)}]+$", "description": LETTERS_SAY}


def _matching(pattern: str) -> Schema:
    return {"type": _WORDS, "pattern": f"^(?:{pattern})$"}


def _user() -> Schema:
    return _matching(USER.pattern) | {"type": ["string", "boolean"]}


def _list(element: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "items": element}


def _one_or_more(element: Schema) -> Schema:
    return {"oneOf": [element, _list(element)]}
