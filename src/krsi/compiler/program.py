"""Patterns as the bytes that native/nfa.c reads; native/nfa.h says what they mean."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from krsi.policy.glob import Either, Glob, Literal, Many, Node, OneOf

_END, _ONE, _MANY, _GROUP, _BRANCH = (bytes([0, op]) for op in range(5))


@dataclass(frozen=True, slots=True)
class Programs:
    """
    Programs of groups, then of patterns.

    :param sets: of bytes, 32 bytes each
    """

    data: bytes
    groups: int
    patterns: int
    sets: bytes


def programs(globs: Sequence[Glob]) -> Programs:
    """Return the programs of *globs*, in their order."""
    encoder = _Encoder()
    patterns = [encoder.sequence(glob.nodes) for glob in globs]
    data = _END.join([*encoder.groups, *patterns, b""])
    return Programs(data, len(encoder.groups), len(patterns), b"".join(map(_bitmap, encoder.sets)))


class _Encoder:
    """Numbers sets and groups, equal ones alike; a group comes behind those it holds."""

    def __init__(self) -> None:
        self.sets: dict[bytes, int] = {}
        self.groups: list[bytes] = []
        self._group_numbers: dict[Either, int] = {}

    def sequence(self, nodes: Iterable[Node]) -> bytes:
        return b"".join([node.data if isinstance(node, Literal) else self._instruction(node) for node in nodes])

    def _instruction(self, node: OneOf | Many | Either) -> bytes:
        if isinstance(node, Either):
            return _GROUP + _argument(self._group(node))
        number = self.sets.setdefault(node.members, len(self.sets))
        return (_ONE if isinstance(node, OneOf) else _MANY) + _argument(number)

    def _group(self, group: Either) -> int:
        if group not in self._group_numbers:
            program = _BRANCH.join(map(self.sequence, group.branches))
            self._group_numbers[group] = len(self.groups)
            self.groups.append(program)
        return self._group_numbers[group]


def _argument(number: int) -> bytes:
    return number.to_bytes(3, "little")


def _bitmap(members: bytes) -> bytes:
    return sum(1 << byte for byte in members).to_bytes(32, "little")
