"""Accuracy over binary variables per member: what bits and the combination of samples are worth.

Run ``python benchmarks/learning_curve.py --plot FILE`` for the table and the picture of
docs/samples.md (ten minutes on two quiet cores), ``--quick`` for the smallest members alone.
For {1, 2, 3} bits, members of more and more pixels; the same samples of ``neal`` are averaged (the
20 lowest, the papers' rule) and mixed (hull), so the two differ by the combination alone. Beside
them the exact SVM on the same members. A variable is a bit of a coefficient of the largest dual: at
equal variables one bit has three times the pixels of three bits. Data: Statlog and svmguide1 where
``--tables DIR`` has them, else the built-in scene.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bridges.ensemble.bagging import KernelEnsemble
from bridges.registry import make_sampler
from qsvm.classifier import QuboSVC
from qsvm.samplers.base import ALL_CONSTRAINTS

TABLES = Path(__file__).resolve().parents[2] / "shared/data/tables"
BITS = (1, 2, 3)
VARIABLES = (12, 24, 48, 80)
"""Of a dual of two classes that share a member evenly; what is told is counted."""
C = 3.0
HEADER = """\
| data | bits | pixels per member | variables | mean: accuracy, gap | hull: accuracy, gap | \
exact, same members |
|---|---|---|---|---|---|---|"""


class Remembering:
    """A sampler that answers the same question, asked with the same seed, only once."""

    summary = "a sampler whose answers are kept"
    limits = "those of the sampler"
    handles = ALL_CONSTRAINTS

    def __init__(self, **options: Any) -> None:
        self.sampler = make_sampler("neal", **options)
        self.known: dict[tuple[int, int], Any] = {}

    def sample(
        self, problems: Any, seeds: Any, *, n_jobs: int | None = None, progress: Any = None
    ) -> list[Any]:
        """Sample what has not been asked yet; ``progress`` is not told of what was."""
        keys = [(seed, p.n_variables) for p, seed in zip(problems, seeds, strict=True)]
        new = [index for index, key in enumerate(keys) if key not in self.known]
        told = {} if progress is None else {"progress": progress}
        batches = self.sampler.sample(
            [problems[i] for i in new], [seeds[i] for i in new], n_jobs=n_jobs, **told
        )
        self.known.update(zip([keys[i] for i in new], batches, strict=True))
        return [self.known[key] for key in keys]


def sources(folder: Path) -> dict[str, tuple[float | str, int, tuple[Any, Any, Any, Any]]]:
    """Return γ, pixels of a member per pixel of a dual, and train and test sets, by name."""
    if (folder / "statlog_landsat.npz").exists():
        statlog = _parts(np.load(folder / "statlog_landsat.npz"))
        guide = _parts(np.load(folder / "svmguide1.npz"))
        low, high = statlog[0].min(axis=0), statlog[0].max(axis=0)
        mean, scale = guide[0].mean(axis=0), guide[0].std(axis=0)
        return {
            "Statlog": (1.0, 3, _scaled(statlog, low, high - low)),
            "svmguide1": ("scale", 1, _scaled(guide, mean, scale)),
        }
    return {"built-in scene": ("scale", 3, _scene())}


def _parts(table: Any) -> tuple[Any, Any, Any, Any]:
    names = ("X_train", "y_train", "X_test", "y_test")
    return tuple(table[name].astype(float) for name in names)  # type: ignore[return-value]


def _scaled(parts: Any, shift: Any, scale: Any) -> tuple[Any, Any, Any, Any]:
    return (parts[0] - shift) / scale, parts[1], (parts[2] - shift) / scale, parts[3]


def _scene() -> tuple[Any, Any, Any, Any]:
    """Return 3 000 pixels of the built-in scene to train and 4 000 to test, standardised."""
    from bridges.samples.pixels import labelled_pixels
    from bridges.scene.built_in import write_scene
    from bridges.scene.opening import open_scene

    with tempfile.TemporaryDirectory() as folder:
        files = write_scene(folder, seed=0)
        data = labelled_pixels(open_scene(files.image), files.truth)
        order = np.random.default_rng(0).permutation(len(data.y))[:7000]
        X, y = data.X[order].astype(float), data.y[order]
    train = X[:3000]
    return _scaled((train, y[:3000], X[3000:], y[3000:]), train.mean(axis=0), train.std(axis=0))


def curve(data: Any, members: int, seeds: int, variables: tuple[int, ...]) -> list[dict[str, Any]]:
    """Return one row per bits and member size: accuracies and gaps, means over seeds."""
    gamma, share, parts = data
    rows = []
    for bits in BITS:
        for wanted in variables:
            size = max(4, share * wanted // bits)
            started = time.perf_counter()
            found = [point(gamma, parts, members, bits, size, seed) for seed in range(seeds)]
            row = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
            row |= {"bits": bits, "pixels": size}
            rows.append(row)
            seconds = time.perf_counter() - started
            print(f"{bits} bits, {size} pixels: {seconds:.0f} s", file=sys.stderr)
    return rows


def point(
    gamma: float | str, parts: Any, members: int, bits: int, size: int, seed: int
) -> dict[str, float]:
    """Return accuracies and gaps of one ensemble, its samples combined in both ways."""
    X, y, X_test, y_test = parts
    sampler = Remembering()
    common = {"sampler": sampler, "C": C, "gamma": gamma, "n_bits": bits}
    told = {}
    for rule in ("hull", "mean"):
        member = QuboSVC(combination=rule, **common)
        model = KernelEnsemble(member, n_members=members, member_size=size, random_state=seed)
        model.fit(X, y)
        told[rule] = model.score(X_test, y_test)
        told[f"{rule} gap"] = model.diagnostics_.energy_gap_mean
        told["variables"] = model.fit_report_.n_variables
    exact = model.null_controls()["exact_same_members"].fit(X, y)
    return told | {"exact": exact.score(X_test, y_test)}


def draw(curves: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Draw accuracy over variables, one panel per data set."""
    from bridges.report.plots import new_figure, palette, save_figure

    figure, axes = new_figure(4.3 * len(curves), 3.4, len(curves))
    for ax, (source, rows) in zip(np.ravel(axes), curves.items(), strict=True):
        for bits, colour in zip(BITS, palette(len(BITS)), strict=True):
            mine = [row for row in rows if row["bits"] == bits]
            x = [row["variables"] for row in mine]
            for rule, style in (("hull", "o-"), ("mean", "s--"), ("exact", ":")):
                label = f"{bits} bit{'s' * (bits > 1)}, {rule}" if rule != "exact" else None
                ax.plot(x, [row[rule] for row in mine], style, color=colour, ms=4, label=label)
        ax.set(xscale="log", title=source, xlabel="binary variables per member and dual")
        ticks = [10, 20, 40, 80]
        ax.set_xticks(ticks, [str(tick) for tick in ticks])
        ax.minorticks_off()
    np.ravel(axes)[0].set_ylabel("accuracy")
    title = "dotted: exact SVM, same members"
    np.ravel(axes)[-1].legend(fontsize=7, frameon=False, title=title, title_fontsize=7)
    save_figure(figure, path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--tables", type=Path, default=TABLES, help="folder of the tables")
    parser.add_argument("--members", type=int, default=5, help="members of each ensemble")
    parser.add_argument("--seeds", type=int, default=1, help="ensembles behind each number")
    parser.add_argument("--quick", action="store_true", help="the smallest members alone")
    parser.add_argument("--plot", type=Path, help="write the picture here")
    options = parser.parse_args()
    curves = {}
    print(HEADER)
    for source, data in sources(options.tables).items():
        variables = VARIABLES[:2] if options.quick else VARIABLES
        curves[source] = curve(data, options.members, options.seeds, variables)
        for row in curves[source]:
            cells = " | ".join(
                f"{row[rule]:.3f}, {100 * row[f'{rule} gap']:.2g} %" for rule in ("mean", "hull")
            )
            size = f"{row['bits']} | {row['pixels']} | {row['variables']:.0f}"
            print(f"| {source} | {size} | {cells} | {row['exact']:.3f} |", flush=True)
    if options.plot:
        draw(curves, options.plot)


if __name__ == "__main__":
    main()
