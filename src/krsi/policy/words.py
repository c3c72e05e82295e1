"""
The words of the language: what may stand where, and what it means, one line each.

The parser and the JSON Schema are both made from these tables, so that the one accepts what the other does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from krsi.policy.model import EXEC, FILE_ACCESSES, IMPLIES, MATCHED, ON_REQUEST, UNCONFINED, Family, Mode, Verb, Verdict

NAME_LIMIT = 64
NAME = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.+@-]{{0,{NAME_LIMIT - 1}}}")
"""Of a profile or abstraction."""

RESERVED = (UNCONFINED, MATCHED, "self", "child", "parent", "any")
"""No profile can be called so: where a profile is named, these mean something else."""

VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,255}\$?")  # as shadow's useradd takes them, and a little more
NUMBER = re.compile(r"0|[1-9][0-9]{0,9}|0x[0-9A-Fa-f]{1,8}")
MAX_UID = 2**32 - 2  # the last means "no user" to the kernel

ACCESSES = {
    "read": "open for reading, list a folder, read a symbolic link",
    "write": "open for writing; implies append and truncate",
    "append": "open for writing at the end only",
    "create": "make a file, folder or symbolic link",
    "delete": "remove a file, a folder or one of several names",
    "rename": "rename; both names need it",
    "link": "make a hard link; both names need it",
    "map": "map into memory as code",
    "chmod": "change permissions",
    "chown": "change owner or group",
    "setattr": "change times",
    "setxattr": "change extended attributes",
    "getattr": "see size, times, owner and permissions, as stat does; decided only where some rule names it",
    "truncate": "cut off or extend",
    "ioctl": "give orders to a device or file system; decided only where some rule names it",
    "lock": "lock the file or part of it; decided only where some rule names it",
    "mknod": "make a device; named pipes and sockets are created as files are",
}

TWO_NAMES = ("rename", "link")
ANY = "any"
ACCESS_SETS = {
    **{word: IMPLIES.get(word, frozenset({word})) for word in FILE_ACCESSES},
    ANY: frozenset(FILE_ACCESSES) - ON_REQUEST,
}
"""What each word grants."""

# AppArmor's w is the right to change a file in every way (map_old_perms() in security/apparmor/policy_unpack.c: create,
# delete, chmod, chown, setattr; apparmor_path_rename() asks for no more). It does not decide about extended attributes
# and needs no letter for sockets and pipes, so whoever has w may set and make those there; hence here too.
LETTERS = {
    "r": frozenset({"read"}),
    "w": ACCESS_SETS[ANY] - {"read", "map", "link"},
    "a": frozenset({"append"}),
    "k": frozenset({"lock"}),
    "l": frozenset({"link"}),
    "m": frozenset({"map"}),
}
"""What AppArmor's letters grant; several make one word: ``rwk``."""

LETTERS_SAY = (
    "AppArmor's letters as one word, such as rw or mrk: r read, w all that changes the file or its name "
    "(write, create, delete, rename, chmod, chown, setattr, setxattr, mknod), a append, k lock, l link, m map"
)
EXEC_LETTERS = frozenset("xipcuPCU")
"""What AppArmor spells executing with, ``x`` always among them."""

ANY_SAYS = "everything but getattr, ioctl and lock, which have to be named"

VERBS = {
    Verb.ALLOW: "permit this",
    Verb.DENY: "refuse this, whatever allows it",
    Verb.KILL: "refuse this and kill whoever tries",
    Verb.AUDIT: "log this, and change nothing",
}
VERDICTS = {"allow": Verdict.ALLOW, "deny": Verdict.DENY, "kill": Verdict.KILL}
DEFAULTS = {"allow": Verdict.ALLOW, "deny": Verdict.DENY}
MODES = {
    Mode.ENFORCE: "refuse what is not allowed",
    Mode.AUDIT: "log what would be refused, and refuse nothing",
    Mode.LEARN: "log every access, and refuse nothing",
    Mode.OFF: "confine nobody",
}


@dataclass(frozen=True, slots=True)
class Key:
    """
    A key of a mapping.

    :param holds: the kind of its value; schema.py has one for each
    """

    says: str
    holds: str
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """
    What a mapping may hold.

    :param what: as messages call it
    :param either: exactly one of these stands in it too
    :param beside: keys that stand only beside one of others
    :param elsewhere: keys that people put here by mistake, and what is right
    :param later: keys of POLICY.md that are not built yet, and how they are spoken of
    """

    what: str
    keys: Mapping[str, Key]
    either: Mapping[str, Key] = field(default_factory=dict)
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    later: Mapping[str, str] = field(default_factory=dict)

    def allows(self, word: str) -> bool:
        """Tell whether *word* is a key here."""
        return word in self.keys or word in self.either


