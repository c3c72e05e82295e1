"""What of a policy depends on this machine: the numbers of users."""

import pwd
from dataclasses import replace

from krsi.policy.diagnostics import RefusedError, Report
from krsi.policy.faults import Fault
from krsi.policy.model import Policy, Profile
from krsi.policy.place import Span

NOBODY = 0xFFFFFFFF
"""The number that no user has."""


def resolve(policy: Policy, report: Report) -> Policy:
    """
    Return *policy* with users' numbers for their names.

    :raises RefusedError: a user does not exist here; *report* has all of them
    """
    profiles = {name: _resolved(profile, report) for name, profile in policy.profiles.items()}
    if report.failed:
        raise RefusedError(report)
    return replace(policy, profiles=profiles)


def _resolved(profile: Profile, report: Report) -> Profile:
    match = profile.match
    if match is None or not match.uids:
        return profile
    spans = match.uid_spans or [match.span] * len(match.uids)
    uids = tuple(_uid(user, span, report) for user, span in zip(match.uids, spans, strict=True))
    return replace(profile, match=replace(match, uids=uids))


def _uid(user: int | str, span: Span, report: Report) -> int:
    try:
        return user if isinstance(user, int) else pwd.getpwnam(user).pw_uid
    except KeyError:
        report.add(Fault.NO_USER, span, word=user)
        return NOBODY
