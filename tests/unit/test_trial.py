"""Cases of tests, tried on the specification and on the image."""

import pytest

from krsi.compiler.compile import compile_policy
from krsi.kernel_side import object_abi, object_bytes
from krsi.policy.diagnostics import Report
from krsi.policy.load import understand
from krsi.policy.model import Policy, Verdict
from krsi.trial import NOBODY, Lead, Outcome, Trial

ABI = object_abi(object_bytes())
WEB = """- profile: web
  match: {exe: /bin/web}
  files:
    - {allow: read, path: /srv/**}
    - {allow: [read, rename], path: /srv/up/**}
    - {allow: [read, map, rename], path: /srv/bin/**}
  exec:
    - {allow: "/bin/*", as: matched}
    - {allow: "/srv/bin/*"}
    - {allow: /bin/off, as: gone}
- profile: root
  match: {exe: "/bin/[ab]", uid: 0}
- profile: www
  match: {exe: /bin/a, uid: 33}
- profile: gone
  match: {exe: /bin/gone}
  mode: "off"
"""


def policy(cases: str, text: str = WEB) -> Policy:
    test = f"- test: it\n  profile: web\n  cases: [{cases}]\n"
    return understand([("web.yaml", (text + test).encode())]).policy


def tried(cases: str, compiled: str = WEB) -> list[Outcome]:
    """Return the outcomes of *cases*, on an image of the policy *compiled*."""
    trial = Trial(policy(cases), compile_policy(policy("{read: /, expect: deny}", compiled), Report(), ABI), ABI)
    return [outcome for test in policy(cases).tests for outcome in trial.outcomes(test)]


def one(case: str, compiled: str = WEB) -> Outcome:
    (outcome,) = tried(case, compiled)
    return outcome


def test_an_exec_leads_somewhere() -> None:
    """
    Where a program leads to is looked up for every user of whom the policy speaks, and for one of whom it does not.
    """
    assert one("{exec: /bin/a, expect: allow}").leads == (Lead("root", 0), Lead("www", 33), Lead(NOBODY, 1))
    assert one("{exec: /bin/c, expect: deny}").leads == (Lead(NOBODY),)
    assert one("{exec: /srv/bin/x, expect: allow}").leads == (Lead("web"),)
    assert one("{exec: /bin/off, expect: allow}").leads == (Lead("unconfined"),)
    assert one("{read: /srv/x, expect: allow}").leads == ()


@pytest.mark.parametrize(
    ("case", "passed"),
    [
        ("{exec: /bin/a, expect: allow}", False),
        ("{exec: /bin/a, expect: allow, as: root}", False),
        ("{exec: /bin/a, expect: deny}", True),
        ("{exec: /srv/bin/a, expect: allow, as: web}", True),
        ("{exec: /bin/off, expect: allow, as: unconfined}", True),
        ("{exec: /bin/off, expect: allow, as: gone}", False),
        ("{exec: /bin/gone, expect: deny}", True),
    ],
)
def test_what_is_expected_must_hold_for_everybody(case: str, passed: bool) -> None:
    """
    A case that is wrong for one user is wrong; a profile that is off is as good as none.
    """
    assert one(case).passed is passed


def test_what_a_new_name_would_grant() -> None:
    """
    A refusal for the new name says which accesses it is about; of what lies in a folder it cannot.
    """
    file, folder = tried(
        "{rename: /srv/up/a, to: /srv/bin/a, expect: deny}, {rename: /srv/up/a/, to: /srv/bin/a/, expect: deny}"
    )

    assert (file.verdict, file.decision.launders, file.granted) == (Verdict.DENY, True, ("map", "exec"))
    assert (folder.verdict, folder.decision.launders) == (Verdict.DENY, True)


def test_a_folder_whose_names_mean_the_same() -> None:
    """
    A folder may go where the same may be done below it.
    """
    assert one("{rename: /srv/up/a/, to: /srv/up/b/, expect: allow}").passed


@pytest.mark.parametrize(
    ("case", "changed", "says"),
    [
        ("{read: /srv/x, expect: allow}", ("/srv/**", "/var/**"), "says allow, not logged, the image deny, logged"),
        ("{read: /srv/x, expect: deny}", ("/srv/**", "/var/**"), "says allow, not logged, the image deny, logged"),
        ("{read: /var/x, expect: deny}", ("/srv/**", "/var/**"), "says deny, logged, the image allow, not logged"),
        ("{exec: /bin/off, expect: allow}", ("as: gone", "as: www"), "leads to unconfined, the image to www"),
        ("{exec: /bin/c, expect: deny}", ('"/bin/*", as: matched', "/bin/c"), "leads to no profile, the image to web"),
        (
            "{rename: /srv/up/a, to: /srv/bin/x/a, expect: deny}",
            ("[read, rename]", "[read, map, rename]"),
            "says deny, logged, for its new name, the image allow, not logged",
        ),
    ],
)
def test_an_image_that_says_something_else(case: str, changed: tuple[str, str], says: str) -> None:
    """
    Where image and specification differ nothing passes, whatever the test expects.
    """
    outcome = one(case, WEB.replace(*changed))

    assert says in outcome.disagreement
    assert not outcome.passed
