"""Random policies, tried as `krsi test` tries them: the compiled image says what the specification says."""

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from krsi.compiler.compile import compile_policy
from krsi.kernel_side import object_abi, object_bytes
from krsi.policy.diagnostics import RefusedError, Report
from krsi.policy.model import Case, Policy, Test, Verdict
from krsi.trial import Trial

from ..kernel.policies import SPAN, Maker

ABI = object_abi(object_bytes())
CASES = 50


def cases(maker: Maker) -> Iterator[tuple[str, Case]]:
    """Make cases of those random questions that a case can ask: one access, one owner, paths."""
    for profile, _, request in maker.requests(CASES):
        old, new = request.object, request.target
        if old.path and not request.exchange and (new is None or new.path):
            to = new.path if new else None
            for access in sorted(request.access):
                yield profile, Case(access, old.path, Verdict.ALLOW, SPAN, to, bool(old.owner))


def made_tests(policy: Policy, maker: Maker) -> Iterator[Test]:
    return (Test("it", profile, (case,), SPAN) for profile, case in cases(maker) if profile in policy.profiles)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1 << 32))
def test_image_and_specification_agree(seed: int) -> None:
    """
    Verdict, whether it is told, laundering, and where an exec leads.
    """
    maker = Maker(seed)
    policy = maker.policy()
    try:
        image = compile_policy(policy, Report(), ABI)
    except RefusedError:
        return  # patterns tie
    trial = Trial(policy, image, ABI)
    for test in made_tests(policy, maker):
        for outcome in trial.outcomes(test):
            assert outcome.disagreement == "", f"{outcome.case} of {policy}"
