"""
However hostile the files, time and memory are bounded and the error is clear. Takes minutes:

    pytest tests/fuzz/policy_bounds.py
"""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from krsi.policy.diagnostics import RefusedError
from krsi.policy.faults import Fault
from krsi.policy.files import MAX_BYTES
from krsi.policy.load import understand

WEB = "- profile: web\n  match: {exe: /bin/web}\n"


@contextmanager
def within(seconds: float) -> Iterator[None]:
    begun = time.process_time()
    yield
    assert time.process_time() - begun < seconds


def refused(text: str) -> set[Fault]:
    with pytest.raises(RefusedError) as caught:
        understand([("0.yaml", text.encode())])
    assert len(str(caught.value)) < 1_000_000
    return {each.fault for each in caught.value.report.diagnostics}


SIZE = MAX_BYTES - 1_000


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("[" * SIZE, Fault.TOO_DEEP, id="brackets"),
        pytest.param("- " * (SIZE // 2), Fault.TOO_DEEP, id="dashes"),
        pytest.param("? " * (SIZE // 2), Fault.TOO_DEEP, id="question marks"),
        pytest.param("{a: " * (SIZE // 4), Fault.TOO_DEEP, id="braces"),
        pytest.param("- [" + "]" * SIZE, Fault.UNQUOTED, id="closing brackets"),
        pytest.param("a: " * (SIZE // 3), Fault.SECOND_COLON, id="colons"),
        pytest.param("- a\n" * (SIZE // 4), Fault.TOO_MANY_NODES, id="items"),
        pytest.param("- profil: x\n" * 150_000, Fault.ITEM, id="misspelt items"),
        pytest.param(f"- {'x' * SIZE}\n", Fault.TYPE, id="one word"),
        pytest.param(f'- "{"x" * SIZE}\n', Fault.UNCLOSED, id="an open quote"),
        pytest.param(f"- '{'x ' * (SIZE // 2)}'\n", Fault.TYPE, id="one text"),
        pytest.param("- |\n" + "  x\n" * (SIZE // 4), Fault.TYPE, id="one block"),
        pytest.param("- &" + "a" * SIZE + " x\n", Fault.TYPE, id="an anchor"),
        pytest.param("".join(f"- &a{number} x\n" for number in range(400_000)), Fault.TYPE, id="anchors"),
        pytest.param("- {" + ",".join(f"a{number}" for number in range(400_000)) + "}\n", Fault.ITEM, id="keys"),
        pytest.param("- {" + "a," * 400_000 + "}\n", Fault.DUPLICATE_KEY, id="one key"),
        pytest.param("- profile: web\n  files: [" + "{}," * 300_000 + "]\n", Fault.EMPTY_ITEM, id="empty rules"),
        pytest.param("- profile: web\n  files: [" + "{x: y}," * 200_000 + "]\n", Fault.UNKNOWN_KEY, id="no rules"),
        pytest.param(f"- profile: {'x' * SIZE}\n", Fault.NAME, id="a name"),
        pytest.param(f"- profile: web\n  match: {{exe: /{'{' * SIZE}}}\n", Fault.UNQUOTED, id="open braces"),
        pytest.param(
            f"- profile: web\n  match: {{exe: '/{'{a,' * 20_000}'}}\n", Fault.PATTERN, id="braces in a pattern"
        ),
        pytest.param(f"- profile: web\n  match: {{exe: '/{'*' * SIZE}'}}\n", Fault.LONG_PATTERN, id="stars"),
        pytest.param("\0" * SIZE, Fault.CHARACTER, id="NULs"),
    ],
)
def test_a_file_of_nothing_but(text: str, fault: Fault) -> None:
    with within(30):
        assert fault in refused(text)


def test_a_bomb_of_rules_does_not_go_off() -> None:
    rule = "- abstraction: a\n  files:\n    - &r {allow: read, path: &p [" + "/x, " * 1_000 + "/y]}\n"
    with within(30):
        assert Fault.TOO_MANY_NODES in refused(rule + "    - *r\n" * 2_000)


def test_a_bomb_of_abstractions_does_not_go_off() -> None:
    base = "- abstraction: base\n  files:\n    - allow: read\n      path: [" + "/x, " * 2_000 + "/y]\n"
    profiles = "".join(
        f"- profile: p{number}\n  match: {{exe: /p{number}}}\n  include: base\n" for number in range(2_000)
    )
    with within(30):
        assert refused(base + profiles) == {Fault.TOO_MANY_RULES}


def test_a_bomb_of_includes_does_not_go_off() -> None:
    base = "- abstraction: base\n  include: [" + "base2, " * 100_000 + "base2]\n- abstraction: base2\n"
    profiles = "".join(
        f"- profile: p{number}\n  match: {{exe: /p{number}}}\n  include: base\n" for number in range(5_000)
    )
    with within(30):
        assert refused(base + profiles) == {Fault.TOO_MANY_RULES}


def test_a_bomb_of_variables_does_not_go_off() -> None:
    doubled = ", ".join(
        f"A{number}: ['@{{A{number - 1}}}', '@{{A{number - 1}}}@{{A{number - 1}}}']" for number in range(1, 40)
    )
    with within(30):
        assert refused(f"- vars: {{A0: [a, b], {doubled}}}\n") <= {Fault.PATTERN, Fault.TOO_MUCH_EXPANDED}


def test_a_bomb_of_uses_of_a_variable_does_not_go_off() -> None:
    values = ", ".join(f"'/x{number}/*'" for number in range(10_000))
    rules = "".join(f"    - {{allow: read, path: '@{{A}}/{number}'}}\n" for number in range(20_000))
    with within(60):
        assert refused(f"- vars: {{A: [{values}]}}\n{WEB}  files:\n{rules}") == {Fault.TOO_MUCH_EXPANDED}


def test_a_bomb_of_cases_does_not_go_off() -> None:
    values = ", ".join(f"/{number}" for number in range(1_000))
    cases = "".join(f"    - {{read: '@{{A}}/{number}', expect: deny}}\n" for number in range(5_000))
    with within(60):
        assert refused(f"- vars: {{A: [{values}]}}\n{WEB}- test: t\n  profile: web\n  cases:\n{cases}") == {
            Fault.TOO_MUCH_EXPANDED
        }


def test_misspelt_names_among_very_many_are_found_in_time() -> None:
    names = "".join(f"- abstraction: name{number}\n" for number in range(50_000))
    uses = ", ".join(f"nmae{number}" for number in range(20_000))
    with within(30):
        assert refused(f"{names}{WEB}  include: [{uses}]\n") == {Fault.UNDEFINED}


def test_a_hundred_thousand_rules_just_work() -> None:
    lines = "".join(f"    - {{allow: read, path: /usr/share/{number}}}\n" for number in range(100_000))
    with within(60):
        loaded = understand([("0.yaml", f"{WEB}  files:\n{lines}".encode())])
    assert len(loaded.policy.profiles["web"].rules) == 100_001
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2 << 20  # KiB


def test_a_million_rules_are_refused() -> None:
    lines = "    - {allow: r, path: /x}\n" * (SIZE // 27)
    with within(60):
        assert refused(f"{WEB}  files:\n{lines}") == {Fault.TOO_MANY_NODES}
