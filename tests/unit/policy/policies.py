"""Short ways to a policy, for tests."""

from krsi.policy.diagnostics import RefusedError, Report
from krsi.policy.faults import Fault
from krsi.policy.load import Loaded, understand
from krsi.policy.model import Policy, Profile, Rule
from krsi.policy.node import Node
from krsi.policy.source import compose

WEB = "- profile: web\n  match: {exe: /bin/web}\n"
"""To be followed by the web profile's other keys."""


def loaded(*texts: str) -> Loaded:
    """Return what files with these texts load as."""
    return understand((f"{number}.yaml", text.encode()) for number, text in enumerate(texts))


def policy(*texts: str) -> Policy:
    return loaded(*texts).policy


def web(text: str) -> Profile:
    """Return the web profile that *text* continues."""
    return policy(WEB + text).profiles["web"]


def rules(text: str) -> list[Rule]:
    """Return the written rules of the web profile that *text* continues."""
    return [rule for rule in web(text).rules if not rule.implied]


def faults(*texts: str) -> list[Fault]:
    """Return what is wrong with files with these texts, sorted by place."""
    try:
        return [each.fault for each in loaded(*texts).report.diagnostics]
    except RefusedError as error:
        return [each.fault for each in error.report.diagnostics]


def items(text: str) -> tuple[Node, ...]:
    """Return the nodes of a file's list, which is good YAML."""
    report = Report()
    (source,) = compose([("0.yaml", text.encode())], report)
    assert report.text() == ""
    return source.items
