import ast
import ctypes
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from krsi.bpf import libbpf, opts
from krsi.bpf.object import Opened
from krsi.errors import AbiError, KernelError

SOURCES = Path(libbpf.__file__).resolve().parent.parent
SYSTEM = Path("/usr/lib/x86_64-linux-gnu/libbpf.so.1")


def test_every_function_that_is_called_is_declared() -> None:
    """
    A misspelt name is found here and not by a user.
    """
    named = {
        node.attr
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "libbpf"
    }
    declared = {*libbpf._STATUS, *libbpf._POINTER, *libbpf._VALUE}
    assert named - declared - set(vars(libbpf)) == set()
    assert declared - named - {"libbpf_set_print", "libbpf_strerror", "libbpf_version_string"} == set()


def test_this_libbpf_has_every_function() -> None:
    """
    All that is declared can be bound in libbpf 1.1.
    """
    for name in (*libbpf._STATUS, *libbpf._POINTER, *libbpf._VALUE):
        assert callable(getattr(libbpf, name))


def test_the_table_has_no_name_twice() -> None:
    """
    A function is in one of the three groups.
    """
    assert len(libbpf._STATUS) + len(libbpf._POINTER) + len(libbpf._VALUE) == len(
        libbpf._STATUS | libbpf._POINTER | libbpf._VALUE
    )


def test_a_failure_has_the_kernel_s_errno() -> None:
    """
    A negative answer is an error with the function's name and the errno.
    """
    with pytest.raises(KernelError, match=r"^bpf_map_freeze: Bad file descriptor$") as caught:
        libbpf.bpf_map_freeze(-1)
    assert caught.value.errno == 9


def test_options_begin_with_their_size() -> None:
    """
    Whatever libbpf knows or does not know of a struct, it learns how much of it is filled.
    """
    assert opts.OpenOpts().sz == 16
    assert opts.BatchOpts(elem_flags=1).sz == 24
    assert opts.TestRunOpts().sz == 80


def test_warnings_go_to_logging_and_not_to_standard_error(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """
    What libbpf says without anybody asking is a log record.
    """
    with caplog.at_level(logging.INFO, logger="krsi"), pytest.raises(KernelError):
        libbpf.bpf_object__open_file(b"/nope.o", None)
    assert [record[:2] for record in caplog.record_tuples] == [("krsi.bpf.libbpf", logging.WARNING)]
    assert "/nope.o" in caplog.text
    assert capfd.readouterr().err == ""


def test_debugging_output_is_there_for_who_wants_it(caplog: pytest.LogCaptureFixture, programs: Path) -> None:
    """
    With the level at DEBUG libbpf's own debugging lines are records too, and without it they are not made.
    """
    with caplog.at_level(logging.DEBUG, logger="krsi.bpf.libbpf"):
        pointer = libbpf.bpf_object__open_file(os.fsencode(programs), None)
    libbpf.bpf_object__close(pointer)
    assert any("section" in record.message for record in caplog.records if record.levelno == logging.DEBUG)


def test_what_is_captured_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """
    Who asks for libbpf's words gets them alone, nested askers their own.
    """
    with libbpf.captured() as outer:
        with libbpf.captured() as inner, pytest.raises(KernelError):
            libbpf.bpf_object__open_file(b"/inner.o", None)
        with pytest.raises(KernelError):
            libbpf.bpf_object__open_file(b"/outer.o", None)
    assert ["/inner.o" in line for line in inner] == [True]
    assert ["/outer.o" in line for line in outer] == [True]
    assert caplog.text == ""


def test_another_libbpf_can_be_named(programs: Path) -> None:
    """
    KRSI_LIBBPF is the library that is loaded.
    """
    if not SYSTEM.exists():
        pytest.skip("no libbpf of the system's own here")
    program = (
        "import sys; from pathlib import Path; from krsi.bpf.object import Opened; from krsi.bpf import libbpf\n"
        "with Opened.from_file(Path(sys.argv[1])) as opened:\n"
        "    opened.maps['named'].autocreate = False\n"
        "    with opened.load() as loaded, loaded.attach(['count_entries']): print(sorted(loaded.maps)[:2])\n"
        "print('krsi._native' in sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, programs],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "KRSI_LIBBPF": str(SYSTEM)},
    )
    assert said.stdout == "['array', 'banks']\nFalse\n"


def test_a_library_that_is_not_there_is_an_error() -> None:
    """
    A wrong KRSI_LIBBPF is told with its path.
    """
    program = "from krsi.bpf import libbpf; libbpf.libbpf_version_string()"
    said = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "KRSI_LIBBPF": "/nope.so"},
    )
    assert said.returncode == 1
    assert "/nope.so" in said.stderr.splitlines()[-1]


def test_importing_loads_nothing() -> None:
    """
    A command that needs no kernel needs no libbpf.
    """
    program = (
        "import sys, krsi.abi, krsi.bpf.object, krsi.bpf.features, krsi.bpf.batch\n"
        "print('krsi._native' in sys.modules, 'libbpf' in open('/proc/self/maps').read())"
    )
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert said.stdout == "False False\n"


def test_an_object_is_opened_under_the_name_it_is_given(programs: Path) -> None:
    """
    The name of a file's object is the file's up to the first dot, and its data sections are called after it.
    """
    with Opened.from_bytes("other", programs.read_bytes()) as opened:
        assert "other.rodata" in opened.maps


def test_a_process_without_a_library_of_that_name_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A function that libbpf lacks is an error with the function's name, where it is used.
    """
    monkeypatch.setitem(libbpf._STATUS, "bpf_of_the_future", (ctypes.c_int,))
    with pytest.raises(AbiError, match=r"bpf_of_the_future\(\)"):
        _ = libbpf.bpf_of_the_future
