"""Guest tests: ``vagrant/run -k 6.12 -- python3 -m pytest tests/vm``, as root. `make test` runs them on all kernels."""

from collections.abc import Iterator

import pytest

from .lab import Lab, clear


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what does without the lab: once its programs are attached, nothing runs without krsi any more."""
    items.sort(key=lambda item: "lab" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """krsi's programs, attached; see lab.py."""
    with Lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture(autouse=True)
def _no_folder_left() -> Iterator[None]:
    yield
    clear()
