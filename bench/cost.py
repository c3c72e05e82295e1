"""
What krsi costs beside nothing, AppArmor and Landlock, in one boot of a guest whose clock counts instructions.

Run there by ``make bench``, as root: ``python3 -m bench.cost RESULT.json``. What should be refused and is not, or the
other way round, ends it, and so does an event that is lost.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import confinements, tree
from krsi.bpf.features import Kernel
from krsi.bpf.ringbuf import RingBuffer
from krsi.compiler.compile import compile_policy
from krsi.compiler.image import Image
from krsi.kernel_side import KernelSide, object_abi, object_bytes
from krsi.policy.load import understand
from krsi.support import programs_for

BINARIES = Path("build/guest/bin")
COUNTS = (10, 1000, 10000)
Prices = dict[str, float]


@dataclass(frozen=True, slots=True)
class Probe:
    """An operation on a file, and what its price is called."""

    name: str
    operation: str
    path: str


def _opens(kind: str, depths: Iterable[int] = tree.DEPTHS) -> list[Probe]:
    return [Probe(f"open {kind} {depth}", "open", tree.file(kind, depth)) for depth in depths]


def _refusals(kind: str, depths: Iterable[int] = (1, 2, 5, 20)) -> list[Probe]:
    return [Probe(f"refused {kind} {depth}", "refused", tree.file(kind, depth)) for depth in depths]


OPENS = [*_opens("literal"), *_opens("star", tree.DEPTHS[1:]), *_opens("doublestar", tree.DEPTHS[1:])]
AT_FIVE = [probe for kind in ("literal", "star", "doublestar") for probe in _opens(kind, [5])]
LONG = [Probe(f"long {kind} 5", "open", tree.long_file(kind, 5)) for kind in ("literal", "star")]
COLD = [Probe(f"cold star {depth}", "cold", tree.file("star", depth)) for depth in (5, 20)]
STAT = [Probe("stat", "stat", tree.file("star", 5))]
OTHERS = [
    Probe("create", "create", tree.NEW),
    Probe("rename", "rename", tree.MOVED),
    Probe("fork", "fork", tree.WORK),
    Probe("exec", "exec", tree.PROGRAM),
]
ALLOWED = [*OPENS, *LONG, *COLD, *STAT, *OTHERS]
TOP = _opens("star", [1])
REFUSED = [*_refusals("refused"), *_refusals("quiet", [2, 5])]
FREE = [*_opens("refused", [1, 2, 5, 20])]  # what is refused to the confined
MISSING = [Probe(f"missing {depth}", "missing", tree.folder("refused", depth) + "missing000") for depth in (2, 5)]


def say(text: str) -> None:
    print(f"{time.monotonic():7.1f} s  {text}", file=sys.stderr, flush=True)


def prices(tool: Sequence[str], probes: Iterable[Probe]) -> Prices:
    """
    Return what *probes* cost, in instructions.

    :raises RuntimeError: one was refused that should not be, or the other way round
    """
    return {probe.name: _price(tool, probe) for probe in probes}


def _price(tool: Sequence[str], probe: Probe) -> float:
    argv = [*tool, probe.operation, probe.path]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr}")
    return float(done.stdout)


def tool(program: str, *options: str) -> list[str]:
    return [program, "-m", tree.MOVED, *options]


def of_nothing() -> Prices:
    return prices(tool(tree.PLAIN), [*ALLOWED, *TOP, *FREE, *MISSING])


def of_landlock() -> Prices:
    options = [word for path in confinements.landlock() for word in ("-l", path)]
    return prices(tool(tree.PLAIN, *options), [*ALLOWED, *TOP, *REFUSED])


def of_apparmor() -> Prices:
    parser = ["apparmor_parser", "--skip-cache"]
    profile = confinements.apparmor()
    subprocess.run([*parser, "--replace"], input=profile, text=True, check=True)
    try:
        return prices(tool(tree.APPARMOR), [*ALLOWED, *TOP, *REFUSED])
    finally:
        subprocess.run([*parser, "--remove"], input=profile, text=True, check=True)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A policy's image, and the accesses that it is asked about."""

    image: Image
    mediated: frozenset[str]


def compiled(text: bytes, generation: int) -> Compiled:
    loaded = understand([("bench.yaml", text)])
    image = compile_policy(loaded.policy, loaded.report, object_abi(object_bytes()), generation=generation)
    return Compiled(image, loaded.policy.profiles[confinements.PROFILE].mediates())


