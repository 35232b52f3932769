"""Run in a process of its own, to be killed: a descent along samples of ``qpu``.

Arguments: the checkpoint and the file for the digest of the model.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np

from classical.hybrid.classifier import HybridSVC


def main(checkpoint: str, target: str) -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 90)
    X = np.random.default_rng(7).normal(size=(3, 4))[y] * 1.2 + random.normal(size=(90, 4))
    model = HybridSVC(
        5, gamma=0.3, sampler="qpu", num_reads=20, block=6, blocks=4, steps=8, stop=1e-9,
        checkpoint=checkpoint, random_state=0, n_jobs=1,
    ).fit(X, y)  # fmt: skip
    told = model.dual_coef_.tobytes() + model.intercept_.tobytes()
    told += str(model.hybrid_["pairs"]).encode()
    Path(target).write_text(hashlib.sha256(told).hexdigest(), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
