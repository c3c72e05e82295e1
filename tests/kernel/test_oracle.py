"""The C decision against the Python specification, on this very kernel, by BPF_PROG_TEST_RUN."""

import os
import random
import sys
from collections.abc import Iterator

import pytest

from krsi.bpf.features import Kernel
from krsi.compiler.compile import compile_policy
from krsi.compiler.image import Image, Reader
from krsi.kernel_side import ASK, KernelSide, object_abi, object_bytes
from krsi.policy.diagnostics import RefusedError, Report
from krsi.policy.model import EXEC, MATCHED, UNCONFINED, Mode, Policy, Request, Verdict, decide, entered

from .policies import Maker

PAIRS = int(os.environ.get("KRSI_ORACLE_PAIRS", "120000"))
WORDS = 1 << 13
BATCH = 256

elf = object_bytes()
abi = object_abi(elf)
bits = abi.enum("access").values


@pytest.fixture(scope="module")
def kernel() -> Iterator[KernelSide]:
    policy = Maker(0).policy()
    with KernelSide(elf, compiled(policy), (), Kernel()) as side:
        yield side


def compiled(policy: Policy) -> Image:
    return compile_policy(policy, Report(), abi).resized(WORDS)


def _mask(names: frozenset[str]) -> int:
    return sum(bits[name] for name in names)


def test_the_kernel_decides_as_the_specification_does(kernel: KernelSide) -> None:
    """
    Random policies and requests get the same verdict, log, blame and next domain from C and from Python.
    """
    seed = int(os.environ.get("KRSI_SEED", random.SystemRandom().randrange(1 << 32)))
    sys.stderr.write(f"\noracle: KRSI_SEED={seed}\n")
    compare(kernel, seed, PAIRS)


def compare(kernel: KernelSide, seed: int, pairs: int) -> None:
    """Ask so many random questions; the seed of each policy follows on the one before."""
    done = 0
    for number in range(seed, seed + (1 << 30)):
        maker = Maker(number)
        policy = maker.policy()
        try:
            image = compiled(policy)
        except RefusedError:
            continue  # patterns tie: what is refused is not enforced
        kernel.put(image)
        asked = [question for question in maker.requests(BATCH) if question[0] in {*policy.profiles, UNCONFINED}]
        for question, answer in zip(asked, _ask(kernel, image, asked), strict=True):
            assert _expected(policy, image, *question) == answer, f"KRSI_SEED={number}: {question} of {policy}"
        done += len(asked)
        if done >= pairs:
            return


Answer = tuple[str, frozenset[str], bool, bool, str | None]
"""Verdict, accesses to blame, logged, launders, profile after an exec."""


def _ask(kernel: KernelSide, image: Image, asked: list[tuple[str, int, Request]]) -> Iterator[Answer]:
    questions = kernel.map("questions")
    for place, (name, uid, request) in enumerate(asked):
        questions.update(place.to_bytes(4, sys.byteorder), _question(image, name, uid, request))
    assert kernel.run(ASK, len(asked)) == 0
    for place, (_, _, request) in enumerate(asked):
        raw = abi.unpack("question", questions.lookup(place.to_bytes(4, sys.byteorder)) or b"")
        yield _answer(image, request, raw)


def _question(image: Image, name: str, uid: int, request: Request) -> bytes:
    target = request.target
    blank = abi.unpack("question", bytes(abi.size("question")))
    return abi.pack(
        "question",
        {
            **blank,
            "domain": image.number(name),
            "access": _mask(request.access),
            "owner": _owner(request.object.owner),
            "path": request.object.path or b"",
            "path_len": len(request.object.path or b""),
            "target": (target and target.path) or b"",
            "target_len": len((target and target.path) or b""),
            "target_owner": _owner(target.owner) if target else 0,
            "has_target": int(target is not None),
            "exchange": int(request.exchange),
            "uid": uid,
        },
    )


def _owner(owner: bool | None) -> int:
    return abi.number("owner", "unknown" if owner is None else "self" if owner else "other")


def _answer(image: Image, request: Request, raw: dict[str, int]) -> Answer:
    verdict = "kill" if raw["killed"] else "deny" if raw["refused"] else "allow"
    blamed = raw["killed"] or raw["refused"]
    leads = raw["next"] if request.access == {EXEC} and not raw["refused"] else None
    return (
        verdict,
        frozenset(abi.names("access", blamed)),
        bool(raw["logged"]),
        bool(raw["launders"]),
        None if leads is None else "-" if leads == 0xFFFFFFFF else image.domains[leads],
    )


def _expected(policy: Policy, image: Image, name: str, uid: int, request: Request) -> Answer:
    if name == UNCONFINED:
        path = request.object.path
        return "allow", frozenset(), False, False, (path and entered(policy, path, uid)) or UNCONFINED
    profile = policy.profiles[name]
    decision = decide(profile, request)
    if decision.verdict is Verdict.ALLOW and _moves_a_folder_elsewhere(policy, image, name, request):
        return "deny", request.access, True, True, None
    leads = None
    if request.access == {EXEC} and decision.verdict is Verdict.ALLOW:
        leads = _leads(policy, name, uid, request, decision.enters)
    verdict = decision.verdict.name.lower()
    return verdict, decision.refused, decision.logged, decision.launders, leads


def _moves_a_folder_elsewhere(policy: Policy, image: Image, name: str, request: Request) -> bool:
    """What lies in a folder is not looked at one by one: its names must lead to the same state."""
    old, new = request.object.path, request.target and request.target.path
    if not new or not old or not old.endswith(b"/") or not request.access & policy.profiles[name].mediates():
        return False
    reader = Reader(image, abi)
    return reader.state(old) != reader.state(new)


def _leads(policy: Policy, name: str, uid: int, request: Request, enters: str | None) -> str:
    if enters is None:
        return name
    if enters in policy.profiles and policy.profiles[enters].mode is Mode.OFF:
        return UNCONFINED
    if enters != MATCHED:
        return enters
    return (request.object.path and entered(policy, request.object.path, uid)) or "-"