# What POLICY.md promises and this version refuses, by where it stands, with how it is spoken of. Whoever builds
# something removes its line.
NOT_YET: Mapping[str, Mapping[str, str]] = {
    "item": {
        "rule": "Falco rules are",
        "macro": "Falco macros are",
        "list": "Falco lists are",
    },
    "section": {
        "network": "'network' rules are",
        "capabilities": "'capabilities' rules are",
        "signals": "'signals' rules are",
        "ptrace": "'ptrace' rules are",
        "system": "'system' rules are",
    },
    "profile": {
        "states": "'states' are",
        "functions": "'functions' are",
    },
    "rule": {
        "when": "'when' is",
        "in": "'in' is",
    },
    "match": {
        "unit": "'unit' is",
        "cgroup": "'cgroup' is",
        "container": "'container' is",
        "parent": "'parent' is",
    },
    "test": {
        "state": "'state' is",
    },
    "case": {
        "bind": "'network' rules are",
        "listen": "'network' rules are",
        "accept": "'network' rules are",
        "connect": "'network' rules are",
        "send": "'network' rules are",
        "receive": "'network' rules are",
        "shutdown": "'network' rules are",
    },
}

_RULE_KEYS = {
    "owner": Key("only where the file belongs to whoever acts (its fsuid)", "flag"),
    "log": Key("whether this is logged, or how severe it is; by default what is refused is logged", "log"),
    "tags": Key("words that go into the event", "tags"),
    "reason": Key("a sentence that goes into the event and into `krsi explain`", "text"),
}
FILES_RULE = Table(
    "a files rule",
    {"path": Key("which files: a pattern or a list of them", "patterns", needed=True), **_RULE_KEYS},
    either={verb: Key(says, "accesses") for verb, says in VERBS.items()},
    elsewhere={"as": "only exec rules have 'as'"},
    later=NOT_YET["rule"],
)
EXEC_RULE = Table(
    "an exec rule",
    {"as": Key("the profile that the program runs under; without it the present one", "entered"), **_RULE_KEYS},
    either={verb: Key(f"{says}: the pattern of the program, or a list", "patterns") for verb, says in VERBS.items()},
    beside={"as": (Verb.ALLOW,)},
    elsewhere={"path": "the pattern stands with the verb: {allow: /bin/sh}"},
    later=NOT_YET["rule"],
)
MATCH = Table(
    "a match",
    {
        "exe": Key("the executed file: a pattern or a list of them", "patterns", needed=True),
        "uid": Key("the effective user who executes it: a name, a number or a list of them", "users"),
    },
    later=NOT_YET["match"],
)
DEFAULT = Table(
    "a default",
    {
        Family.FILES: Key("what holds where no files rule speaks", "default"),
        Family.EXEC: Key("what holds where no exec rule speaks", "default"),
    },
    later=NOT_YET["section"],
)
_SECTIONS = {
    "include": Key("an abstraction whose rules hold here too, or a list of them", "names"),
    "files": Key("what may be done to files", "files"),
    "exec": Key("what may be executed, and what it runs as", "exec"),
}
_DESCRIPTION = Key("for people", "text")
PROFILE = Table(
    "a profile",
    {
        "profile": Key("its name", "profile", needed=True),
        "description": _DESCRIPTION,
        "match": Key("which unconfined tasks enter it when they execute something: all keys must hold", "match"),
        "mode": Key("what becomes of what is not allowed; enforce if absent", "mode"),
        "default": Key("what holds where no rule speaks, for all or for each family; deny if absent", "defaults"),
        **_SECTIONS,
    },
    later={**NOT_YET["section"], **NOT_YET["profile"]},
)
ABSTRACTION = Table(
    "an abstraction",
    {"abstraction": Key("its name", "name", needed=True), "description": _DESCRIPTION, **_SECTIONS},
    elsewhere=dict.fromkeys(("match", "mode", "default"), "that belongs into the profiles that include it"),
    later=NOT_YET["section"],
)
VARIABLES = Table(
    "a vars item",
    {"vars": Key("names and their values, for @{NAME} in the patterns of all files", "variables", needed=True)},
)
TEST = Table(
    "a test",
    {
        "test": Key("what it shows", "text", needed=True),
        "profile": Key("whose rules are asked", "name", needed=True),
        "cases": Key("what is tried, and what is expected", "cases", needed=True),
    },
    later=NOT_YET["test"],
)
CASE = Table(
    "a case",
    {
        "expect": Key("what the profile is to make of it", "verdict", needed=True),
        "to": Key("the second name of a rename or link", "path"),
        "owner": Key("whether the file belongs to whoever acts; false if absent", "flag"),
        "as": Key("the profile that the program is to run under", "entered"),
    },
    either={access: Key(f"the path of which this is asked: {says}", "path") for access, says in ACCESSES.items()}
    | {EXEC: Key("the program of which it is asked whether it may be executed", "path")},
    beside={"to": TWO_NAMES, "as": (EXEC,), **dict.fromkeys(TWO_NAMES, ("to",))},
    later=NOT_YET["case"],
)
ITEMS = {"profile": PROFILE, "abstraction": ABSTRACTION, "vars": VARIABLES, "test": TEST}
"""What a policy file is a list of; the first key says which."""
