"""`python -m aggregator.cli`, where the command itself is not on the path."""

import sys

from aggregator.cli import main

sys.exit(main())
