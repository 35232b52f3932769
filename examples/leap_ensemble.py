"""An ensemble on a QPU in one submission, resumed and replayed.

python examples/leap_ensemble.py            rehearses on a made-up chip, without an account
python examples/leap_ensemble.py --qpu RUN  runs on Leap for at most one QPU second, with its store
                                            in RUN, and goes on where it stopped when repeated
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import make_moons

from bridges.ensemble.bagging import KernelEnsemble
from qsvm.classifier import QuboSVC
from qsvm.samplers.leap.store import FILE_NAME


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--qpu", metavar="RUN", help="folder of the run")
    args = parser.parse_args()
    options = {"num_reads": 100, "chain_strength": "sweep", "max_qpu_seconds": 1.0}
    if args.qpu:
        resume = (Path(args.qpu) / FILE_NAME).exists()
        name, options = "qpu", options | {"store": args.qpu, "resume": resume}
    else:
        name, options = "mock-qpu", options | {"chip": "advantage2-small"}

    X, y = make_moons(400, noise=0.25, random_state=0)
    member = QuboSVC(C=3.0, n_bits=1, gamma=1.0, sampler=name, sampler_params=options)
    model = KernelEnsemble(member, n_members=5, member_size=30, random_state=0)
    model.fit(X[::2], y[::2])

    print(f"{name}: accuracy {model.score(X[1::2], y[1::2]):.3f}")
    print(f"QPU time {model.fit_report_.qpu_s:.4f} s, queue {model.fit_report_.queue_s:.2f} s")
    print(f"broken chains {100 * (model.diagnostics_.chain_break_fraction or 0):.1f} %")
    for control, estimator in model.null_controls().items():
        score = estimator.fit(X[::2], y[::2]).score(X[1::2], y[1::2])
        print(f"null control {control}: accuracy {score:.3f}")
    majority = np.bincount(y[1::2]).max() / len(y[1::2])
    print(f"largest class: {majority:.3f}")


if __name__ == "__main__":
    main()
