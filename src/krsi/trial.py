"""
The tests that policies hold, tried twice: on the specification, and on the compiled image that the kernel would get.

The two must agree; where they do not, krsi itself is wrong, whatever the test expects.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from krsi.abi import Abi
from krsi.compiler.image import Image, Reader
from krsi.compiler.resolve import resolve
from krsi.policy.diagnostics import Report
from krsi.policy.model import (
    EXEC,
    FILE_ACCESSES,
    MATCHED,
    NAMING,
    UNCONFINED,
    Case,
    Decision,
    Mode,
    Object,
    Policy,
    Profile,
    Request,
    Test,
    Verdict,
    decide,
    entered,
    weigh,
)

NOBODY = "no profile"
"""Where an exec ``as: matched`` leads to that no profile matches: it is refused."""


@dataclass(frozen=True, slots=True)
class Lead:
    """
    What a program runs as, if it may be executed.

    :param uid: the user for whom this is so; None where it is so for everybody
    """

    profile: str
    uid: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What became of a case.

    :param decision: the specification's
    :param leads: of an exec that is allowed: where to, for each user of whom the policy speaks if that matters
    :param granted: of a refusal because of laundering: what the new name would grant
    :param disagreement: how the image differs from the specification; empty as a rule
    """

    case: Case
    decision: Decision
    leads: tuple[Lead, ...] = ()
    granted: tuple[str, ...] = ()
    disagreement: str = ""

    @property
    def astray(self) -> Lead | None:
        """The exec that is refused because no profile matches."""
        return next((lead for lead in self.leads if lead.profile == NOBODY), None)

    @property
    def verdict(self) -> Verdict:
        """What is decided: an exec that leads nowhere for somebody is refused."""
        return Verdict.DENY if self.astray else self.decision.verdict

    @property
    def passed(self) -> bool:
        """Whether it is as expected, for everybody."""
        if self.disagreement or self.verdict is not self.case.expect:
            return False
        return self.case.enters is None or all(lead.profile == self.case.enters for lead in self.leads)


class Trial:
    """
    Tries cases on *policy* and on *image*, which was made of it.

    :raises RefusedError: a user does not exist here
    """

    def __init__(self, policy: Policy, image: Image, abi: Abi) -> None:
        self._policy = resolve(policy, Report())
        self._image = image
        self._abi = abi
        self._reader = Reader(image, abi)
        named = {int(uid) for each in self._policy.profiles.values() if each.match for uid in each.match.uids}
        self._users = [*sorted(named), next(uid for uid in range(len(named) + 1) if uid not in named)]

    def outcomes(self, test: Test) -> Iterator[Outcome]:
        """Try the cases of *test*."""
        profile = self._policy.profiles[test.profile]
        return (self._tried(profile, case) for case in test.cases)

    def _tried(self, profile: Profile, case: Case) -> Outcome:
        request = request_of(case)
        decision = decide(profile, request)
        if decision.verdict is Verdict.ALLOW and self._takes_elsewhere(profile, case):
            decision = Decision(Verdict.DENY, logged=True, refused=request.access, launders=True)
        runs = case.access == EXEC and decision.verdict is Verdict.ALLOW
        return Outcome(
            case,
            decision,
            self._leads(profile, case, decision) if runs else (),
            _granted(profile, request) if decision.launders else (),
            self._disagreement(profile, case, decision),
        )

    def _takes_elsewhere(self, profile: Profile, case: Case) -> bool:
        """What lies in a folder goes with it, and of that only the automaton can tell: see ``launders()``."""
        moves = case.to and case.access in profile.mediates() and case.path.endswith(b"/")
        return bool(moves) and self._reader.state(case.path) != self._reader.state(case.to or b"")

    def _leads(self, profile: Profile, case: Case, decision: Decision) -> tuple[Lead, ...]:
        found = {uid: self._lead(profile, case, decision, uid) for uid in self._users}
        if len(set(found.values())) == 1:
            return (Lead(found[self._users[0]]),)
        return tuple(Lead(name, uid) for uid, name in found.items())

    def _lead(self, profile: Profile, case: Case, decision: Decision, uid: int) -> str:
        word = decision.enters or profile.name
        if word == MATCHED:
            return entered(self._policy, case.path, uid) or NOBODY
        is_off = word not in {profile.name, UNCONFINED} and self._policy.profiles[word].mode is Mode.OFF
        return UNCONFINED if is_off else word

    def _disagreement(self, profile: Profile, case: Case, decision: Decision) -> str:
        """Ask the image the same, and tell what it says if that is something else."""
        expected = _said(decision.verdict, decision.logged, launders=decision.launders)
        found = self._image_says(profile, case)
        if expected != found:
            return f"the specification says {expected}, the image {found}"
        if case.access != EXEC or decision.verdict is not Verdict.ALLOW:
            return ""
        for uid in self._users:
            lead, to = self._lead(profile, case, decision, uid), self._image_leads(profile, case, uid)
            if lead != to:
                return f"for user {uid} the specification leads to {lead}, the image to {to}"
        return ""

    def _image_says(self, profile: Profile, case: Case) -> str:
        domain, access = self._image.number(profile.name), self._abi.number("access", case.access)
        if case.to is None:
            answer = self._reader.ask(domain, access, case.path, owner=case.owner)
        else:
            answer = self._reader.ask_move(domain, access, case.path, case.to, owner=case.owner)
        verdict = Verdict.KILL if answer.killed else Verdict.DENY if answer.refused else Verdict.ALLOW
        return _said(verdict, bool(answer.logged), launders=answer.launders)

    def _image_leads(self, profile: Profile, case: Case, uid: int) -> str:
        number = self._reader.enters(self._image.number(profile.name), case.path, uid)
        return NOBODY if number is None else self._image.domains[number]


def request_of(case: Case) -> Request:
    """Return the question that *case* asks. Nothing has the second name yet."""
    target = Object(case.to, case.owner) if case.to is not None else None
    return Request(frozenset({case.access}), Object(case.path, case.owner), target)


def _said(verdict: Verdict, logged: bool, *, launders: bool) -> str:
    words = [verdict.name.lower(), "logged" if logged else "not logged"]
    return ", ".join([*words, "for its new name"] if launders else words)


def _granted(profile: Profile, request: Request) -> tuple[str, ...]:
    """Return what the object's new name would allow and its old one does not; nothing if it is what lies in it."""
    new = Object(request.target.path if request.target else None, request.object.owner)
    return tuple(
        access
        for access in (*FILE_ACCESSES, EXEC)
        if access not in NAMING
        and weigh(profile, access, new).verdict is Verdict.ALLOW
        and weigh(profile, access, request.object).verdict is not Verdict.ALLOW
    )
