"""A classifier that kills its process after some windows."""

from __future__ import annotations

import os
import signal

import numpy as np

from bridges.maps import classify
from bridges.scene.opening import open_scene

NAMES = {1: "a", 2: "b"}
CALLS = [0]


class Dying:
    """Classes by the sum of the bands, until its last call."""

    def predict(self, values: np.ndarray) -> np.ndarray:
        CALLS[0] += 1
        if CALLS[0] == int(os.environ.get("DIES_AT", "0")):
            os.kill(os.getpid(), signal.SIGKILL)
        if CALLS[0] == int(os.environ.get("FAILS_AT", "0")):
            raise ValueError("lost")
        return 1 + (values.sum(axis=1) % 2).astype(int)


def draw(image: str, target: str, *, resume: bool) -> int:
    """Draw a map; return how many windows were labelled."""
    CALLS[0] = 0
    classify.WINDOW_ROWS = classify.WINDOW_COLUMNS = 256
    classify.predict_map(Dying(), open_scene(image), target, class_names=NAMES, resume=resume)
    return CALLS[0]
