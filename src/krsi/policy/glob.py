"""
Path patterns with AppArmor's meaning, over bytes: the specification that the compiler and the kernel are held against.

What AppArmor accepts and this module accepts means the same in both; tests/property/test_glob_apparmor.py holds them
against each other and lists what is refused here. A folder's own path ends in a slash, a file's does not.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, reduce
from operator import or_

from krsi.policy.glob_tokens import (
    ANY,
    MAX_DEPTH,
    NOT_SLASH,
    GlobError,
    Token,
    begins_with_slash,
    encoded,
    ends_in_slash,
    tokenise,
)

__all__ = ["ANY", "NOT_SLASH", "Either", "Glob", "GlobError", "Literal", "Many", "Node", "OneOf", "parse"]


@dataclass(frozen=True, slots=True)
class Literal:
    """These bytes, in this order; at least one."""

    data: bytes


@dataclass(frozen=True, slots=True, repr=False)
class OneOf:
    """One byte out of *members*, which are sorted; at least one."""

    members: bytes

    def __repr__(self) -> str:
        return f"OneOf({_set(self.members)!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Many:
    """Any number of bytes out of *members*, also none."""

    members: bytes

    def __repr__(self) -> str:
        return f"Many({_set(self.members)!r})"


@dataclass(frozen=True, slots=True)
class Either:
    """One of at least two alternatives, each a sequence that may be empty."""

    branches: "tuple[tuple[Node, ...], ...]"


Node = Literal | OneOf | Many | Either


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern: its text and its tree, whose *nodes* match a path from beginning to end. There is at least one."""

    text: str
    nodes: tuple[Node, ...]

    def matches(self, path: bytes) -> bool:
        """
        Say whether *path* matches.

        This is the specification; the automaton is the implementation. Takes time in proportion to the path and to the
        pattern, whatever they are: events are asked about with paths that attackers choose.
        """
        if self.literal is not None:
            return path == self.literal
        return bool(_ends(self.nodes, path, 1) >> len(path))

    @property
    def literal(self) -> bytes | None:
        """The one path that matches, if nothing in the pattern leaves a choice."""
        return self.literal_prefix if len(self.nodes) == 1 and self.literal_prefix else None

    @property
    def literal_prefix(self) -> bytes:
        """What stands before the first wildcard or brace; the longer, the more specific."""
        first = self.nodes[0]
        return first.data if isinstance(first, Literal) else b""

    def sample(self) -> bytes:
        """Return one path that matches, for a message."""
        return _sample(self.nodes, b"")


def parse(text: str, variables: Mapping[str, Sequence[str]]) -> Glob:
    """
    Read the pattern *text*, in which ``@{NAME}`` stands for each of ``variables[NAME]``; these may hold patterns.

    :raises GlobError: it is not a pattern, not absolute, or too large
    """
    if _PLAIN.fullmatch(text):
        return Glob(text, (Literal(encoded(text, 0)),))
    tokens = tokenise(text, variables)
    nodes, _ = _sequence(tokens, 0, 0)
    _check_absolute(tokens, len(text))
    return Glob(text, nodes)


# --- tokens -> tree ---------------------------------------------------------------------------------------------------

_PLAIN = re.compile(r"(?:/[^/\\*?\[\]{}\0]+)+/?|/")  # most patterns of most policies: the fast way round tokenise()


def _sequence(tokens: Sequence[Token], at: int, depth: int) -> tuple[tuple[Node, ...], int]:
    """Read nodes from *at* to the end or, inside braces, to a comma or brace; return them and where that stands."""
    nodes: list[Node] = []
    while at < len(tokens) and not (depth and tokens[at].kind in {",", "}"}):
        token = tokens[at]
        if token.kind == "{":
            node, at = _either(tokens, at, depth + 1)
            nodes.append(node)
        elif token.kind == "star":
            stars, at = _stars(tokens, at)
            nodes.extend(stars)
        else:
            nodes.append(_simple(token))
            at += 1
    return _joined(nodes), at


def _simple(token: Token) -> Node:
    if token.kind == "}":
        raise token.error("'}' without '{'", "write \\} for the character itself")
    return OneOf(token.data) if token.kind == "one" else Literal(token.data)


