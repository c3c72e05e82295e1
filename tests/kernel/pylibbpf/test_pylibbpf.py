import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import krsi.pylibbpf

from .conftest import say
from .differences import DIFFERENCES

CASE = re.compile(r"^(?P<case>[^ ].*?) (?P<said>-> |!! |ends the process )", re.MULTILINE)


Transcripts = tuple[str, dict[str, str], dict[str, str]]


def cases(transcript: str) -> dict[str, str]:
    """Return what was said in each case; a section's name stands before it."""
    found: dict[str, str] = {}
    section = case = ""
    for line in transcript.splitlines():
        if line.startswith("== "):
            section = case = line
        elif match := CASE.match(line):
            case = f"{section}: {match['case']}"
            assert case not in found, f"two cases are called {case}"
            found[case] = line[match.start("said") :]
        else:
            found[case] = f"{found.get(case, '')}\n{line}"
    return found


@pytest.fixture(scope="module")
def transcripts(original: tuple[Path, str], objects: Path) -> Transcripts:
    python, version = original
    return version, cases(say(python, objects)), cases(say(python, objects, version))


def test_the_same_is_asked_of_both(transcripts: Transcripts) -> None:
    """
    The probe gets through with the original and with ours, and asks the same questions: many.
    """
    _, theirs, ours = transcripts
    assert list(theirs) == list(ours)
    assert len(ours) > 1400


def test_nothing_differs_but_what_is_listed(transcripts: Transcripts) -> None:
    """
    Every answer is the original's, except in the listed cases, where it is the listed one.
    """
    version, theirs, ours = transcripts
    listed = {row.case: row for row in DIFFERENCES if version in row.dialects}
    for case, said in ours.items():
        row = listed.pop(case.split(": ", 1)[-1], None)
        if row is None:
            assert theirs[case] == said, case
        else:
            assert said.startswith(row.ours), case
            assert row.original is None or theirs[case] == row.original, case
    assert listed == {}


def run(program: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    script = 'mount -t tracefs tracefs /sys/kernel/tracing && exec "$@"'
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", sys.executable, "-c", program, *arguments],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
    )


def test_importing_the_original_s_name_needs_installing(objects: Path) -> None:
    """
    Until install() is called nothing is in the original's place; after it, its modules are all ours.
    """
    said = run(
        "import sys, krsi.pylibbpf; before = 'pylibbpf' in sys.modules; found = krsi.pylibbpf.install()\n"
        "import pylibbpf, pylibbpf.wrappers, pylibbpf.ir_to_ctypes, pylibbpf.pylibbpf\n"
        "from pylibbpf.wrappers import BpfObjectWrapper\n"
        "from pylibbpf import BpfObject, BpfException\n"
        "print(before, pylibbpf is found, issubclass(BpfObject, BpfObjectWrapper), 'llvmlite' in sys.modules)"
    )
    assert said.stdout == "False True True False\n", said.stderr


def test_the_dialect_is_the_one_pip_would_give() -> None:
    """
    And any other is refused by name.
    """
    assert krsi.pylibbpf.__version__ == ("0.0.6" if sys.version_info < (3, 12) else "0.0.7")
    with pytest.raises(ValueError, match=r"no dialect '0\.0\.5': 0\.0\.6 or 0\.0\.7"):
        krsi.pylibbpf.install("0.0.5")


def test_it_can_be_used_under_its_own_name(objects: Path) -> None:
    """
    Without installing anything.
    """
    said = run(
        "import sys; from krsi.pylibbpf import BpfObject, BpfMap\n"
        "it = BpfObject(sys.argv[1]); it.load(); it['h44'][1] = 2; print(it['h44'][1], isinstance(it['h44'], BpfMap))",
        str(objects / "cases.bpf.o"),
    )
    assert said.stdout == "2 True\n", said.stderr


def test_the_original_s_own_test_passes(tmp_path: Path) -> None:
    """
    tests/test_basic.py of the original's source package, the whole of its test suite, retold.
    """
    said = run(
        "import krsi.pylibbpf; krsi.pylibbpf.install('0.0.6')\n"
        "import pylibbpf as m\n"
        "assert m.__version__ == '0.0.6'\n"
        "prog = m.BpfObject('tests/execve2.o', structs={})\n"
        "print(prog)"
    )
    assert re.fullmatch(r"<pylibbpf\.BpfObject object at 0x[0-9a-f]+>\n", said.stdout), said.stderr


