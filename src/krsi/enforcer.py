"""A policy in force: the one object with a life. It ends when this object is closed, or with the process."""

import sys
import time
from contextlib import ExitStack
from pathlib import Path

from krsi.bpf.features import Kernel
from krsi.bpf.handle import Scope
from krsi.bpf.ringbuf import RingBuffer
from krsi.compiler.image import Image
from krsi.event.clock import BootClock
from krsi.event.decode import Decoder
from krsi.event.enrich import Enricher, Generation
from krsi.event.model import Event
from krsi.event.stream import Counts, Stream
from krsi.kernel_side import KernelSide
from krsi.policy.model import Policy
from krsi.support import programs_for, require

_GRACE_S = 0.1
"""At the end so long is waited for records that have a number and are not in the ring yet."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Enforcer(Scope):
    """
    Programs in the kernel that decide by one image, and the events that they tell.

    :param policy: what *image* was made of, to say which rule it was
    :raises UnsupportedError: this kernel cannot enforce the policy
    :raises KernelError: it refuses to, for lack of privilege as a rule
    """

    def __init__(self, policy: Policy, image: Image, elf: bytes, kernel: Kernel) -> None:
        require(kernel)
        self._clock = BootClock()
        mediated = frozenset[str]().union(*(profile.mediates() for profile in policy.profiles.values()))
        with ExitStack() as undo:
            self._side = undo.enter_context(KernelSide(elf, image, programs_for(mediated, kernel), kernel))
            self._side.check_paths(image)
            self._ring = undo.enter_context(RingBuffer(self._side.map("events").fd))
            self._stream = self._make_stream(policy, image)
            self._image = image
            self._side.attach()
            self._resources = undo.pop_all()

    def _make_stream(self, policy: Policy, image: Image) -> Stream:
        enricher = Enricher(_BOOT_ID.read_text().strip(), self._clock)
        enricher.add_generation(image.generation, Generation(policy, image.domains))
        return Stream(Decoder(self._side.abi), enricher, self._side.told, self._clock.now)

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of the programs that are attached."""
        return self._side.programs

    @property
    def counts(self) -> Counts:
        """What has come so far."""
        return self._stream.counts

    def confine(self, pidfd: int, profile: str) -> None:
        """
        Let the next exec of a task lead to *profile*, whatever the policy says.

        :raises KernelError: the task is gone
        """
        abi = self._side.abi
        unconfined = abi.unpack("task", bytes(abi.size("task")))
        value = abi.pack("task", {**unconfined, "onexec": self._image.number(profile) + 1})
        self._side.map("tasks").update(pidfd.to_bytes(4, sys.byteorder), value)

    def events(self) -> list[Event]:
        """Return what has happened since the last call; does not wait."""
        self._clock.anchor()
        return self._stream.events(iter(self._ring.drain(self._ring.capacity)))

    def last_events(self) -> list[Event]:
        """Return what has happened until now, and tell of all that is missing of it."""
        told = self._side.told()
        end = time.monotonic() + _GRACE_S
        found = self.events()
        while self._stream.waits_for(told) and time.monotonic() < end:
            time.sleep(_GRACE_S / 10)
            found += self.events()
        return found + self._stream.missing(told)

    def misses(self) -> dict[str, int]:
        """Return how often programs were skipped, by name: see :meth:`KernelSide.misses`."""
        return self._side.misses()

    def close(self) -> None:
        """Detach everything: tasks are released."""
        self._resources.close()
