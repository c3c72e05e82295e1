"""
Damages BTF and ELF for a while and reads what is left: anything but an AbiError is a fault, and so is taking long.

usage: PYTHONPATH=src python tests/fuzz/btf.py OBJECT... [SECONDS]

Seeds are the objects given. What fails is written to the working folder.
"""

import contextlib
import random
import struct
import sys
import time
from pathlib import Path

from krsi.abi import Abi
from krsi.bpf.btf import Btf
from krsi.bpf.btf_types import Kind
from krsi.bpf.elf import section
from krsi.errors import AbiError

SLOWEST_S = 2.0
TELLING = (0, 1, 3, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


def read(data: bytes) -> None:
    """Ask for everything, as those who use the reader do."""
    btf = Btf.of_elf(data) if data.startswith(b"\x7fELF") else Btf.parse(data)
    for number in range(len(btf)):
        found = btf.type(number)
        btf.resolve(number)
        if found.kind in {Kind.STRUCT, Kind.UNION}:
            btf.members(found)
            btf.has_struct_member(found.name, "x")
        elif found.kind in {Kind.ENUM, Kind.ENUM64}:
            btf.enumerators(found)
        elif found.kind is Kind.DATASEC:
            btf.variables(found)
    abi = Abi.of(btf)
    abi.layout()


def survives(data: bytes) -> bool:
    """Tell whether *data* is read or refused, in time."""
    begun = time.process_time()
    with contextlib.suppress(AbiError):
        read(data)
    return time.process_time() - begun < SLOWEST_S


def damaged(seed: bytes, chance: random.Random) -> bytes:
    """Return *seed* with some bytes, words or pieces changed, cut or doubled."""
    data = bytearray(seed)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(len(data))
        match chance.randrange(5):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                data[at] ^= 1 << chance.randrange(8)
            case 2:
                place = at & ~3
                data[place : place + 4] = struct.pack("=I", chance.choice(TELLING))[: len(data) - place]
            case 3:
                del data[at : at + chance.choice((1, 4, 12, 100))]
            case 4:
                piece = data[at : at + chance.choice((4, 12, 100))]
                data[at:at] = piece
        if not data:
            return b""
    return bytes(data)


def main(paths: list[Path], seconds: float) -> int:
    """Return how many of the damaged files were faults."""
    chance = random.Random(int(time.time()))
    files = [path.read_bytes() for path in paths]
    seeds = files + [section(file, ".BTF") for file in files]
    faults, rounds, end = 0, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        rounds += 1
        data = damaged(chance.choice(seeds), chance)
        if not survives(data):
            faults += 1
            Path(f"btf-slow-{faults}.bin").write_bytes(data)
    print(f"{rounds} files, {faults} too slow")  # noqa: T201
    return faults


if __name__ == "__main__":
    numbers = [float(argument) for argument in sys.argv[1:] if argument.replace(".", "").isdigit()]
    objects = [Path(argument) for argument in sys.argv[1:] if not argument.replace(".", "").isdigit()]
    sys.exit(bool(main(objects, *(numbers or [60.0]))))
