"""What commands do first: policies read and compiled."""

import gc
import os
import sys
from dataclasses import dataclass

from krsi.abi import Abi
from krsi.cli.terminal import ProgressLine, is_coloured
from krsi.compiler.compile import compile_policy
from krsi.compiler.image import Image
from krsi.kernel_side import object_abi, object_bytes
from krsi.policy.load import Loaded, load


@dataclass(frozen=True, slots=True)
class Compiled:
    """A policy and what became of it."""

    loaded: Loaded
    image: Image
    elf: bytes
    abi: Abi


def read(paths: list[str]) -> Loaded:
    """
    Read the policies at *paths*; warnings go to stderr.

    :raises RefusedError: they have errors
    """
    gc.disable()  # nothing of a policy is garbage, and looking for some takes a third of the time
    try:
        loaded = load(paths, root=os.geteuid() == 0)
    finally:
        gc.enable()
    if text := loaded.report.text(colour=is_coloured(sys.stderr)):
        print(text, file=sys.stderr)
    return loaded


def compiled(paths: list[str]) -> Compiled:
    """
    Read and compile the policies at *paths*, with progress on stderr if it takes long.

    :raises RefusedError: they have errors
    :raises CompileError: they take too much
    """
    loaded = read(paths)
    elf = object_bytes()
    abi = object_abi(elf)
    progress = ProgressLine()
    gc.disable()
    try:
        image = compile_policy(loaded.policy, loaded.report, abi, progress=progress)
    finally:
        gc.enable()
        progress.close()
    return Compiled(loaded, image, elf, abi)
