"""
Say to cffi what ``krsi._native`` is made of: every ``.c`` of this folder, declared by the ``.h`` beside it.

API mode only: under PR_SET_MDWE callbacks made at run time (ABI mode) fail. Linking against libbpf is what makes
``ctypes.CDLL(krsi._native.__file__)`` find libbpf too, whether auditwheel put one into the wheel or the system has it.
"""

import re
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
SOURCES = sorted(HERE.glob("*.c"))
HEADERS = [source.with_suffix(".h") for source in SOURCES]


def declarations(header: Path) -> str:
    """Return what cffi's parser can read of *header*: everything but preprocessor lines."""
    return re.sub(r"(?m)^#.*\n", "", header.read_text())


ffi = FFI()
ffi.cdef("\n".join(declarations(header) for header in HEADERS))
ffi.set_source(
    "krsi._native",
    "\n".join(f'#include "{header.name}"' for header in HEADERS),
    sources=[str(source.relative_to(Path.cwd())) for source in SOURCES],
    include_dirs=[str(HERE)],
    extra_compile_args=["-std=c11", "-O2", "-Wall", "-Wextra"],
    libraries=["bpf"],
    py_limited_api=True,
)
