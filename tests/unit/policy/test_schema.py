"""The JSON Schema against the parser, on all golden policies."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from krsi.policy.diagnostics import Report
from krsi.policy.node import Items, Node, Scalar
from krsi.policy.schema import schema
from krsi.policy.source import compose
from krsi.policy.words import NUMBER

GOLDEN = Path(__file__).parents[2] / "golden"
VALIDATOR = Draft202012Validator(schema())

# What no schema can know: names, users, the order of keys, whether a text is a pattern, and YAML itself.
BEYOND = {"loops", "nobody", "overlaps", "ties", "undefined", "warnings"}


def plain(node: Node) -> Any:
    """Return *node* as JSON has it, by YAML 1.2's core schema."""
    if isinstance(node, Items):
        return [plain(each) for each in node.nodes]
    if not isinstance(node, Scalar):
        return {key.text: plain(value) for key, value in node.entries}
    if node.quoted or not node.text:
        return node.text if node.quoted else None
    if node.text in {"true", "false"}:
        return node.text == "true"
    return int(node.text, 0) if NUMBER.fullmatch(node.text) else node.text


def documents(folder: Path) -> Iterator[tuple[str, Any, Report]]:
    for path in sorted(folder.glob("*.yaml")):
        report = Report()
        (source,) = compose([(path.name, path.read_bytes())], report)
        yield path.stem, [plain(node) for node in source.items], report


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema())
    assert json.loads(json.dumps(schema())) == schema()


@pytest.mark.parametrize(("name", "document"), [(n, d) for n, d, _ in documents(GOLDEN / "good")])
def test_good_policies_are_accepted(name: str, document: Any) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []


def test_bad_policies_are_refused_but_for_what_no_schema_can_know() -> None:
    accepted = {n for n, d, report in documents(GOLDEN / "bad") if not report.failed and VALIDATOR.is_valid(d)}
    assert accepted == BEYOND
