"""The ensemble experiment of the IGARSS 2020 paper, with null controls and statistics.

Twelve disjoint slices of 40 pixels, one annealed SVM each (B = 2, K = 3, ξ = 1, γ = 0.25, C given
by the encoding, the 20 lowest samples averaged), decision values averaged, against one exact SVM
per slice (control ``exact_same_members``), one exact SVM on all training pixels (``exact_all``),
random and constant coefficients.

    python examples/igarss2020.py                    # two-class sets of the built-in scene
    python examples/igarss2020.py --table im16.npz im40.npz   # your own: X_train, y_train, …
    python examples/igarss2020.py --sampler qpu      # on a quantum annealer

Started again, it computes only what is missing.

G. Cavallaro, D. Willsch, M. Willsch, K. Michielsen, M. Riedel: Approaching remote sensing image
classification with ensembles of support vector machines on the D-Wave quantum annealer. IGARSS
2020, 1973-1976.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from bridges.compare.command import main as compare
from bridges.run.console import guarded
from bridges.run.parser import Parser

CONFIG = """
scale = "standard"
[[classifier]]
label = "{slices} slices of {samples}"
name = "qubo-ensemble"
[classifier.params]
members = {slices}
member_size = {samples}
sampling = "slices"
combine = "mean"
sampler = "{sampler}"
C = "encoding"
base = 2
n_bits = 3
penalty = 1.0
gamma = 0.25
combination = "mean"
keep = 20
"""
PAIRS = (("shrubland", "herbaceous"), ("forest", "shrubland"))
N_TRAIN = 500


def write_two_class_tables(folder: Path, seed: int) -> list[Path]:
    """Write sets of two classes, 500 training pixels × 7 bands, drawn from the built-in scene."""
    from sklearn.model_selection import train_test_split

    from bridges.samples.pixels import labelled_pixels
    from bridges.scene.built_in import write_scene
    from bridges.scene.opening import open_scene

    paths = []
    with tempfile.TemporaryDirectory() as temporary:
        files = write_scene(temporary, seed=seed, height=320, width=320)
        for pair in PAIRS:
            data = labelled_pixels(open_scene(files.image), files.labels, classes=pair)
            train, test = train_test_split(
                np.arange(len(data.y)), train_size=N_TRAIN, stratify=data.y, random_state=seed
            )
            path = folder / f"{'-'.join(pair)}.npz"
            np.savez(
                path,
                X_train=data.X[train],
                y_train=data.y[train],
                X_test=data.X[test],
                y_test=data.y[test],
            )
            paths.append(path)
    return paths


def main(argv: list[str] | None = None) -> int:
    return guarded(lambda: experiment(argv))


def experiment(argv: list[str] | None) -> int:
    parser = Parser("python examples/igarss2020.py", description=__doc__.splitlines()[0])
    parser.add_argument("--table", nargs="+", type=Path, help="two-class tables (npz)")
    parser.add_argument("--out", type=Path, default=Path("runs/igarss2020"))
    parser.add_argument("--slices", type=int, default=12)
    parser.add_argument("--samples", type=int, default=40, help="pixels per slice")
    parser.add_argument("--sampler", default="neal")
    parser.add_argument("--seeds", type=int, default=1, help="repetitions of the annealing")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        tables = args.table or write_two_class_tables(Path(temporary), seed=0)
        config = Path(temporary) / "igarss2020.toml"
        config.write_text(CONFIG.format(**vars(args)), encoding="utf-8")
        command = ["--config", str(config), "--out", str(args.out), "--seeds", str(args.seeds)]
        for table in tables:
            command += ["--table", str(table)]
        return compare(command)


if __name__ == "__main__":
    sys.exit(main())
