"""What the kernel's own messages say about the kernel: pure functions over the console log."""

import re
from dataclasses import dataclass

# A warning begins with the CPU on 6.1 and 6.12, and ends with it on 7.2. "[#1]" is in the head of every oops.
FAULT = re.compile(r"WARNING: (CPU: \d|.*\bat \S+, CPU#\d)|BUG: |kernel BUG at|\[#\d+\]|Kernel panic")

# Emulation on a busy host stops the guest for seconds; the kernel notices, and nothing is wrong with it.
STALL = re.compile(r"rcu.*stall|soft lockup|workqueue lockup|blocked for more than \d+ seconds")


@dataclass(frozen=True, slots=True)
class Findings:
    """The lines of a console log that should be seen."""

    faults: list[str]
    stalls: list[str]


def findings(log: str) -> Findings:
    """Pick the lines of *log* in which the kernel complains about itself."""
    lines = log.splitlines()
    stalls = [line for line in lines if STALL.search(line)]
    return Findings([line for line in lines if FAULT.search(line) and line not in stalls], stalls)
