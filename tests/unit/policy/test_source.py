"""YAML to nodes."""

import pytest
import yaml

from krsi.errors import KrsiError
from krsi.policy import source
from krsi.policy.diagnostics import Report
from krsi.policy.faults import Fault
from krsi.policy.node import Items, Pairs, Scalar
from krsi.policy.place import Span
from krsi.policy.source import compose

from .policies import faults, items


def place(line: int, column: int, length: int = 1) -> Span:
    return Span("0.yaml", line, column, length)


def scalar(text: str) -> Scalar:
    (node,) = items(text)
    assert isinstance(node, Scalar)
    return node


def test_a_list_holds_its_items_in_order() -> None:
    assert [str(node) for node in items("- a\n- [b]\n- {c: d}\n")] == ["'a'", "a list", "a mapping"]


@pytest.mark.parametrize(
    "word", ["on", "no", "~", "null", "0644", "0x10", "1_000", "12:30", "1e3", ".inf", "2026-11-20", "="]
)
def test_a_plain_scalar_stays_the_text_that_it_is(word: str) -> None:
    assert scalar(f"- {word}").text == word


def test_places_count_from_one_in_characters() -> None:
    (node,) = items("# comment\n- {é: 漢字, b: 'c d'}\n")
    assert isinstance(node, Pairs)
    spans = [(key.span, value.span) for key, value in node.entries]
    assert spans == [(place(2, 4), place(2, 7, 2)), (place(2, 11), place(2, 14, 5))]


def test_a_byte_order_mark_and_crlf_move_no_place() -> None:
    report = Report()
    ((_, node),) = [each.items for each in compose([("0.yaml", b"\xef\xbb\xbf- a\r\n- bc\r\n")], report)]
    assert node.span == place(2, 3, 2)


def test_a_flow_collection_is_as_long_as_its_line_goes() -> None:
    short, long = items("- [a, b]\n- {a: b,\n   c: d}\n")
    assert (short.span, long.span) == (place(1, 3, 6), place(2, 3, 6))


def test_a_block_mapping_is_where_its_first_key_is() -> None:
    (node,) = items("- first: a\n  second: b\n")
    assert node.span == place(1, 3, 5)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("- /etc/x", place(1, 7, 2)),
        ("- '/etc/x'", place(1, 8, 2)),
        ('- "/etc/x"', place(1, 8, 2)),
        ("- &a /etc/x", place(1, 10, 2)),
        ('- "\\x2fetc/x"', place(1, 3, 11)),
        ("- '/et''c/x'", place(1, 3, 10)),
        ("- /etc\n  /x", place(1, 3, 4)),
        ("- |\n  /etc/x\n", place(1, 3, 1)),
    ],
)
def test_a_part_of_a_text_is_placed_exactly_or_is_all_of_it(text: str, span: Span) -> None:
    assert scalar(text).part(4, 2) == span


def test_an_alias_is_the_node_itself() -> None:
    first, second = items("- &a [x]\n- *a\n")
    assert first is second


def test_an_anchor_may_be_used_again_for_something_else() -> None:
    assert [str(node) for node in items("- &a x\n- *a\n- &a y\n- *a\n")] == ["'x'", "'x'", "'y'", "'y'"]


def test_an_alias_within_its_own_anchor_refers_to_nothing() -> None:
    assert faults("- &a [*a]\n") == [Fault.ALIAS]


def test_aliases_count_as_all_that_they_stand_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_NODES", 13)
    assert len(items("- &a [x, x, x]\n- *a\n- *a\n")) == 3
    assert faults("- &a [x, x, x]\n- *a\n- *a\n- x\n") == [Fault.TYPE] * 3 + [Fault.TOO_MANY_NODES]


def test_nodes_of_all_files_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_NODES", 4)
    assert faults("- a\n", "- b\n") == [Fault.TYPE] * 2
    assert faults("- a\n", "- b\n- c\n") == [Fault.TYPE] * 2 + [Fault.TOO_MANY_NODES]


def test_of_a_duplicate_key_the_first_counts() -> None:
    report = Report()
    (read,) = compose([("0.yaml", b"- {a: 1, 'a': 2}\n")], report)
    (node,) = read.items
    assert isinstance(node, Pairs)
    assert [(str(key), str(value)) for key, value in node.entries] == [("'a'", "'1'")]


def test_items_before_a_syntax_error_are_kept() -> None:
    report = Report()
    (read,) = compose([("0.yaml", b"- a\n- [b]\n- {c\n- d\n")], report)
    assert [str(node) for node in read.items] == ["'a'", "a list"]
    assert report.incomplete


@pytest.mark.parametrize("text", ["", "\n", "# comment\n", "---\n", "--- # comment\n...\n"])
def test_a_file_may_be_empty(text: str) -> None:
    assert items(text) == ()


@pytest.mark.parametrize("text", ["a", "a: b\n", "''", "|\n  a\n", "null"])
def test_anything_but_a_list_is_refused(text: str) -> None:
    assert faults(text) == [Fault.NOT_A_LIST]


def test_depth_is_bounded_to_the_level() -> None:
    allowed = source.MAX_DEPTH - 1  # the file's own list is one
    assert isinstance(items(f"- {'[' * allowed}{']' * allowed}")[0], Items)
    assert faults(f"- {'[' * (allowed + 1)}{']' * (allowed + 1)}") == [Fault.TOO_DEEP]


@pytest.mark.parametrize(
    "character", ["\0", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\ufeff", "\ufffe"]
)
def test_characters_that_are_not_what_they_seem_are_refused(character: str) -> None:
    assert faults(f"- profile: web # {character}\n") == [Fault.CHARACTER]


@pytest.mark.parametrize("data", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", "é".encode("latin-1")])
def test_what_is_not_utf8_is_refused(data: bytes) -> None:
    report = Report()
    compose([("0.yaml", b"- a\n- " + data)], report)
    assert [(each.fault, each.span) for each in report.diagnostics] == [(Fault.NOT_UTF8, place(2, 3))]


def test_without_libyaml_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    with pytest.raises(KrsiError, match="built without libyaml"):
        compose([], Report())
