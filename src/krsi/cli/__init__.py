"""
The command line. Commands are modules beside this one; only the one that is asked for is imported.

Exit statuses: 0 done, 1 findings (a policy with errors, a failed test), 2 usage, 3 this kernel or user cannot do it.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from krsi import __version__

COMMANDS = {
    "enforce": "enforce policies until interrupted, and stream events",
    "run": "run one command under a profile",
    "check": "read policies, and show what is wrong and what they cover",
    "test": "run the tests that policies hold",
    "doctor": "show what this kernel can enforce, and how to change it",
    "schema": "print the JSON Schema of policy files, for editors",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that *argv* names, by default the process' arguments; return the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    name = argv[0] if argv else ""
    if name in COMMANDS:
        return _run(name, argv[1:])
    _parser().parse_args(argv)
    return 2


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:<{width}}  {says}" for name, says in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="krsi",
        description="Confine programs on Linux: policies in YAML, enforced by BPF LSM programs.",
        epilog=f"commands:\n{listed}\n\n`krsi COMMAND --help` says more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"krsi {__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    return parser


def _run(name: str, argv: list[str]) -> int:
    from krsi.cli.outcome import run_and_explain  # noqa: PLC0415  what --help does not need

    command = import_module(f"krsi.cli.{name}")
    parser = argparse.ArgumentParser(prog=f"krsi {name}", description=f"krsi {name}: {COMMANDS[name]}.")
    command.add_arguments(parser)
    own, rest = (argv[: argv.index("--")], argv[argv.index("--") + 1 :]) if "--" in argv else (argv, [])
    args = parser.parse_args(own)
    args.rest = rest
    if rest and name != "run":
        parser.error(f"nothing goes behind '--': {' '.join(rest)}")
    return run_and_explain(command.run, args)
