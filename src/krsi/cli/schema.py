"""``krsi schema``: the JSON Schema of policy files, for editors."""

import argparse

import msgspec

from krsi.cli.outcome import OK
from krsi.policy.schema import schema


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say how the schema is used; it takes no arguments."""
    parser.epilog = "In a policy: # yaml-language-server: $schema=policy.schema.json"


def run(args: argparse.Namespace) -> int:  # noqa: ARG001  as all commands
    """Print the schema."""
    print(msgspec.json.format(msgspec.json.encode(schema())).decode())
    return OK
