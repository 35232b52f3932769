"""Maps of whole scenes: time, memory, and the share of both that is not the kernel.

A scene is made (int16, tiled, a field of classes with noise) and kept in ``--folder``. The map is
drawn in a process of its own, so that its memory is its own. Beside it: the compiled kernel loop
alone on the same pixels, in the same process, and scikit-learn's ``SVC.predict`` on some windows of
the same scene (``--peer-pixels``), scaled to all, and how many pixels get the same class.

    python benchmarks/maps.py scene                    # 8 000 × 8 000 × 7, 157 vectors, 6 classes
    python benchmarks/maps.py scene --vectors 5000 --size 2000
    python benchmarks/maps.py scene --size 10980 --bands 10 --vectors 5000    # as of Sentinel-2
    python benchmarks/maps.py real --scene ../shared/data/scenes/gewata_l7
    python benchmarks/maps.py layers --scene ../shared/data/scenes/gewata_l7 --vectors 3000

``layers`` draws maps with and without layers of confidence, in this process on one thread, and
prints seconds of processors and their ratios to the map of classes alone.
"""

from __future__ import annotations

import argparse
import json
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

# as a script, this file's folder comes first
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]

PATCH, NOISE = 20, 250
"""Pixels along an edge of a patch of one class, and standard deviation within a class."""


