"""``python -m qsvm.predict MODEL --image …``: apply a saved model to another scene."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bridges.run import prediction


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return prediction.run("qsvm.predict", sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    raise SystemExit(main())
