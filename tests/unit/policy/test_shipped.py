"""The policies that krsi ships hold what their tests say, alone and together."""

from pathlib import Path

import pytest

from krsi.policy.load import Loaded, load, understand
from krsi.policy.model import Case, Object, Policy, Request, decide

SHIPPED = Path(__file__).parents[3] / "policies"
FILES = sorted(SHIPPED.glob("*.yaml"))
ABSTRACTIONS = sorted((SHIPPED / "abstractions").glob("*.yaml"))

# What a profile may that includes nothing but the abstraction.
ALLOWED = {
    "base": ["read /usr/lib/x86_64-linux-gnu/libc.so.6", "map /lib64/ld-linux-x86-64.so.2", "write /dev/null"],
    "nameservice": ["read /etc/passwd", "read /run/systemd/resolve/stub-resolv.conf", "map /usr/lib/libnss_dns.so.2"],
    "openssl": ["read /etc/ssl/openssl.cnf", "read /usr/share/ca-certificates/mozilla/A.crt", "read /dev/urandom"],
    "python": [
        *("read /usr/lib/python3.13/os.py", "read /usr/lib/python3/dist-packages/", "map /usr/bin/python3.13"),
        *("map /usr/lib/python3.11/lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so", "exec /usr/bin/python3.11"),
    ],
}
DENIED = [
    *("read /etc/shadow", "read /etc/ssl/private/example.org.key", "write /etc/passwd", "write /etc/resolv.conf"),
    *("write /usr/lib/x86_64-linux-gnu/libc.so.6", "create /usr/lib/python3/dist-packages/x.py", "read /root/"),
    *("map /tmp/x.so", "map /home/alice/lib/x.so", "read /proc/1/environ", "write /dev/sda", "exec /usr/bin/dash"),
]


def answer(policy: Policy, profile: str, case: Case) -> tuple[str, str | None]:
    target = Object(case.to, case.owner) if case.to else None
    request = Request(frozenset({case.access}), Object(case.path, case.owner), target)
    decision = decide(policy.profiles[profile], request)
    return decision.verdict.name, (decision.enters or profile) if case.enters and not decision.verdict else None


def failures(loaded: Loaded) -> list[str]:
    """Return what the policy's own tests expect and it does not do."""
    policy = loaded.policy
    return [
        f"{case.span.file}:{case.span.line}: {case.access} {case.path!r}"
        for test in policy.tests
        for case in test.cases
        if answer(policy, test.profile, case) != (case.expect.name, case.enters)
    ]


@pytest.mark.parametrize("paths", [[SHIPPED], *([path] for path in FILES)], ids=lambda paths: paths[0].name)
def test_shipped_policies_do_what_their_tests_say(paths: list[Path]) -> None:
    """Each file alone, and all together; without a warning."""
    loaded = load([str(path) for path in paths], root=False)

    assert (loaded.report.text(colour=False), failures(loaded)) == ("", [])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_profile_has_tests_of_both_kinds(path: Path) -> None:
    """A policy shows what it allows and what it denies."""
    policy = load([str(path)], root=False).policy
    tried = {(test.profile, bool(case.expect)) for test in policy.tests for case in test.cases}

    assert {(name, kind) for name in policy.profiles for kind in (False, True)} == tried


@pytest.mark.parametrize("path", ABSTRACTIONS, ids=lambda path: path.stem)
def test_abstractions_allow_their_purpose_and_nothing_else(path: Path) -> None:
    """Shown by a profile that has nothing else."""
    profile = f"- profile: probe\n  match: {{exe: /probe}}\n  include: {path.stem}\n- test: probe\n  profile: probe\n"
    tried = [(line, "allow") for line in ALLOWED[path.stem]] + [(line, "deny") for line in DENIED]
    cases = [f"    - {{{line.replace(' ', ': ', 1)}, expect: {expect}}}\n" for line, expect in tried]
    documents = [(each.name, each.read_bytes()) for each in ABSTRACTIONS]

    assert failures(understand([*documents, ("probe.yaml", (profile + "  cases:\n" + "".join(cases)).encode())])) == []


def test_every_profile_and_abstraction_says_what_it_is_for() -> None:
    """Operators choose by descriptions."""
    texts = [path.read_text() for path in (*FILES, *ABSTRACTIONS)]

    assert sum(text.count("\n  description: ") for text in texts) == sum(
        text.count(f"- {kind}: ") for text in texts for kind in ("profile", "abstraction")
    )
