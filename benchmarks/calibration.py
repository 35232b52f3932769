"""How well probabilities are calibrated, beside scikit-learn's calibration of the same SVM.

    python benchmarks/calibration.py --data shared/data --seeds 0 1 2 3
    python benchmarks/calibration.py --data shared/data --models mpi-svc

The last column is what perfectly calibrated probabilities of the same test samples would show.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bridges import make
from bridges.calibration.learning import METHODS
from bridges.calibration.scores import calibration_scores
from bridges.run.load import DataSpec, load_inputs
from bridges.samples.scaling import make_scaler

# beside this file lies another classical.py
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]

SCENE = "scenes/nc_raleigh_l7_2000"
PEER_C = {"mpi-svc": 1.0, "qubo-ensemble": 3.0}
"""The models' own defaults."""


def data_sets(folder: Path, seeds: list[int]) -> Iterator[tuple[str, Any, Any, Any, Any]]:
    """Yield name, training samples and labels, test samples and labels; scaled."""
    with np.load(folder / "tables/statlog_landsat.npz") as data:
        parts = [data[key] for key in ("X_train", "y_train", "X_test", "y_test")]
    yield ("statlog", *parts)
    files = {"image": "image.tif", "labels": "labels.tif", "groups": "polygon_id.tif"}
    paths = {key: str(folder / SCENE / name) for key, name in files.items()}
    for seed in seeds:
        inputs = load_inputs(DataSpec(**paths, split="random"), test_size=0.5, seed=seed)
        yield (f"raleigh {seed}", *inputs.train, *inputs.test)


def expected_error(probabilities: Any, draws: int = 100) -> float:
    """Return the mean calibration error where the probabilities are the truth."""
    random, sums = np.random.default_rng(0), probabilities.cumsum(axis=1)
    errors = []
    for _ in range(draws):
        codes = (sums > random.random(len(sums))[:, None]).argmax(axis=1)
        errors.append(calibration_scores(probabilities, codes)["ece"])
    return float(np.mean(errors))


def peer(name: str, X: Any, y: Any) -> Any:
    """Return scikit-learn's calibrated SVM."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import SVC

    return CalibratedClassifierCV(SVC(C=PEER_C[name])).fit(X, y)


def main() -> None:
    """Print a line for every data set, model and method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the shared data")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[0], help="random halves of Raleigh"
    )
    parser.add_argument("--models", nargs="+", default=list(PEER_C), choices=PEER_C)
    parser.add_argument("--methods", nargs="+", default=["sigmoid"], choices=METHODS)
    args = parser.parse_args()
    print(
        "data, model, method | ece, log loss, accuracy, s | peer: ece, log loss | ratio | at best"
    )
    for data, X, y, X_test, y_test in data_sets(args.data, args.seeds):
        scaler = make_scaler("standard").fit(X)
        X, X_test = scaler.transform(X), scaler.transform(X_test)
        codes = np.searchsorted(np.unique(y), y_test)
        for name in args.models:
            p = peer(name, X, y).predict_proba(X_test)
            other = calibration_scores(p, codes)
            for method in args.methods:
                seeded = {"random_state": 0} if name == "qubo-ensemble" else {}
                started = time.perf_counter()
                model = make(name, calibrate=method, **seeded)
                p = model.set_params(random_state=0).fit(X, y).predict_proba(X_test)
                spent = time.perf_counter() - started
                own = calibration_scores(p, codes)
                print(
                    f"{data}, {name}, {method} | {own['ece']:.4f}, {own['log_loss']:.4f}, "
                    f"{np.mean(p.argmax(axis=1) == codes):.4f}, {spent:.1f} | "
                    f"{other['ece']:.4f}, {other['log_loss']:.4f} | "
                    f"{own['log_loss'] / other['log_loss']:.3f} | {expected_error(p):.4f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
