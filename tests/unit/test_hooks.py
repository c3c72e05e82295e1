"""A hook is a program of the object, an enumerator of the ABI, a row of hooks.py and a test in the guest."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from krsi.bpf import elf
from krsi.bpf.btf import Btf
from krsi.bpf.btf_types import Kind
from krsi.hooks import HOOKS
from krsi.kernel_side import LAST, object_abi, object_bytes
from krsi.policy.model import FILE_ACCESSES, MOUNT
from krsi.support import _FORMS

GUEST_TESTS = Path(__file__).parents[1] / "vm"
OBJECT = object_bytes()
ROWS = {hook.name for hook in HOOKS}


def sections(data: bytes) -> Iterator[str]:
    """Return the names of an ELF file's sections."""
    at, size, count, names = (elf._HEADER.unpack_from(data)[place] for place in (6, 11, 12, 13))
    headers = [elf._SECTION.unpack_from(data, at + number * size) for number in range(count)]
    strings = elf._content(data, headers[names])
    return (strings[header[0] :].split(b"\0", 1)[0].decode() for header in headers)


def marks(source: str) -> Iterator[str]:
    """Return the hooks that a module's tests are marked with: ``@pytest.mark.hook("file_open")``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.hook":
            yield from (ast.literal_eval(argument) for argument in node.args)


def test_programs_enumerators_and_rows_are_the_same() -> None:
    programs = {name.removeprefix("lsm/") for name in sections(OBJECT) if name.startswith("lsm/")}

    assert programs == ROWS
    assert set(object_abi(OBJECT).enum("hook").values) == ROWS


def test_a_hook_has_one_row() -> None:
    assert [name for name, count in Counter(hook.name for hook in HOOKS).items() if count > 1] == []


def test_programs_are_called_as_their_hooks() -> None:
    btf = Btf.of_elf(OBJECT)
    others = [name for forms in _FORMS.values() for name in forms.values()]

    names = [*(f"krsi_{name}" for name in sorted(ROWS)), *others, *LAST]
    assert [name for name in names if btf.find(name, Kind.FUNC) is None] == []


def test_every_access_is_decided_somewhere() -> None:
    assert frozenset[str]().union(*(hook.access or () for hook in HOOKS)) == {*FILE_ACCESSES, MOUNT}


def test_what_is_instead_of_a_hook_is_a_hook() -> None:
    named = {hook.instead.split(",")[0] for hook in HOOKS if hook.instead}

    assert named <= ROWS


def test_marks_are_found() -> None:
    source = '@pytest.mark.hook("file_open", "mmap_file")\n@pytest.mark.slow\ndef test_opening(): ...\n'

    assert list(marks(source)) == ["file_open", "mmap_file"]


def test_every_hook_is_tried_in_the_guest() -> None:
    tried = {name for path in GUEST_TESTS.glob("*.py") for name in marks(path.read_text())}

    assert tried == ROWS, (
        f"hooks without a test in tests/vm that is marked with them: {' '.join(sorted(ROWS - tried)) or 'none'}; "
        f"marks of what is no hook: {' '.join(sorted(tried - ROWS)) or 'none'}"
    )
