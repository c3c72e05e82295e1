"""
Where an abstraction is looked for that a file includes and nothing given defines: in ``abstractions/`` beside it.

So one policy of a folder can be given alone. What is given wins: a file is looked at only for a name that is missing.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from krsi.policy.files import SUFFIXES
from krsi.policy.node import Items, Pairs, Scalar
from krsi.policy.source import Source
from krsi.policy.words import NAME

FOLDER = "abstractions"


def beside(sources: Sequence[Source]) -> list[str]:
    """Return files that may hold what *sources* include and do not define, each once."""
    defined = {name.text for _, item in _items(sources) for name in _scalars(item, "abstraction")}
    found: dict[str, None] = {}
    for file, item in _items(sources):
        for name in _scalars(item, "include"):
            if name.text not in defined and NAME.fullmatch(name.text):
                found.update(dict.fromkeys(_files(file, name.text)))
    return list(found)


def _items(sources: Sequence[Source]) -> Iterator[tuple[str, Pairs]]:
    for source in sources:
        yield from ((source.file, item) for item in source.items if isinstance(item, Pairs))


def _scalars(item: Pairs, key: str) -> Iterator[Scalar]:
    for name, value in item.entries:
        if name.text == key:
            values = value.nodes if isinstance(value, Items) else (value,)
            yield from (each for each in values if isinstance(each, Scalar))


def _files(file: str, name: str) -> Iterator[str]:
    folder = PurePath(file).parent
    if folder.name != FOLDER:
        folder /= FOLDER
    paths = (str(folder / f"{name}{suffix}") for suffix in SUFFIXES)
    return (path for path in paths if os.path.isfile(path))  # noqa: PTH113  a link is for the reader to refuse