class Krsi:
    """krsi in force; policies may be swapped, if all are asked about the same accesses."""

    def __init__(self, side: KernelSide, ring: RingBuffer, words: int) -> None:
        self._side = side
        self._ring = ring
        self._words = words
        self._seen = 0

    def put(self, policy: Compiled) -> None:
        self._side.put(policy.image.resized(self._words))

    def prices(self, probes: Iterable[Probe]) -> Prices:
        """Return what *probes* cost the confined program; of what is refused, each must be told."""
        found: Prices = {}
        for probe in probes:
            found |= prices(tool(tree.KRSI), [probe])
            paths = self._paths_told()
            if paths != ({probe.path.encode()} if probe.name.startswith("refused refused") else set()):
                raise RuntimeError(f"events of '{probe.name}' are of {paths}")
        return found

    def _paths_told(self) -> set[bytes]:
        """
        Return what decisions were told of since the last call.

        :raises RuntimeError: an event was lost
        """
        abi, paths = self._side.abi, set()
        while batch := self._ring.drain():
            self._seen += len(batch)
            for record in map(bytes, batch):
                event = abi.unpack("event", record)
                if event["kind"] == abi.number("kind", "decision"):
                    paths.add(record[abi.size("event") :][: event["path_len"]])
        if self._seen != self._side.told():
            raise RuntimeError(f"of {self._side.told()} events {self._seen} arrived")
        return paths


@contextmanager
def in_force(policy: Compiled, words: int) -> Iterator[Krsi]:
    kernel = Kernel()
    programs = programs_for(policy.mediated, kernel)
    say(f"loading {len(programs)} programs")
    with (
        KernelSide(object_bytes(), policy.image.resized(words), programs, kernel) as side,
        RingBuffer(side.map("events").fd) as ring,
    ):
        side.attach()
        say("in force")
        yield Krsi(side, ring, words)


def _compile_all() -> dict[str, Compiled]:
    texts = {
        "krsi confined": confinements.patterns(),
        "krsi top": confinements.top(),
        "krsi default allow": confinements.default_allow(),
        **{f"krsi {count} rules": confinements.with_rules(count) for count in COUNTS},
        **{f"krsi {count} neighbours": confinements.with_neighbours(count) for count in COUNTS},
    }
    policies = {}
    for number, (name, text) in enumerate(texts.items()):
        policies[name] = compiled(text, number + 1)
        say(f"{name}: compiled to {policies[name].image.used >> 10} KiB")
    return policies


PROBES = {
    "krsi confined": [*ALLOWED, *REFUSED],
    "krsi top": TOP,
    "krsi default allow": [*OPENS, *_refusals("refused", [5])],
}


def of_krsi() -> dict[str, Prices]:
    policies = _compile_all()
    words = max(policy.image.words for policy in policies.values())
    found: dict[str, Prices] = {}
    with in_force(policies["krsi confined"], words) as krsi:
        found["krsi unconfined"] = prices(tool(tree.PLAIN), [*ALLOWED, *TOP, *FREE, *MISSING])
        for name, policy in policies.items():
            say(name)
            krsi.put(policy)
            found[name] = krsi.prices(PROBES.get(name, AT_FIVE))
    return found


def of_krsi_with_getattr() -> dict[str, Prices]:
    policy = compiled(confinements.with_getattr(), 1)
    with in_force(policy, policy.image.words) as krsi:
        return {
            "krsi unconfined, getattr": prices(tool(tree.PLAIN), STAT),
            "krsi confined, getattr": krsi.prices(STAT),
        }


def _steady() -> None:
    settings = Path("/proc/sys/kernel")
    # Where a program lies decides how many page tables a fork copies.
    (settings / "randomize_va_space").write_text("0")
    # This clock jumps while the host's disk is waited for.
    (settings / "hung_task_timeout_secs").write_text("0")


def main() -> None:
    _steady()
    tree.make(BINARIES)
    found: dict[str, Prices] = {}
    for name, measured in {"nothing": of_nothing, "landlock": of_landlock, "apparmor": of_apparmor}.items():
        say(name)
        found[name] = measured()
    found |= of_krsi()
    found |= of_krsi_with_getattr()
    say("nothing again")
    found["nothing again"] = of_nothing()
    result = {"kernel": os.uname().release, "instructions": found}
    Path(sys.argv[1]).write_text(json.dumps(result, indent=1))
    say("done")


if __name__ == "__main__":
    main()
