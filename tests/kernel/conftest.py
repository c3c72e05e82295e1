"""These tests need root and any kernel that loads BPF programs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