def make_scene(path: Path, size: int, bands: int, classes: int) -> None:
    """Write a scene tile row by tile row."""
    import rasterio
    from rasterio.transform import Affine
    from rasterio.windows import Window

    random = np.random.default_rng(0)
    means = random.uniform(500, 4000, (classes, bands))
    field = random.integers(0, classes, (size // PATCH + 1, size // PATCH + 1))
    tiles = {"tiled": True, "blockxsize": 512, "blockysize": 512, "BIGTIFF": "IF_SAFER"}
    shape = {"height": size, "width": size, "count": bands, "dtype": "int16", "nodata": -9999}
    place = {"crs": "EPSG:32632", "transform": Affine(30, 0, 5e5, 0, -30, 5e6)}
    with rasterio.open(path, "w", driver="GTiff", **shape, **tiles, **place) as target:
        for top in range(0, size, 512):
            rows = min(512, size - top)
            patch = field[np.arange(top, top + rows) // PATCH][:, np.arange(size) // PATCH]
            noise = random.normal(scale=NOISE, size=(bands, rows, size))
            values = means[patch].transpose(2, 0, 1) + noise
            stored = np.clip(values, 1, 10_000).astype(np.int16)
            target.write(stored, window=Window(0, top, size, rows))


def made(args: argparse.Namespace) -> tuple[Path, np.ndarray, np.ndarray]:
    """Return a made scene and as many labelled pixels as there are to be support vectors."""
    import rasterio

    folder = Path(args.folder)
    folder.mkdir(exist_ok=True)
    path = folder / f"scene-{args.size}-{args.bands}-{args.classes}.tif"
    if not path.exists():
        make_scene(path, args.size, args.bands, args.classes)
    with rasterio.open(path) as image:
        pixels = image.read(window=((0, 512), (0, min(2048, args.size))))
    X = pixels.reshape(args.bands, -1).T.astype(float)
    random = np.random.default_rng(1)
    X = X[random.choice(len(X), args.vectors, replace=False)]
    means = np.random.default_rng(0).uniform(500, 4000, (args.classes, args.bands))
    y = 1 + ((X[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    # of every class some are labelled wrongly, so that no pixel is beyond doubt
    wrong = random.random(len(y)) < 0.4
    y[wrong] = random.integers(1, args.classes + 1, int(wrong.sum()))
    return path, X, y


def real(args: argparse.Namespace) -> tuple[Path, np.ndarray, np.ndarray]:
    """Return a scene of the shared data and as many labelled pixels of every class."""
    from bridges.samples.pixels import labelled_pixels
    from bridges.scene.opening import open_scene

    folder = Path(args.scene)
    data = labelled_pixels(open_scene(folder / "image.tif"), folder / "labels.tif")
    random = np.random.default_rng(0)
    each = args.vectors // len(np.unique(data.y))
    rows = [random.choice(np.flatnonzero(data.y == c), each) for c in np.unique(data.y)]
    chosen = np.concatenate(rows)
    return folder / "image.tif", data.X[chosen], data.y[chosen]


def draw(args: argparse.Namespace) -> None:
    """Draw the map; run by :func:`measure` in a process of its own."""
    from bridges.maps.classify import predict_map
    from bridges.scene.opening import open_scene

    with open(args.model, "rb") as file:
        model = pickle.load(file)
    names = {int(code): f"class {code}" for code in model[-1].classes_}
    started, cpu = time.perf_counter(), time.process_time()
    told: list[Any] = []
    summary = predict_map(
        model, open_scene(args.image), args.out, class_names=names, told=told.append
    )
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - started,
                "cpu_seconds": time.process_time() - cpu,
                "expected": told[0].seconds,
                "memory_mb": largest_memory(),
                "kernel_ns": bare_kernel(model, open_scene(args.image)),
                "pixels": summary.height * summary.width,
                "megabytes": Path(args.out).stat().st_size / 1e6,
            }
        )
    )


def largest_memory() -> float:
    """Return the largest resident memory of this process in MB.

    getrusage would count what its parent held when it was started.
    """
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    status = dict(line.split(":", 1) for line in lines)
    return int(status["VmHWM"].split()[0]) / 1024


def bare_kernel(model: Any, scene: Any, repeats: int = 5) -> float:
    """Return nanoseconds of processor time a pixel of the compiled expansion, nothing else."""
    from bridges.svm.fused import packed_for
    from bridges.svm.fused_loops import accumulate_rows

    expansion = model[-1].expansion()
    evaluator, packed = packed_for(expansion.kernel, expansion.support_vectors, expansion.coef.T)
    values, valid = scene.read(scene.windows(256, 256)[0])
    few = max(256, min(16_384, 4_000_000 // len(expansion.support)))
    Z = evaluator.prepare(model[:-1].transform(values[valid][:few]))
    out = np.zeros((len(Z), len(expansion.intercept)))
    spent = []
    for _ in range(repeats + 1):
        started = time.thread_time()
        accumulate_rows(Z, *packed, out, *evaluator.formula())
        spent.append(time.thread_time() - started)
    return 1e9 * statistics.median(spent[1:]) / len(Z)


def peer(theirs: Any, image: Path, drawn: Path, n_pixels: int) -> tuple[float, float]:
    """Return seconds a pixel of SVC.predict on some windows, and the share of equal classes."""
    import rasterio

    from bridges.scene.opening import open_scene

    scene = open_scene(image)
    spent = equal = seen = 0.0
    with rasterio.open(drawn) as dataset:
        for window in scene.windows(64, 128):
            values, valid = scene.read(window)
            started = time.perf_counter()
            found = theirs.predict(values[valid])
            spent += time.perf_counter() - started
            equal += float(np.sum(found == dataset.read(1, window=window)[valid]))
            seen += len(found)
            if seen >= n_pixels:
                break
    return spent / seen, equal / seen


def measure(args: argparse.Namespace) -> None:
    """Fit both, draw the map in a process of its own, and print medians."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    from classical.classifier import MPISVC

    path, X, y = made(args) if args.command == "scene" else real(args)
    # a small C makes most pixels of a made scene support vectors
    small = 0.1 if args.vectors < 1000 else 0.01
    C, gamma = (small, 0.1) if args.command == "scene" else (10.0, "scale")
    ours = make_pipeline(StandardScaler(), MPISVC(C, gamma=gamma)).fit(X, y)
    theirs = make_pipeline(StandardScaler(), SVC(C=C, gamma=gamma)).fit(X, y)
    print(f"{path}: {len(ours[-1].support_)} support vectors (SVC {len(theirs[-1].support_)})")
    runs, ratios = [], []
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        model, drawn = Path(folder) / "model.pickle", Path(folder) / "map.tif"
        model.write_bytes(pickle.dumps(ours))
        command = [sys.executable, __file__, "draw", "--model", str(model), "--image", str(path)]
        for _ in range(args.repeats):
            done = subprocess.run(
                [*command, "--out", str(drawn)], check=True, capture_output=True, text=True
            )
            runs.append(json.loads(done.stdout))
            each, equal = peer(theirs, path, drawn, args.peer_pixels)
            ratios.append(each * runs[-1]["pixels"] / runs[-1]["seconds"])
    show(runs, ratios, equal)


def layers(args: argparse.Namespace) -> None:
    """Print what calibration, layers of probabilities and dissimilarity cost a map."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from bridges.accuracy.applicability import Applicability
    from bridges.calibration import Calibrated
    from bridges.maps.classify import predict_map
    from bridges.scene.opening import open_scene
    from classical.classifier import MPISVC

    path, X, y = real(args) if args.scene else made(args)
    scaler = StandardScaler().fit(X)
    svm = MPISVC(10.0).fit(scaler.transform(X), y)
    sure = Calibrated(svm, random_state=0).fit_calibration(svm, scaler.transform(X), y)
    known = Applicability.from_training(scaler.transform(X))
    scene, names = open_scene(path), {int(code): f"class {code}" for code in svm.classes_}
    plain, calibrated = make_pipeline(scaler, svm), make_pipeline(scaler, sure)
    print(f"{path}: {len(svm.support_)} support vectors, {len(X)} training pixels")
    with tempfile.TemporaryDirectory() as folder:
        layer = {"confidence": Path(folder) / "confidence.tif"}
        cases = {
            "classes": (plain, {}),
            "likeliest classes": (calibrated, {}),
            "and probabilities": (calibrated, layer),
            "and dissimilarity": (calibrated, layer | {"applicability": known}),
            "smoothed, 5 x 5": (calibrated, {"smooth": 5}),
        }
        spent: dict[str, list[float]] = {name: [] for name in cases}
        for repeat in range(-1, args.repeats):  # the first loads machine code and does not count
            for name, (model, wanted) in cases.items():
                drawn, started = Path(folder) / "map.tif", time.process_time()
                predict_map(model, scene, drawn, class_names=names, n_jobs=1, **wanted)
                spent[name] += [time.process_time() - started] * (repeat >= 0)
    for name, seconds in spent.items():
        ratio = statistics.median(
            s / first for s, first in zip(seconds, spent["classes"], strict=True)
        )
        print(f"{name:18} {statistics.median(seconds):7.2f} s, {ratio:.2f}")


def show(runs: list[dict[str, float]], ratios: list[float], equal: float) -> None:
    """Print what was measured."""
    middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    kernel_s = middle["kernel_ns"] * middle["pixels"] / 1e9
    print(
        f"{middle['pixels'] / 1e6:.1f} million pixels: {middle['seconds']:.2f} s "
        f"(expected {middle['expected']:.1f}), {middle['cpu_seconds']:.2f} s of processors, "
        f"{middle['memory_mb']:.0f} MB resident, map of {middle['megabytes']:.1f} MB"
    )
    shares = statistics.median(
        run["kernel_ns"] * run["pixels"] / 1e9 / run["cpu_seconds"] for run in runs
    )
    print(f"bare kernel {kernel_s:.2f} s of processors: {shares:.2f} of the map's")
    print(
        f"SVC.predict on one core: {statistics.median(ratios):.1f} times as long; "
        f"equal classes {equal:.6f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0], allow_abbrev=False)
    parser.add_argument("command", choices=["scene", "real", "layers", "draw"])
    parser.add_argument("--size", type=int, default=8000)
    parser.add_argument("--bands", type=int, default=7)
    parser.add_argument("--vectors", type=int, default=157)
    parser.add_argument("--classes", type=int, default=6)
    parser.add_argument("--scene", help="folder with image.tif and labels.tif")
    parser.add_argument("--folder", default="/tmp/annealsvm-maps", help="where scenes are kept")
    parser.add_argument("--peer-pixels", type=int, default=30_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    parser.add_argument("--image", help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.command == "draw":
        draw(args)
    elif args.command == "layers":
        layers(args)
    else:
        measure(args)


if __name__ == "__main__":
    main()
