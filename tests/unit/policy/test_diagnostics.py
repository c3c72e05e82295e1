"""What is said, in which order, and how it looks."""

import os

import pytest

from krsi.errors import PolicyError
from krsi.policy import diagnostics
from krsi.policy.diagnostics import At, RefusedError, Report, nearest
from krsi.policy.faults import Fault, Severity
from krsi.policy.place import Span
from krsi.policy.render import Note, plural, rendered, shown

from .policies import loaded


def carets(line: str, column: int, length: int) -> str:
    text = rendered([Note("error", Span("f", 1, column, length), "here")], {"f": line})
    return text.partition("\n")[2]


def test_a_key_path_is_written_as_in_code() -> None:
    assert str(At(At(At(At(None, "nginx"), "files"), 3), "path")) == "nginx.files[3].path"


def test_diagnostics_are_sorted_by_place_and_files_as_read() -> None:
    report = Report()
    report.sources.update({"b": "x\ny\n", "a": "x\n"})
    for span in (Span("a", 1, 1), Span("b", 2, 1), Span("b", 1, 3), Span("b", 1, 2), Span("folder", 0, 0)):
        report.add(Fault.TAB, span)
    assert [str(each.span) for each in report.diagnostics] == ["folder", "b:1:2", "b:1:3", "b:2:1", "a:1:1"]


def test_errors_and_warnings_are_counted() -> None:
    report = Report()
    for fault in (Fault.TAB, Fault.TAB, Fault.ENTERS_OFF):
        report.add(fault, Span("f", 0, 0), word="x")
    assert report.text().splitlines()[-1] == "2 errors, 1 warning"
    assert report.counts == {Severity.ERROR: 2, Severity.WARNING: 1}
    assert report.failed


def test_nothing_is_said_where_nothing_is_wrong() -> None:
    report = Report()
    assert (report.text(), report.failed) == ("", False)


def test_what_is_incomplete_has_failed() -> None:
    report = Report()
    report.incomplete = True
    assert report.failed


def test_a_warning_is_no_failure() -> None:
    report = Report()
    report.add(Fault.ENTERS_OFF, Span("f", 0, 0), word="x")
    assert not report.failed


def test_of_very_many_errors_the_first_are_kept_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "MAX_KEPT", 2)
    report = Report()
    for line in range(1, 1_235):
        report.add(Fault.TAB, Span("f", line, 1))
    assert len(report.diagnostics) == 2
    assert report.text().endswith("1,234 errors, the first 2 found are shown")


def test_a_refused_policy_is_a_policy_error_whose_text_is_the_report() -> None:
    with pytest.raises(PolicyError) as caught:
        loaded("- profil: web\n")
    assert isinstance(caught.value, RefusedError)
    assert str(caught.value) == caught.value.report.text()


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("dney", "deny"),
        ("alow", "allow"),
        ("ALLOW", "allow"),
        ("allowed", "allow"),
        ("llow", "allow"),
        ("zzz", None),
        ("", None),
        ("allow" * 100, None),
    ],
)
def test_the_nearest_spelling_is_one_that_was_meant(word: str, near: str | None) -> None:
    assert nearest(word, ["allow", "deny", "kill"]) == near


def test_a_name_is_found_as_it_is_written() -> None:
    assert nearest("webserver", ["WebServer"]) == "WebServer"


def test_carets_stand_under_what_is_meant() -> None:
    assert carets("a: bcd", 4, 3) == "a: bcd\n   ^^^"


def test_tabs_are_shown_as_spaces_up_to_the_next_stop() -> None:
    assert carets("\ta:\tb", 5, 1) == "        a:      b\n                ^"


def test_wide_and_combining_characters_count_as_terminals_show_them() -> None:
    assert carets("漢e\u0301x: y", 7, 1) == "漢e\u0301x: y\n      ^"
    assert carets("漢字: y", 1, 2) == "漢字: y\n^^^^"


def test_carets_end_with_the_line() -> None:
    assert carets("abc", 2, 100) == "abc\n ^^"
    assert carets("abc", 4, 1) == "abc\n   ^"
    assert carets("", 1, 5) == "\n^"


def test_what_a_terminal_would_obey_is_not_shown() -> None:
    assert carets("a\x1b[31m\u202eb", 7, 1) == "a\ufffd[31m\ufffdb\n      ^"


@pytest.mark.parametrize("column", [1, 60, 61, 500, 940, 1_000])
def test_of_a_long_line_what_is_around_the_place_is_shown(column: int) -> None:
    line = "".join(chr(ord("a") + number % 26) for number in range(1_000))
    excerpt, below = carets(line, column, 3).split("\n")
    assert len(excerpt) <= 142
    assert excerpt[below.index("^")] == line[column - 1]


def test_colours_change_nothing_but_the_colours() -> None:
    with pytest.raises(RefusedError) as caught:
        loaded("- profile: a\n- profile: a\n  mod: x\n")
    report = caught.value.report
    coloured = report.text(colour=True)
    assert "\033[1;31merror:\033[0m" in coloured
    assert report.text() == "".join(part.partition("m")[2] for part in f"m{coloured}".split("\033["))


@pytest.mark.parametrize(
    ("text", "text_shown"),
    [
        ("plain é 漢", "plain é 漢"),
        ("a\nb\0", "a\\x0ab\\x00"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202e", "\\xe2\\x80\\xae"),
        ("x" * 121, "x" * 119 + "…"),
    ],
)
def test_words_of_the_author_are_fit_for_a_terminal(text: str, text_shown: str) -> None:
    assert shown(text) == text_shown


def test_bytes_of_a_file_name_that_are_no_text_are_shown_by_number() -> None:
    name = os.fsdecode(b"caf\xe9\n")
    assert rendered([Note("error", Span(name, 0, 0), "x")], {}) == "caf\\xe9\\x0a: error: x"


def test_one_is_singular() -> None:
    assert [plural(number, "error") for number in (0, 1, 2, 1_000)] == [
        "0 errors",
        "1 error",
        "2 errors",
        "1,000 errors",
    ]
