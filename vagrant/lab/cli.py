"""The command line of vagrant/run."""

import argparse
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from . import image, kernels, rootfs, session
from .host import PROGRAMS, LabError, require, say
from .kernels import Kernel
from .qemu import Settings

LAB_FAILED = 125
INTERRUPTED = 128 + signal.SIGINT
NO_READER = 128 + signal.SIGPIPE

DESCRIPTION = "Run a command in the working tree, as root, in a throw-away guest with one of the supported kernels."
USAGE = """\
vagrant/run -k KERNEL [options] -- COMMAND...
       vagrant/run --prepare [-k KERNEL] [--update]
       vagrant/run --list"""
EPILOG = """\
The exit status is the command's; 124 after --timeout, 125 if the lab or the guest's kernel failed.
KRSI_LAB_ACCEL=kvm, tcg or mttcg chooses how the guest's processors are made (mttcg: emulated in parallel, may crash);
KRSI_LAB_CACHE is the folder for images."""


def main(argv: Sequence[str]) -> int:
    """Do what *argv* asks and return the exit status."""
    # A guest must not outlive us, whoever ends us.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        return _act(argv)
    except LabError as error:
        say(f"error: {error}")
        return LAB_FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return NO_READER


def _act(argv: Sequence[str]) -> int:
    table = kernels.load()
    args = _parse(argv, table)
    if args.list:
        return _list(table.values())
    require(PROGRAMS)
    if args.prepare:
        return _prepare([table[args.kernel]] if args.kernel else list(table.values()), update=args.update)
    settings = Settings(args.memory, args.cpus, args.icount, args.append)
    return session.perform(session.Task(table[args.kernel], args.command, settings, args.timeout, args.out))


def _parse(argv: Sequence[str], table: Mapping[str, Kernel]) -> argparse.Namespace:
    parser = _parser(table)
    before, command = _split(argv)
    args = parser.parse_args(before)
    args.command = command
    if args.update and not args.prepare:
        parser.error("--update looks for newer kernels as images are made: use it with --prepare")
    if args.list or args.prepare:
        return args
    if not args.kernel or not command:
        lacking = "command" if args.kernel else "kernel"
        parser.error(
            f"no {lacking} given; vagrant/run -k KERNEL -- COMMAND..., where KERNEL is one of {', '.join(table)}"
        )
    return args


def _split(argv: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    if "--" not in argv:
        return argv, []
    at = argv.index("--")
    return argv[:at], argv[at + 1 :]


def _parser(table: Mapping[str, Kernel]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vagrant/run",
        description=DESCRIPTION,
        usage=USAGE,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("-k", "--kernel", choices=table, metavar="KERNEL", help=f"one of {', '.join(table)}")
    add("--memory", type=int, default=Settings().memory_mib, metavar="MIB", help="memory of the guest (%(default)s)")
    add("--cpus", type=int, default=Settings().cpus, metavar="N", help="processors of the guest (%(default)s)")
    add("--icount", action="store_true", help="emulate one CPU whose clock counts instructions, to measure")
    add("--append", default="", metavar="WORDS", help="more words for the kernel's command line")
    add("--timeout", type=float, metavar="SECONDS", help="kill the command after this time")
    add("--out", type=Path, metavar="DIR", help="where to put what the command leaves in /out")
    add("--list", action="store_true", help="show the kernels, and which are cached")
    add("--prepare", action="store_true", help="make the images now, boot nothing")
    add("--update", action="store_true", help="with --prepare: look for newer versions of the kernels")
    return parser


def _list(table: Iterable[Kernel]) -> int:
    rows = [("KERNEL", "SUITE", "PACKAGE", "CACHED", "NOTE")]
    for kernel in table:
        cached = image.cached(kernel)
        rows.append((kernel.name, kernel.suite, kernel.package, cached.version if cached else "no", kernel.note))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(f"\nroot file system: {'cached' if rootfs.is_cached() else 'not cached'}")
    return 0


def _prepare(chosen: Iterable[Kernel], *, update: bool) -> int:
    rootfs.ready()
    for kernel in chosen:
        ready = image.newest(kernel) if update else image.ready(kernel)
        say(f"kernel {kernel.name}: ready, {ready.version}")
    return 0
