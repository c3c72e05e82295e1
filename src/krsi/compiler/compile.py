"""The whole way from a checked policy to an image."""

from collections.abc import Sequence

from krsi.abi import Abi
from krsi.compiler.automaton import Limits, Progress
from krsi.compiler.image import Image, build, numbered
from krsi.compiler.lower import lower
from krsi.compiler.resolve import resolve
from krsi.policy.diagnostics import Report
from krsi.policy.model import UNCONFINED, Policy


def compile_policy(
    policy: Policy,
    report: Report,
    abi: Abi,
    *,
    generation: int = 1,
    before: Sequence[str] = (UNCONFINED,),
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Image:
    """
    Compile *policy*.

    :param before: domains of the policy that was in force, which keep their numbers
    :raises RefusedError: users do not exist, or patterns tie; *report* has it
    :raises CompileError: it takes too much
    """
    bound = resolve(policy, report)
    tables = lower(bound, abi.enum("access").values, report, limits, progress)
    return build(tables, bound, abi, numbered(bound, before), generation)
