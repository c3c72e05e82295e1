"""How a command ends: errors of ours become one message and a status, never a traceback."""

import argparse
import errno
import os
import sys
from collections.abc import Callable

from krsi.cli.terminal import is_coloured
from krsi.errors import KernelError, KrsiError, UnsupportedError
from krsi.policy.diagnostics import RefusedError

OK, FOUND, USAGE, UNFIT = 0, 1, 2, 3
_INTERRUPTED = 130  # as shells do


def run_and_explain(run: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """Run a command; tell of the errors that are meant for people on stderr."""
    try:
        status = run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output has gone
        return OK
    except KeyboardInterrupt:
        return _INTERRUPTED
    except RefusedError as error:
        print(error.report.text(colour=is_coloured(sys.stderr)), file=sys.stderr)
        return FOUND
    except (KrsiError, OSError) as error:
        print(f"krsi: error: {_sentence(error)}", file=sys.stderr)
        return UNFIT if isinstance(error, UnsupportedError | OSError) else FOUND
    return status


def _sentence(error: KrsiError | OSError) -> str:
    if isinstance(error, KrsiError):
        return f"{error}{_remedy(error)}"
    return f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}"


def _remedy(error: KrsiError) -> str:
    if isinstance(error, KernelError) and error.errno in {errno.EPERM, errno.EACCES}:
        return " (krsi needs root, and a kernel that allows BPF LSM programs: `krsi doctor` tells)"
    return ""