def _stars(tokens: Sequence[Token], at: int) -> tuple[list[Node], int]:
    """Read a run of stars. One that makes up a whole component needs a byte, lest ``/dir/*`` match ``/dir/`` itself."""
    end = next((i for i in range(at, len(tokens)) if tokens[i].kind != "star"), len(tokens))
    whole = at > 0 and ends_in_slash(tokens[at - 1]) and all(map(begins_with_slash, tokens[end : end + 1]))
    many = Many(NOT_SLASH if end - at == 1 else ANY)
    return [OneOf(NOT_SLASH), many] if whole else [many], end


def _either(tokens: Sequence[Token], at: int, depth: int) -> tuple[Node, int]:
    opening, branches = tokens[at], []
    if depth > MAX_DEPTH:
        raise opening.error(f"braces are nested more than {MAX_DEPTH} deep")
    while tokens[at].kind != "}":
        branch, at = _sequence(tokens, at + 1, depth)
        branches.append(branch)
        if at == len(tokens):
            raise opening.error("unclosed '{'", "write \\{ for the character itself")
    if len(branches) < 2:
        raise opening.error("braces without alternatives", "{a,b}, or {a,} for one that may be missing")
    return Either(tuple(branches)), at + 1


def _joined(nodes: Sequence[Node]) -> tuple[Node, ...]:
    joined: list[Node] = []
    for node in nodes:
        last = joined[-1] if joined else None
        if isinstance(node, Literal) and isinstance(last, Literal):
            joined[-1] = Literal(last.data + node.data)
        else:
            joined.append(node)
    return tuple(joined)


def _check_absolute(tokens: Sequence[Token], length: int) -> None:
    """Refuse a pattern of which some alternative does not begin with a slash. *tokens* are balanced."""
    first = True  # nothing may stand before this token
    groups: list[tuple[bool, bool]] = []  # of each open brace: first before it, first behind some branch of it
    for token in tokens:
        if token.kind == "{":
            groups.append((first, False))
        elif token.kind == "," and groups:
            before, behind = groups[-1]
            groups[-1], first = (before, behind or first), before
        elif token.kind == "}":
            first = groups.pop()[1] or first
        elif first and not (token.kind != "one" and token.data.startswith(b"/")):
            raise token.error("the pattern is not absolute", "begin it, and each alternative, with '/'")
        else:
            first = False
    if first:
        raise GlobError("the pattern matches the empty path", 0, max(length, 1), "begin it with '/'")


# --- tree -> whether it matches, sample -------------------------------------------------------------------------------


_SETS = {ANY: rb"[^\x00]", NOT_SLASH: rb"[^/\x00]"}


def _set(members: bytes) -> bytes:
    return _SETS.get(members) or b"[" + b"".join(b"\\x%02x" % byte for byte in members) + b"]"


# Places in a path are sets, written as numbers: bit N says that N bytes have been passed.


def _ends(nodes: Sequence[Node], path: bytes, places: int) -> int:
    """Return all places that *nodes* lead to from any of *places*."""
    for node in nodes:
        match node:
            case Literal(data):
                places = (places & _occurrences(data, path)) << len(data)
            case OneOf(members):
                places = (places & _those_of(members, path)) << 1
            case Many(members):
                # Parabix' MatchStar: the carry of the sum runs through each stretch of members.
                those = _those_of(members, path)
                places |= ((places & those) + those) ^ those
            case Either(branches):
                places = reduce(or_, (_ends(branch, path, places) for branch in branches))
    return places


@lru_cache(maxsize=4096)
def _occurrences(data: bytes, path: bytes) -> int:
    places, at = 0, path.find(data)
    while at >= 0:
        places |= 1 << at
        at = path.find(data, at + 1)
    return places


@lru_cache(maxsize=4096)
def _those_of(members: bytes, path: bytes) -> int:
    """Return the places in front of a byte out of *members*."""
    return int(b"0" + path[::-1].translate(_marks(members)), 2)


@cache
def _marks(members: bytes) -> bytes:
    return bytes(b"01"[byte in members] for byte in range(256))


def _sample(nodes: Sequence[Node], path: bytes) -> bytes:
    for node in nodes:
        match node:
            case Literal(data):
                path += data
            case OneOf(members):
                path += bytes([min(members, key=_oddness)])
            case Many():
                path += b"x" if path.endswith(b"/") else b""
            case Either(branches):
                path = _sample(branches[0], path)
    return path


def _oddness(byte: int) -> tuple[bool, bool, bool]:
    """Order bytes by how badly they read in a message: x, letters and digits, what can be printed, the others."""
    char = chr(byte)
    plain, printed = char.isascii() and char.isalnum(), char.isascii() and char.isprintable() and char != "/"
    return not plain, not printed, char != "x"
