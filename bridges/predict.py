"""``python -m bridges.predict MODEL --image …``: apply a saved model to another scene."""

from __future__ import annotations

from bridges.run import prediction

COMMAND = prediction.command("bridges.predict")
main = COMMAND.main


if __name__ == "__main__":
    raise SystemExit(main())
