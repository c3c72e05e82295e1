r"""Bytes that came from a kernel, or from whoever named a file, as text that cannot harm who reads it."""

import re

_HARMFUL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\\]|[\udc80-\udcff]"
)


def escaped(data: bytes) -> tuple[str, bool]:
    r"""
    Return *data* as text, and whether anything in it had to be escaped.

    Control characters, those that turn the direction of writing, and bytes that are no UTF-8 become ``\xHH``, a byte
    each; a backslash becomes two. So the bytes can be had back: every backslash that is not doubled begins an escape.
    """
    text = data.decode("utf-8", "surrogateescape")
    if text.isprintable() and "\\" not in text:
        return text, False
    safe = _HARMFUL.sub(_escape, text)
    return safe, safe != text


def harmless(text: str) -> str:
    """Return *text*, of whoever wrote the policy, without what does more to a terminal than be read."""
    return text if text.isprintable() else "\\".join(_HARMFUL.sub(_escape, part) for part in text.split("\\"))


def unescaped(text: str) -> bytes:
    """Return the bytes that :func:`escaped` was given."""
    parts = re.split(r"(\\x[0-9a-f]{2}|\\\\)", text)
    return b"".join(_unescape(part) for part in parts)


def _escape(match: re.Match[str]) -> str:
    if match[0] == "\\":
        return "\\\\"
    return "".join(f"\\x{byte:02x}" for byte in match[0].encode("utf-8", "surrogateescape"))


def _unescape(part: str) -> bytes:
    if part == "\\\\":
        return b"\\"
    return bytes.fromhex(part[2:]) if part.startswith("\\x") else part.encode()