def test_a_failure_has_its_errno(objects: Path) -> None:
    """
    What the original hides in a text is a number here; what no call said has none.
    """
    said = run(
        "import sys; from krsi.pylibbpf import BpfObject, BpfException\n"
        "def number(case):\n"
        "    try: case()\n"
        "    except BpfException as error: return error.errno\n"
        "it = BpfObject(sys.argv[1]); print(number(it.get_map_names), number(BpfObject('/nope.o').load)); it.load()\n"
        "print(number(lambda: it['a48'].delete_elem(0)), number(it.get_program('sf').attach), number(it.load))\n"
        "print(number(BpfObject('/etc/passwd').load), number(lambda: it['h44'].update(1.5, 1)))",
        str(objects / "cases.bpf.o"),
    )
    assert said.stdout == "None 2\n22 95 None\n4001 None\n", said.stderr


def test_an_exception_in_a_callback_is_printed(objects: Path) -> None:
    """
    To standard error, with the callback's own frames, and polling goes on.
    """
    said = run(
        "import os, sys; from krsi.pylibbpf import BpfObject\n"
        "it = BpfObject(sys.argv[1]); it.load(); it['only'].update(os.getpid(), 1)\n"
        "def broken(cpu, data): raise ValueError('in a callback')\n"
        "buffer = it['pea'].open_perf_buffer(broken); it.get_program('tp').attach()\n"
        "os.getpgid(0); print(buffer.poll(1000))",
        str(objects / "cases.bpf.o"),
    )
    assert said.stdout == "1\n"
    assert "ValueError: in a callback" in said.stderr
    assert "in broken" in said.stderr
    assert "krsi" not in said.stderr


def test_a_buffer_lets_go_of_its_callback(objects: Path) -> None:
    """
    At once, and not when the garbage collector gets to it.
    """
    said = run(
        "import gc, sys, weakref; from krsi.pylibbpf import BpfObject; gc.disable()\n"
        "it = BpfObject(sys.argv[1]); it.load()\n"
        "class Callback:\n"
        "    def __call__(self, cpu, data): pass\n"
        "callback = Callback(); gone = weakref.ref(callback)\n"
        "it['pea'].open_perf_buffer(callback); del callback; print(gone() is None)\n"
        "it['pea'].open_perf_buffer(print); print(gone() is None)",
        str(objects / "cases.bpf.o"),
    )
    assert said.stdout == "False\nTrue\n", said.stderr


def test_nothing_stays_open(objects: Path) -> None:
    """
    Objects, links and perf buffers that were dropped leave no descriptor, however they ended.
    """
    said = run(
        "import os, sys; from krsi.pylibbpf import BpfObject, BpfException, PerfEventArray\n"
        "def life(path):\n"
        "    it = BpfObject(path, structs={'x': int}); it.load(); it.get_program('tp').attach()\n"
        "    buffer = it['pea'].open_perf_buffer(print); buffer.poll(0); other = it['texts'].open_perf_buffer(print)\n"
        "    for case in (it.attach_all, lambda: it['pea'].open_perf_buffer(print, page_cnt=3), it.load,\n"
        "                 lambda: BpfObject(path).load() or BpfObject(sys.argv[2]).load()):\n"
        "        try: case()\n"
        "        except BpfException: pass\n"
        "    bare = BpfObject(path); bare.load()\n"
        "    try: bare['pea'].open_perf_buffer(print, struct_name='x')\n"
        "    except BpfException: pass\n"
        "life(sys.argv[1]); before = len(os.listdir('/proc/self/fd'))\n"
        "for _ in range(20): life(sys.argv[1])\n"
        "print(len(os.listdir('/proc/self/fd')) - before)",
        str(objects / "cases.bpf.o"),
        str(objects / "refused.bpf.o"),
    )
    assert said.stdout == "0\n", said.stderr


def test_a_process_may_end_with_everything_open(objects: Path) -> None:
    """
    At exit the programs are detached and nothing complains.
    """
    said = run(
        "import os, sys; from krsi.pylibbpf import BpfObject\n"
        "it = BpfObject(sys.argv[1]); it.load(); it.get_program('tp').attach()\n"
        "buffer = it['pea'].open_perf_buffer(print); print('end')",
        str(objects / "cases.bpf.o"),
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "end\n", "")
