"""
What compiling path patterns costs: rules, states, cells, CPU seconds of each phase, peak memory.

``total`` is parsing, determinising and minimising with packing; ``class`` is the caller's part, as done here in Python.

Run as ``python bench/compile_automaton.py [RULES…]``; each line is measured in a process of its own. The rules are made
up but shaped like a distribution's: 100 profiles share an abstraction of some 60 patterns and have rules of their own,
60 % literal files, 20 % ``dir/*``, 10 % ``lib/*.so{,.*}``, 10 % ``dir/**``. AppArmor 3.0.8 gives up 10,000 rules in one
profile after 17 s ("too many states").
"""

import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise

from krsi.compiler.automaton import RawAutomaton, determinise
from krsi.policy.glob import parse

PROFILES = 100
SYLLABLES = "ba co dex fi gra hu jin ka lo mer nu ost pra qua ris sta tel umb ver wo xyl yar zen"
VARIABLES = {
    "HOME": ["/home/*", "/root"],
    "PROC": ["/proc"],
    "pid": ["[1-9]", "[1-9][0-9]*"],
    "MULTI": ["x86_64-linux-gnu"],
}
ABSTRACTION = """
/**.log /**.pid /**/.git/** /home/*/.ssh/** @{HOME}/.cache/** @{HOME}/.config/*/settings.json /proc/[0-9]*/stat
/proc/[0-9]*/status @{PROC}/@{pid}/fd/ @{PROC}/@{pid}/maps @{PROC}/sys/kernel/** @{PROC}/meminfo /dev/null /dev/zero
/dev/full /dev/random /dev/urandom /dev/pts/[0-9]* /dev/tty /dev/shm/* /etc/ld.so.cache /etc/ld.so.preload
/etc/nsswitch.conf /etc/passwd /etc/group /etc/hosts /etc/resolv.conf /etc/localtime /etc/locale.alias /etc/gai.conf
/etc/protocols /etc/services /etc/ssl/certs/** /etc/ssl/openssl.cnf /etc/pki/** /{usr/,}lib{,32,64}/ld-*.so*
/{usr/,}lib{,32,64}/**.so{,.*} /{usr/,}lib/@{MULTI}/lib*.so* /usr/share/zoneinfo/** /usr/share/locale/**
/usr/share/ca-certificates/** /usr/lib/locale/** /usr/share/icu/[0-9]*.[0-9]*/*.dat /sys/devices/system/cpu/
/sys/devices/system/cpu/** /sys/kernel/mm/transparent_hugepage/* /sys/fs/cgroup/** /run/systemd/journal/socket
/run/systemd/journal/stdout /run/nscd/* /run/user/[0-9]*/** /tmp/ /tmp/** /var/tmp/** /var/log/journal/**
/usr/share/fonts/** /usr/share/mime/** /usr/share/X11/locale/** /usr/share/terminfo/?/* /var/lib/nss/*.so
"""


def words(source: random.Random) -> str:
    return "".join(source.choices(SYLLABLES.split(), k=source.randrange(2, 5)))


def paths(source: random.Random, profile: str, count: int) -> Iterator[str]:
    """Make up *count* patterns of one profile."""
    roots = [f"/{root}/{profile}" for root in ("usr/lib", "usr/share", "etc", "var/lib", "opt", "srv/www")]
    folders = [f"{source.choice(roots)}/{words(source)}" for _ in range(max(4, count // 8))]
    for _ in range(count):
        folder = source.choice(folders)
        if source.random() < 0.5:
            folder += f"/{words(source)}"
        kind = source.random()
        if kind < 0.6:
            yield f"{folder}/{words(source)}.{source.choice(['conf', 'so', 'py', 'html', 'json', 'db'])}"
        elif kind < 0.8:
            yield f"{folder}/*"
        elif kind < 0.9:
            yield f"{folder}/lib{words(source)}*.so{{,.*}}"
        else:
            yield f"{folder}/**"


def rules(count: int) -> list[tuple[str, str]]:
    """Return *count* rules, each a pattern and who may do what, always the same ones."""
    source = random.Random(count)
    made = [(text, "all read") for text in ABSTRACTION.split()]
    for number in range(PROFILES):
        profile = f"{words(source)}{number}"
        own = paths(source, profile, count // PROFILES)
        made += [(text, f"{profile} {source.choice(['read', 'read', 'write', 'map'])}") for text in own]
    return made


def classes(raw: RawAutomaton, meanings: Sequence[frozenset[str]]) -> list[int]:
    """Number accept sets by what they mean together."""
    numbers: dict[frozenset[str], int] = {frozenset(): 0}
    joined = (frozenset().union(*(meanings[glob] for glob in accept)) for accept in raw.accepts)
    return [numbers.setdefault(meaning, len(numbers)) for meaning in joined]


def measure(count: int) -> None:
    """Print the line of *count* rules."""
    made = rules(count)
    meanings: dict[str, set[str]] = {}
    for text, meaning in made:
        meanings.setdefault(text, set()).add(meaning)
    clock = [time.process_time()]
    globs = [parse(text, VARIABLES) for text in meanings]
    clock.append(time.process_time())
    raw = determinise(globs)
    clock.append(time.process_time())
    numbers = classes(raw, list(map(frozenset, meanings.values())))
    clock.append(time.process_time())
    least = raw.minimise(numbers)
    clock.append(time.process_time())
    parsing, determinising, classifying, minimising = (after - before for before, after in pairwise(clock))
    figures = [len(made), len(globs), raw.states, least.states, max(numbers) + 1, len(least.cells) // 8]
    seconds = [parsing, determinising, minimising, parsing + determinising + minimising, classifying]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(*map("{:>7}".format, figures), f"{len(least.cells) / 2**20:>6.1f}", end=" ")
    print(*map("{:>6.2f}".format, seconds), f"{peak // 1024:>6}", flush=True)


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        measure(int(sys.argv[2]))
        return
    print("                 states  states                        |- CPU seconds -----------------|   peak")
    print(
        "  rules   globs     raw minimal classes   cells    MiB  parse  deter  minim  total  class    MiB", flush=True
    )
    for count in sys.argv[1:] or ["10000", "30000", "100000"]:
        subprocess.run([sys.executable, __file__, "--one", count], check=True)


if __name__ == "__main__":
    main()
