"""The command line as users have it: a process of its own, as this user or as nobody."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import krsi

SOURCES = Path(krsi.__file__).parents[1]
_MAIN = "import sys; from krsi.cli import main; sys.exit(main(sys.argv[1:]))"

# Interpreter and packages may lie where nobody may read, so all of it is imported before.
_AS_NOBODY = """
import os, sys
from importlib import import_module
from krsi.cli import COMMANDS, main
import krsi.enforcer
from krsi.kernel_side import object_bytes
for command in COMMANDS:
    import_module(f"krsi.cli.{command}")
object_bytes()
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
sys.exit(main(sys.argv[1:]))
"""


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that nobody may look into too; pytest's are for its user only."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def krsi_process(*args: str | Path, nobody: bool = False) -> subprocess.CompletedProcess[str]:
    """Run krsi with *args*; as a user without any right if *nobody*."""
    command = [sys.executable, "-c", _AS_NOBODY if nobody else _MAIN, *map(str, args)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCES), "NO_COLOR": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
