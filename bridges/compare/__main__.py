"""``python -m bridges.compare``."""

import sys

from bridges.compare.command import main

sys.exit(main())
