"""Bytes as text that harms nobody, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krsi.event.text import escaped, harmless, unescaped


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"/usr/bin/caf\xc3\xa9 1", "/usr/bin/café 1"),
        (b"", ""),
        (b"a\\b", "a\\\\b"),
        (b"\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        (b"one\ntwo\r\0", "one\\x0atwo\\x0d\\x00"),
        (b"\x7f\xc2\x9b", "\\x7f\\xc2\\x9b"),
        (b"caf\xe9", "caf\\xe9"),
        (b"\xed\xb3\xa9", "\\xed\\xb3\\xa9"),
        ("\u202egpj.exe".encode(), "\\xe2\\x80\\xaegpj.exe"),
        ("a\u2028b".encode(), "a\\xe2\\x80\\xa8b"),
        ("\u200e\u061c\ufeff".encode(), "\\xe2\\x80\\x8e\\xd8\\x9c\\xef\\xbb\\xbf"),
    ],
)
def test_what_becomes_of_bytes(data: bytes, text: str) -> None:
    """
    Control characters, bytes that are no UTF-8 and what turns the direction of writing are escaped a byte each.
    """
    assert escaped(data) == (text, text.encode() != data)
    assert unescaped(text) == data


@given(st.binary())
def test_bytes_can_be_had_back(data: bytes) -> None:
    """
    Escaping loses nothing, whatever the bytes are, and what looks like an escape is none.
    """
    text, changed = escaped(data)

    assert unescaped(text) == data
    assert changed == (text.encode() != data)


@given(st.binary())
def test_nothing_gets_through(data: bytes) -> None:
    """
    No escaped text has a character of control, or half of a pair.
    """
    text, _ = escaped(data)

    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in text)
    assert text.encode().decode() == text


@given(st.text())
def test_authors_words(text: str) -> None:
    """
    What a policy's author wrote loses its control characters and keeps its backslashes.
    """
    safe = harmless(text)

    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in safe)
    assert safe.count("\\") >= text.count("\\")
    assert harmless("C:\\x \\d") == "C:\\x \\d"
