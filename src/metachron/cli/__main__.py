"""``python -m metachron.cli``: the command line where its script is not on the path."""

import sys

from metachron.cli.run import main

sys.exit(main())
