r"""
The text of a path pattern as tokens: escapes and classes resolved, variables spliced in, doubled slashes collapsed.

All as AppArmor's parser does it (lib.c strn_escseq(), parser_variable.c expand_entry_variables(), parser_regex.c
filter_slashes(), libapparmor_re/parse.y). What its two passes over the text take for something other than what it says,
like ``[*]``, ``[\^a]`` or ``[a\-z]``, is refused.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import chain, product, takewhile
from math import prod
from typing import NamedTuple

from krsi.errors import PolicyError

ANY = bytes(range(1, 256))  # no name holds a NUL
NOT_SLASH = ANY.replace(b"/", b"")
MAX_DEPTH = 49  # of braces, as in AppArmor, and of variables in variables
MAX_SIZE = 262_144  # of one pattern, variables replaced by their values, in bytes
_TOO_LARGE, _AT_MOST = "the pattern is too large", f"at most {MAX_SIZE} bytes, variables replaced by their values"


class GlobError(PolicyError):
    """
    A pattern that cannot be read.

    :param offset: where in the pattern's text, in characters
    :param length: how much of it is meant, in characters, at least 1
    :param hint: what to write instead; may be empty
    """

    def __init__(self, message: str, offset: int, length: int, hint: str = "") -> None:
        super().__init__(f"{message} (character {offset + 1}){': ' if hint else ''}{hint}")
        self.message = message
        self.offset = offset
        self.length = length
        self.hint = hint


class Token(NamedTuple):
    """
    A piece of a pattern.

    :param kind: ``text`` as written, ``escaped`` text, ``star``, ``one`` (byte of the data), ``{``, ``,``, ``}``, or
        ``@`` (a variable's name)
    :param offset: in what the user wrote, in characters; of what comes out of a variable, the reference's
    """

    kind: str
    data: bytes
    offset: int
    length: int

    def error(self, message: str, hint: str = "") -> GlobError:
        """Return the error that points here."""
        return GlobError(message, self.offset, self.length, hint)


def tokenise(text: str, variables: Mapping[str, Sequence[str]]) -> list[Token]:
    """
    Return the tokens of the pattern *text*, without any ``@``.

    :raises GlobError: an escape, a class or a variable is wrong, or the whole is too large
    """
    tokens = _Variables(variables).spliced(_lexed(text))
    if sum(len(token.data) + 1 for token in tokens) > MAX_SIZE:
        raise GlobError(_TOO_LARGE, 0, len(text), _AT_MOST)
    _refuse_two_slashes(tokens)
    return _collapsed(tokens)


def ends_in_slash(token: Token) -> bool:
    """Say whether *token* is text, however written, that ends in a slash."""
    return token.kind in {"text", "escaped"} and token.data.endswith(b"/")


def begins_with_slash(token: Token) -> bool:
    """Say whether *token* is unescaped text that begins with a slash."""
    return token.kind == "text" and token.data.startswith(b"/")


def encoded(text: str, offset: int) -> bytes:
    """Return the bytes of *text*, which stands at *offset* of its pattern."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise GlobError("not UTF-8 text", offset + error.start, 1, "write such bytes as \\xHH") from None


# --- text -> tokens ---------------------------------------------------------------------------------------------------

_VARIABLE = r"@\{(?P<name>[A-Za-z][A-Za-z0-9_]*)\}"
_ESCAPE = (
    r"\\(?:x(?P<hex>[0-9A-Fa-f]{2})|(?P<oct>[0-3][0-7]{0,2}|[4-7][0-7]?)"
    r"|d(?P<dec>25[0-5]|2[0-4][0-9]|[01][0-9]{2}|[0-9]{1,2})|(?P<char>.))"
)
_TOKEN = re.compile(
    rf"(?P<text>[^\\*?\[\]{{}},@\0]+|@(?!\{{[^{{}},]*\}}))|(?P<star>\*)|(?P<any>\?)|(?P<brace>[{{}},])"
    rf"|(?P<variable>{_VARIABLE})|(?P<misnomer>@\{{[^{{}},]*\}})|(?P<class>\[(?:\\.|[^\\\]])*\])|(?P<escape>{_ESCAPE})"
    r"|(?P<bad>.)",
    re.DOTALL,
)
_MEMBER = re.compile(rf"(?P<escape>{_ESCAPE})|(?P<variable>{_VARIABLE})|(?P<raw>.)", re.DOTALL)
_CONTROL = {"a": 7, "e": 27, "f": 12, "n": 10, "r": 13, "t": 9}
_BAD = {
    "[": ("unclosed '['", "write \\[ for the character itself"),
    "]": ("']' without '['", "write \\] for the character itself"),
    "\\": ("backslash at the end", "write \\\\ for the character itself"),
    "\0": ("NUL byte", "no path holds one"),
}


def _lexed(text: str) -> list[Token]:
    return [_LEX[str(match.lastgroup)](match) for match in _TOKEN.finditer(text)]


def _token(kind: str, data: bytes, match: re.Match[str]) -> Token:
    return Token(kind, data, match.start(), match.end() - match.start())


def _misnomer(match: re.Match[str]) -> Token:
    raise _token("@", b"", match).error(
        f"{match.group()} is not a variable", "a name is letters, digits and '_', and begins with a letter"
    )


def _bad(match: re.Match[str]) -> Token:
    message, hint = _BAD[match.group()]
    raise _token("text", b"", match).error(message, hint)


def _escape(match: re.Match[str], offset: int = 0) -> Token:
    """Resolve an escape. A slash written by its number is a plain one, because AppArmor resolves numbers first."""
    char = match["char"]
    where = Token("escaped", b"", offset + match.start(), match.end() - match.start())
    if char == "x":
        raise where.error("\\x needs two hexadecimal digits", "\\x0a, \\xff")
    if char is not None and char not in _CONTROL:
        return where._replace(data=encoded(char, where.offset + 1))
    byte = _CONTROL[char] if char else _number(match)
    if byte == 0:
        raise where.error("NUL byte", "no path holds one")
    return where._replace(kind="text" if byte == ord("/") else "escaped", data=bytes([byte]))


def _number(match: re.Match[str]) -> int:
    return next(int(match[name], base) for name, base in (("hex", 16), ("oct", 8), ("dec", 10)) if match[name])


_LEX: dict[str, Callable[[re.Match[str]], Token]] = {
    "text": lambda match: _token("text", encoded(match.group(), match.start()), match),
    "star": lambda match: _token("star", b"", match),
    "any": lambda match: _token("one", NOT_SLASH, match),
    "brace": lambda match: _token(match.group(), match.group().encode(), match),
    "variable": lambda match: _token("@", match["name"].encode(), match),
    "misnomer": _misnomer,
    "class": lambda match: _token("one", _members(match), match),
    "escape": _escape,
    "bad": _bad,
}


# --- classes ----------------------------------------------------------------------------------------------------------


def _members(match: re.Match[str]) -> bytes:
    body = match.group()[1:-1]
    negated = body.startswith("^")
    items = [_member(item, match.start() + 1 + negated) for item in _MEMBER.finditer(body[negated:])]
    if not items:
        raise _token("one", b"", match).error("empty class", "write \\[ for the character itself")
    _refuse_first(items, negated)
    listed = set(_ranges(items))
    members = set(ANY) - listed if negated else listed
    if not members:
        raise _token("one", b"", match).error("the class matches nothing")
    return bytes(sorted(members))


def _member(match: re.Match[str], offset: int) -> Token:
    where = Token("text", match.group().encode(errors="replace"), offset + match.start(), len(match.group()))
    if match.lastgroup == "escape":
        where = _escape(match, offset)._replace(kind="escaped")
    elif match.lastgroup == "variable":
        raise where.error("variable in a class", "use braces: {@{NAME},…}")
    elif match.group() in "*?":
        raise where.error(f"'{match.group()}' in a class", f"write \\{match.group()} for the character itself")
    elif match.group() == "\0":
        raise where.error("NUL byte", "no path holds one")
    if (where.kind, where.data) == ("escaped", b","):
        raise where.error("escaped ',' in a class", "write it as it is")
    if len(where.data) != 1 or (where.kind == "text" and where.data > b"\x7f"):
        raise where.error("a class matches one byte, and this character is several", "use braces: {é,è}")
    return where


def _refuse_first(items: Sequence[Token], negated: bool) -> None:
    first = items[0]
    if first.data == b"^" and not negated:
        raise first.error("escaped '^' at the beginning of a class", "put it behind another character: [a^]")
    if first.data == b"^" and any(item.data == b"-" for item in items[1:2]):
        raise first.error("'^' begins a range at the beginning of a class", "put it behind another character: [^a^-z]")
    if first.data == b"!" and first.kind == "text" and not negated:
        raise first.error("'!' does not negate a class", "write [^…] to negate, \\! for the character itself")


def _ranges(items: Sequence[Token]) -> Iterator[int]:
    at = 0
    while at < len(items):
        first, is_range = items[at], at + 1 < len(items) and items[at + 1].data == b"-"
        if at and first.data == b"-":
            raise first.error("misplaced '-' in a class", "put it first: [-a]")
        last = _range_end(items, at) if is_range else first
        yield from range(first.data[0], last.data[0] + 1)
        at += 3 if is_range else 1


def _range_end(items: Sequence[Token], at: int) -> Token:
    dash = items[at + 1]
    if dash.kind == "escaped" or at + 2 == len(items) or items[at + 2].data == b"-":
        raise dash.error("misplaced '-' in a class", "put it first: [-a]")
    first, last = items[at], items[at + 2]
    if first.data > last.data:
        length = last.offset + last.length - first.offset
        raise GlobError("bad range: its end comes before its beginning", first.offset, length, "turn it round")
    return last


# --- variables --------------------------------------------------------------------------------------------------------


class _Variables:
    """The values of variables, as tokens."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._texts = values
        self._values: dict[str, list[list[Token]]] = {}
        self._open: list[str] = []  # being resolved

    def spliced(self, tokens: list[Token]) -> list[Token]:
        """Replace each reference: by its value, or by braces around its values, as AppArmor does."""
        result: list[Token] = []
        for at, token in enumerate(tokens):
            if token.kind == "@":
                result.extend(self._reference(token, result[-1:], tokens[at + 1 : at + 2]))
            else:
                result.append(token)
            if len(result) > MAX_SIZE:
                raise token.error(_TOO_LARGE, _AT_MOST)
        return result

    def _reference(self, token: Token, before: list[Token], after: list[Token]) -> Iterator[Token]:
        values = self._resolved(token)
        if len(values) > 1:
            begun, ended = any(map(ends_in_slash, before)), any(map(begins_with_slash, after))
            values = [_stripped(value, begun, ended) for value in values]
            separators = [b"{"] + [b","] * (len(values) - 1)
            values = [[Token(by.decode(), by, 0, 0), *value] for by, value in zip(separators, values, strict=True)]
            values.append([Token("}", b"}", 0, 0)])
        return (each._replace(offset=token.offset, length=token.length) for each in chain(*values))

    def _resolved(self, token: Token) -> list[list[Token]]:
        name = token.data.decode()
        if name not in self._values:
            self._values[name] = self._resolve(name, token)
        return self._values[name]

    def _resolve(self, name: str, token: Token) -> list[list[Token]]:
        if name not in self._texts:
            near = get_close_matches(name, self._texts, n=1)
            raise token.error(f"undefined variable @{{{name}}}", f"did you mean @{{{near[0]}}}?" if near else "")
        if name in self._open:
            raise token.error(f"variable @{{{name}}} refers to itself", " -> ".join([*self._open, name]))
        if len(self._open) == MAX_DEPTH:
            raise token.error(f"variables refer to variables more than {MAX_DEPTH} deep")
        self._open.append(name)
        parts = [self._parts(text, name, token) for text in self._texts[name]]
        self._open.pop()
        if not parts:
            raise token.error(f"variable @{{{name}}} has no values")
        if sum(map(_size, parts)) > MAX_SIZE:
            raise token.error(_TOO_LARGE, _AT_MOST)
        return [list(chain(*choice)) for part in parts for choice in product(*part)]

    def _parts(self, text: str, name: str, token: Token) -> list[list[list[Token]]]:
        """Return what *text* is made of: pieces, each as the values that it may have."""
        try:
            tokens = _lexed(text)
            _check_balanced(tokens, len(text))
            return [self._resolved(each) if each.kind == "@" else [[each]] for each in tokens]
        except GlobError as error:
            raise token.error(f"in the value {text!r} of @{{{name}}}: {error.message}", error.hint) from None


def _check_balanced(tokens: Sequence[Token], end: int) -> None:
    depth = 0
    for token in tokens:
        depth += (token.kind == "{") - (token.kind == "}")
        if depth < 0:
            raise token.error("'}' without '{'", "write \\} for the character itself")
        if token.kind == "," and depth == 0:
            raise token.error("',' outside of braces", "write \\, for the character itself, {a,b} for alternatives")
    if depth:
        raise GlobError("unclosed '{'", 0, end, "write \\{ for the character itself")


def _size(parts: Sequence[Sequence[Sequence[Token]]]) -> int:
    """Return how large at most all that *parts* can be put together to is."""
    longest = sum(max(sum(len(token.data) + 1 for token in value) for value in values) for values in parts)
    return prod(map(len, parts)) * max(longest, 1)


def _stripped(value: list[Token], begun: bool, ended: bool) -> list[Token]:
    """Drop the slashes that *value* begins with if one stands before it, and those that it ends with if one follows."""
    while begun and value and value[0].kind == "text":
        rest = value[0].data.lstrip(b"/")
        value = [value[0]._replace(data=rest), *value[1:]] if rest else value[1:]
        begun = not rest
    while ended and value and value[-1].kind == "text":
        rest = value[-1].data.rstrip(b"/")
        value = [*value[:-1], value[-1]._replace(data=rest)] if rest else value[:-1]
        ended = not rest
    return value


# --- slashes ----------------------------------------------------------------------------------------------------------

_SLASHES = re.compile(rb"/+")


def _refuse_two_slashes(tokens: Sequence[Token]) -> None:
    """Refuse a pattern that begins with exactly two slashes: AppArmor keeps those, and no path begins so."""
    written = list(takewhile(lambda token: token.kind == "text", tokens))
    if re.match(rb"//(?!/)", b"".join(token.data for token in written)):
        raise written[0].error("the pattern begins with two slashes, and no path does", "write one")


def _collapsed(tokens: Sequence[Token]) -> list[Token]:
    result: list[Token] = []
    for token in tokens:
        if token.kind != "text":
            result.append(token)
            continue
        data = _SLASHES.sub(b"/", token.data)
        if result and ends_in_slash(result[-1]):
            data = data.removeprefix(b"/")
        if data:
            result.append(token._replace(data=data))
    return result
