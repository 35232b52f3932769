"""Run under mpiexec: descend with local samplers and print one digest of the models' bytes."""

from __future__ import annotations

import hashlib
import sys

import numpy as np

from bridges.machine.comm import resolve
from classical.hybrid.classifier import HybridSVC

OPTIONS = {
    "gamma": 0.3, "num_reads": 10, "block": 12, "blocks": 5, "steps": 6, "random_state": 3,
    "reference": False,
}  # fmt: skip


def samples(n: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    centres = np.random.default_rng(99).normal(size=(4, 7)) * 1.5
    y = random.integers(0, 4, n)
    return centres[y] + random.normal(size=(n, 7)), y


def main() -> None:
    comm = resolve()
    X, y = samples(600)
    checkpoint = sys.argv[1] if len(sys.argv) > 1 else None
    digests = []
    for kernel, given in (("rbf", X), ("precomputed", X @ X.T / 10)):
        model = HybridSVC(
            5, kernel=kernel, sampler="dense", sampler_params={"num_sweeps": 20},
            checkpoint=checkpoint, **OPTIONS,
        ).fit(given, y)  # fmt: skip
        parts = (model.support_.astype(np.int64), model.dual_coef_, model.intercept_)
        digests.append(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()[:16])
        told = [str(pair) for pair in model.hybrid_["pairs"]]
        digests.append(hashlib.sha256("".join(told).encode()).hexdigest()[:8])
    everywhere = comm.allgather(digests)
    assert all(other == everywhere[0] for other in everywhere), "ranks disagree"
    if comm.rank == 0:
        sys.stdout.write(" ".join(digests) + "\n")


if __name__ == "__main__":
    main()
