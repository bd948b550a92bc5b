"""`python -m pvbench`."""

import sys

from pvbench.cli import main

sys.exit(main())
