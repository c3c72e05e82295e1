"""A part of CPython's own test suite: files of all kinds, links, locks, mappings, processes, descriptors, terminals."""

import re

from .transcript import Transcript, ran

SUITE = (
    *("test_fcntl", "test_mmap", "test_shutil.TestCopy", "test_shutil.TestMove"),
    *("test_os.FileTests", "test_os.LinkTests", "test_os.ExecTests"),
    *("test_tempfile.TestMkstemp", "test_tempfile.TestNamedTemporaryFile"),
    "test_multiprocessing_fork.WithProcessesTestSharedMemory",
)


def works(*confined: str) -> Transcript:
    """Run it; *confined* goes before the command."""
    names = [f"test.{name}" for name in SUITE]
    said = ran(*confined, "/usr/bin/python3.11", "-m", "unittest", "-v", *names, cwd="/tmp")
    told = [line for line in said if re.search(r" \.\.\. |^(FAIL|ERROR)|status|Error", line)]
    return [re.sub(r"Ran (\d+) tests in .*", r"Ran \1 tests", line) for line in told]
