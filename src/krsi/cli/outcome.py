"""How a command ends: errors of ours become one message and a status, never a traceback."""

import argparse
import errno
import sys
from collections.abc import Callable

from krsi.cli.terminal import is_coloured
from krsi.errors import KernelError, KrsiError, UnsupportedError
from krsi.policy.diagnostics import RefusedError

OK, FOUND, USAGE, UNFIT = 0, 1, 2, 3


def run_and_explain(run: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """Run a command; tell of the errors that are meant for people on stderr."""
    try:
        return run(args)
    except RefusedError as error:
        print(error.report.text(colour=is_coloured(sys.stderr)), file=sys.stderr)
        return FOUND
    except KernelError as error:
        print(f"krsi: error: {error}{_remedy(error)}", file=sys.stderr)
        return UNFIT
    except KrsiError as error:
        print(f"krsi: error: {error}", file=sys.stderr)
        return UNFIT if isinstance(error, UnsupportedError) else FOUND
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone, and there is nobody to tell
        return OK


def _remedy(error: KernelError) -> str:
    if error.errno in {errno.EPERM, errno.EACCES}:
        return " (krsi needs root, and a kernel that allows BPF LSM programs: `krsi doctor` tells)"
    return ""
