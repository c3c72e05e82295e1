"""What a policy file is made of before it means anything: texts, lists and mappings, each with its place."""

from dataclasses import dataclass

from krsi.policy.place import Span


@dataclass(frozen=True, slots=True)
class Scalar:
    """
    A piece of text. Whether it is a number or a truth value is for those to say who want one.

    :param quoted: whether it stands in quotes or is a block of text, and so is never a number
    :param inset: of its text from its place, in characters; None where escapes or line breaks make that inexact
    """

    text: str
    span: Span
    quoted: bool = False
    inset: int | None = 0

    def part(self, offset: int, length: int) -> Span:
        """Return the place of *length* characters at *offset* of the text; of all of it where that cannot be told."""
        if self.inset is None:
            return self.span
        at = self.span
        return Span(at.file, at.line, at.column + self.inset + offset, max(1, length))

    def __str__(self) -> str:
        return f'"{self.text}"' if self.quoted else f"'{self.text}'" if self.text else "nothing"


@dataclass(frozen=True, slots=True)
class Items:
    """A list. ``flow`` tells whether it is written in brackets."""

    nodes: "tuple[Node, ...]"
    span: Span
    flow: bool = False

    def __str__(self) -> str:
        return "a list"


@dataclass(frozen=True, slots=True)
class Pairs:
    """
    A mapping; no key stands in it twice.

    :param flow: whether it is written in braces
    :param whole: whether all that was written is here, so that what is not was not meant to be
    """

    entries: "tuple[tuple[Scalar, Node], ...]"
    span: Span
    flow: bool = False
    whole: bool = True

    def __str__(self) -> str:
        return "a mapping" if self.entries else "an empty mapping"


Node = Scalar | Items | Pairs
