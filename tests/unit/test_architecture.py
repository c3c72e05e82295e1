"""Imports go one way (DESIGN.md, 5), and what touches the world is in few places."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import krsi

ROOT = Path(krsi.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

LAYERS = {
    "__init__": "",
    "__main__": "cli",
    "errors": "",
    "hooks": "",
    "bpf": "errors _native",
    "abi": "errors bpf",
    "policy": "errors",
    "compiler": "errors policy abi _native",
    "event": "errors hooks policy abi",
    "sink": "event",
    "support": "errors hooks bpf",
    "kernel_side": "errors bpf abi compiler",
    "trial": "policy abi compiler",
    "enforcer": "bpf policy compiler event support kernel_side",
    "pylibbpf": "errors bpf",
    "native": "",
}
"""What each part may import beside itself; cli may import all but pylibbpf."""

PRINTERS = {"cli", "__main__.py", "pylibbpf/perf.py"}
"""Where ``print`` stands; the wheel that pylibbpf imitates prints what its callbacks raise."""


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def part(path: Path) -> str:
    """Return the part of krsi that a module belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Return the names of all modules that a module imports, at whatever depth in its text."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: krsi imports by whole names"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def inner(path: Path) -> set[str]:
    """Return the parts of krsi that a module imports."""
    names = [name.split(".") for name in imported(path) if name.split(".")[0] == "krsi"]
    known = {part(each) for each in MODULES} | {"_native"}
    return {name[1] if len(name) > 1 and name[1] in known else "__init__" for name in names}


def called(path: Path) -> Iterator[str]:
    """Return what a module calls, as it is written."""
    nodes = ast.walk(parsed(path))
    return (ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call))


def within(path: Path, places: set[str]) -> bool:
    relative = path.relative_to(ROOT)
    return relative.parts[0] in places or str(relative) in places


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    own = part(path)
    allowed = (LAYERS.keys() - {"pylibbpf"}) if own == "cli" else set(LAYERS[own].split())

    assert inner(path) - {own} <= allowed


def test_no_layer_is_left_over() -> None:
    assert {part(path) for path in MODULES} == {*LAYERS, "cli"}


def test_layers_have_no_loop() -> None:
    left = {own: set(allowed.split()) & LAYERS.keys() for own, allowed in LAYERS.items()}
    while ready := [own for own, needs in left.items() if not needs & left.keys()]:
        left = {own: needs for own, needs in left.items() if own not in ready}

    assert left == {}


def test_only_one_module_reads_yaml() -> None:
    assert [path for path in MODULES if any(name.split(".")[0] == "yaml" for name in imported(path))] == [
        ROOT / "policy/source.py"
    ]


def test_only_one_module_loads_a_library() -> None:
    loads = {"CDLL", "PyDLL", "cdll", "LoadLibrary", "dlopen"}
    assert [path for path in MODULES if any(name.split(".")[-1] in loads for name in called(path))] == [
        ROOT / "bpf/libbpf.py"
    ]


def test_only_commands_print_and_exit() -> None:
    speaks = {"print", "exit", "quit", "sys.exit", "os._exit"}
    found = {path for path in MODULES if speaks & set(called(path))}

    assert [path for path in found if not within(path, PRINTERS)] == []


def test_only_commands_and_the_event_log_know_their_libraries() -> None:
    """
    structlog is the way of events out, and arguments are what commands have.
    """
    users = {
        name: {part(path) for path in MODULES if name in {each.split(".")[0] for each in imported(path)}}
        for name in ("structlog", "argparse")
    }

    assert users == {"structlog": {"sink"}, "argparse": {"cli"}}
