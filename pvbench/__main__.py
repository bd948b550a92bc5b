"""`python -m pvbench`."""

import sys

from pvbench.cli.main import main

sys.exit(main())
