"""Rules that match together, merged into masks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krsi.compiler.records import Merger
from krsi.kernel_side import object_abi, object_bytes
from krsi.policy.diagnostics import Report
from krsi.policy.load import understand
from krsi.policy.model import EXEC, FILE_ACCESSES, Object, Profile, Verdict, weigh

BITS = object_abi(object_bytes()).enum("access").values


def profile(rules: str, head: str = "") -> Profile:
    return understand([("x.yaml", f"- profile: web\n{head}{rules}".encode())]).policy.profiles["web"]


def merger(made: Profile) -> Merger:
    return Merger(made, BITS, Report())


RULES = """  files:
    - {allow: [read, write], path: /x}
    - {allow: any, path: /x, owner: true}
    - {deny: delete, path: /x}
    - {deny: chmod, path: /x, log: false}
    - {kill: chown, path: /x, owner: true}
    - {audit: lock, path: /x}
    - {allow: ioctl, path: /x, log: true}
  exec:
    - {allow: /x, as: unconfined}
"""


@pytest.mark.parametrize("head", ["", "  default: allow\n", "  mode: learn\n", "  default: {files: allow}\n"])
@given(chosen=st.sets(st.integers(0, 7)))
def test_masks_are_what_the_specification_weighs(head: str, chosen: set[int]) -> None:
    """
    Whichever of the rules match, each bit says what weigh() says of that access.
    """
    made = profile(RULES, head)
    some = Profile(
        "web", made.span, tuple(made.rules[number] for number in sorted(chosen)), None, made.mode, made.defaults
    )
    record = Merger(some, BITS, Report()).merge(range(len(chosen)))

    for access in (*FILE_ACCESSES, EXEC):
        for owner in (False, True):
            bit = weigh(some, access, Object(b"/x", owner))
            mask = BITS[access]
            assert bool(record.allow[owner] & mask) == (bit.verdict is Verdict.ALLOW)
            assert bool(record.kill[owner] & mask) == (bit.verdict is Verdict.KILL)
            assert bool(record.log[owner] & mask) == bit.logged


def test_order_does_not_matter() -> None:
    """
    Rules are a set.
    """
    made = merger(profile(RULES))

    assert made.merge([3, 0, 7, 5]) == made.merge([0, 3, 5, 7])


def test_what_passes_without_a_word() -> None:
    """
    Quiet is what both owners may do and nobody is told of.
    """
    quiet = merger(profile(RULES)).merge(range(8)).quiet

    assert quiet & BITS["read"]
    assert not quiet & BITS["ioctl"]  # told
    assert not quiet & BITS["create"]  # the owner's only
    assert not quiet & BITS["delete"]  # refused


def test_where_an_exec_leads() -> None:
    """
    The record of an exec that is allowed has the rule's word, of one that is refused none.
    """
    made = profile("  exec:\n    - {allow: /x, as: unconfined}\n    - {deny: /x}\n")

    assert merger(made).merge([0]).next == "unconfined"
    assert merger(made).merge([0, 1]).next is None


def test_the_most_specific_exec_rule_leads() -> None:
    """
    Of several that match, a literal leads before a pattern, a longer beginning before a shorter.
    """
    made = profile(
        "  exec:\n    - {allow: /bin/**, as: matched}\n    - {allow: /bin/s*, as: unconfined}\n    - {allow: /bin/sh}\n"
    )

    assert merger(made).merge([0, 1]).next == "unconfined"
    assert merger(made).merge([0, 1, 2]).next is None
