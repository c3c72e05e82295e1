"""The table of supported kernels."""

import tomllib
from dataclasses import dataclass, fields
from typing import Any

from .host import TREE, LabError

TABLE = TREE / "vagrant" / "kernels.toml"


@dataclass(frozen=True, slots=True)
class Kernel:
    """One row of kernels.toml."""

    name: str
    suite: str
    package: str
    note: str


def load() -> dict[str, Kernel]:
    """Return the rows of the table by name."""
    return parse(TABLE.read_text())


def parse(text: str) -> dict[str, Kernel]:
    """
    Read a table of kernels.

    :raises LabError: naming the row and the key that are wrong
    """
    try:
        rows = tomllib.loads(text).get("kernel", {})
    except tomllib.TOMLDecodeError as error:
        raise LabError(f"kernels.toml: {error}") from error
    if not rows:
        raise LabError("kernels.toml: no kernel in it; add a row under [kernel]")
    return {name: _kernel(name, row) for name, row in rows.items()}


def _kernel(name: str, row: Any) -> Kernel:
    wanted = {field.name for field in fields(Kernel)} - {"name"}
    if not isinstance(row, dict) or wanted ^ row.keys():
        raise LabError(f"kernels.toml: kernel {name!r} is {row!r}, should have {', '.join(sorted(wanted))}")
    for key, value in row.items():
        if not isinstance(value, str):
            raise LabError(f"kernels.toml: kernel {name!r}: {key} is {value!r}, should be a string")
    return Kernel(name, **row)
