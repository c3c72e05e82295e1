"""Build steps that pyproject.toml cannot say: the BPF object (by make, which knows clang's flags) and the cffi part."""

import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildPy(build_py):
    """Puts krsi.bpf.o where package data is collected from."""

    def run(self) -> None:
        subprocess.run(["make", "--silent", "src/krsi/krsi.bpf.o"], check=True, cwd=Path(__file__).parent)
        super().run()


setup(
    cmdclass={"build_py": BuildPy},
    cffi_modules=["src/krsi/native/build.py:ffi"],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
