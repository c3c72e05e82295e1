"""Where something stands in a policy file."""

import re
from dataclasses import dataclass

_LINE_BREAK = re.compile("\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Span:
    """
    A place in a file. ``line`` and ``column`` count from 1; ``length`` is in characters, at least 1.

    Line 0 is the file or folder as a whole.
    """

    file: str
    line: int
    column: int
    length: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


def lines_of(text: str) -> list[str]:
    """Return the lines of *text*, at least one. libyaml breaks at three more characters, which source.py refuses."""
    return _LINE_BREAK.split(text)
