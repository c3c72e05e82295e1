"""
The ABI, as pahole would print it: a change of what kernel and Python share shows up in review as a change of a file.

``KRSI_GOLDEN=write pytest tests/golden`` writes it anew.
"""

import os
from pathlib import Path

from krsi.kernel_side import object_abi, object_bytes

GOLDEN = Path(__file__).parent / "abi.txt"


def test_the_abi_is_the_golden_one() -> None:
    layout = object_abi(object_bytes()).layout()
    if os.environ.get("KRSI_GOLDEN") == "write":
        GOLDEN.write_text(layout)
    assert GOLDEN.read_text() == layout
