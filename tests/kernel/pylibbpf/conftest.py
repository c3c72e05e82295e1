"""The original wheels, each in an environment of its own, and the objects that the probe loads."""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import krsi

HERE = Path(__file__).parent
ROOT = HERE.parent.parent.parent
PACKAGE = Path(krsi.__file__).parent.parent
VERSIONS = {"3.11": "0.0.6", "3.12": "0.0.7", "3.13": "0.0.7"}
"""What pip gives each Python."""

TRACEFS = "mount -t tracefs tracefs /sys/kernel/tracing"


@pytest.fixture(scope="session")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("objects")
    include = f"/usr/include/{platform.machine()}-linux-gnu"
    for source in HERE.glob("*.bpf.c"):
        flags = ["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-I", include]
        subprocess.run(["clang", *flags, "-c", source, "-o", folder / f"{source.stem}.o"], check=True)
    return folder


def interpreter(version: str) -> Path | None:
    """Find a CPython of this version: the one that runs, one of pyenv's, or one in the path."""
    if version == ".".join(map(str, sys.version_info[:2])):
        return Path(getattr(sys, "_base_executable", sys.executable))
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    found = str(kept[-1]) if kept else shutil.which(f"python{version}")
    return Path(found) if found else None


@pytest.fixture(scope="session", params=VERSIONS)
def original(request: pytest.FixtureRequest) -> tuple[Path, str]:
    """An interpreter that has the original installed, and which version of it."""
    python = interpreter(request.param)
    if python is None:
        pytest.skip(f"no Python {request.param} here (Debian 12 has 3.11): its dialect was not compared")
    version = VERSIONS[request.param]
    folder = ROOT / "build" / f"pylibbpf-{request.param}"
    ready = folder / f"has-{version}"
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([python, "-m", "venv", folder], check=True)
        install = ["-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([folder / "bin/python", *install, f"pylibbpf=={version}", "cffi"], check=True)
        ready.touch()
    return folder / "bin/python", version


def say(python: Path, objects: Path, *dialect: str) -> str:
    """Run the probe where tracepoints can be attached, and return what it says without addresses."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    if dialect:
        environment["PYTHONPATH"] = str(PACKAGE)
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    script = f'{TRACEFS} && exec "$@"'
    run = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", python, HERE / "probe.py", objects, *dialect],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return re.sub(r"0x[0-9a-f]+", "0x", run.stdout)
