"""``python -m krsi``: the command line, from a checkout."""

import sys

from krsi.cli import main

sys.exit(main())
