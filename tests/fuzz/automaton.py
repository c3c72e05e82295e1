"""
Build tests/fuzz/automaton.c with the address and undefined-behaviour sanitizers, and run it.

``python tests/fuzz/automaton.py [SECONDS [SEED]]``. Each input is made from a number, which is shown; the first is the
seed, or the time. To see a crash again, give the number that was shown last as seed.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

HARNESS = Path(__file__).with_suffix(".c")
NATIVE = Path(__file__).parents[2] / "src/krsi/native"
STAGES = ["nfa", "reach", "subsets", "automaton", "blame", "refine", "minimise", "comb"]
FLAGS = "-std=c11 -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover=all"


def main() -> int:
    seconds = sys.argv[1] if len(sys.argv) > 1 else "60"
    seed = sys.argv[2] if len(sys.argv) > 2 else str(int(time.time()))
    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/automaton"
        sources = [str(NATIVE / f"{stage}.c") for stage in STAGES]
        subprocess.run(["gcc", *FLAGS.split(), f"-I{NATIVE}", str(HARNESS), *sources, "-o", program], check=True)
        return subprocess.run([program, seed, seconds], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
