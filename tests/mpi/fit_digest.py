"""Run under mpiexec: fit in every data mode and print one digest of the models' bytes."""

from __future__ import annotations

import hashlib
import sys

import numpy as np

from bridges.machine.comm import block_range, resolve
from classical.classifier import MPISVC
from classical.solver import decomposition


def samples(n: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    centres = np.random.default_rng(99).normal(size=(n_classes, 7)) * 1.5
    y = random.integers(0, n_classes, n)
    return centres[y] + random.normal(size=(n, 7)), y


def digest(model: MPISVC) -> str:
    parts = (model.support_.astype(np.int64), model.dual_coef_, model.intercept_)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()[:16]


def main() -> None:
    comm = resolve()
    decomposition.COARSE_FROM = 2000  # the coarse start, too
    results = []
    for n, n_classes in ((4500, 2), (900, 4), (600, 2)):  # the last: one stored dual on all ranks
        X, y = samples(n, n_classes)
        first, last = block_range(n, comm.size, comm.rank)
        if comm.size > 1 and n == 900:  # one rank holds nothing, one class lives on one rank
            order = np.argsort(y, kind="stable")
            X, y = X[order], y[order]
            idle = comm.rank == comm.size - 1
            first, last = (n, n) if idle else block_range(n, comm.size - 1, comm.rank)
        for mode in ("replicated", "scattered", "root"):
            given: tuple = (X, y)
            if mode == "scattered" and comm.size > 1:
                given = (X[first:last], y[first:last])
            if mode == "root" and comm.rank > 0:
                given = (None, None)
            model = MPISVC(C=10, gamma=0.5, data=mode).fit(*given)
            reference = digest(MPISVC(C=10, gamma=0.5, n_jobs=1).fit(X, y))
            assert digest(model) == reference, f"{mode} differs on rank {comm.rank}"
        shown = MPISVC(C=10, gamma=0.5).fit(*samples(n, n_classes))
        everywhere = comm.allgather(digest(shown))
        assert len(set(everywhere)) == 1, "ranks disagree"
        results.append(everywhere[0])
    if comm.rank == 0:
        sys.stdout.write(" ".join(results) + "\n")


if __name__ == "__main__":
    main()
