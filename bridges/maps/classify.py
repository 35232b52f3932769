"""From a classifier to a land-cover map: a cloud-optimised GeoTIFF, window by window.

Reading, labelling and compressing of different windows overlap: while as many threads as there are
cores work on windows, one more window is read. Finished windows lie on disk and are joined at the
end; no more than the windows in work are in memory.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridges.errors import DataError, UsageError
from bridges.machine.comm import Communicator, SingleRank, on_root, threads_per_rank
from bridges.machine.files import atomic_target
from bridges.machine.progress import Progress, no_progress
from bridges.machine.threads import default_threads
from bridges.maps.cog import Piece, Raster, counts_of, join
from bridges.maps.labelling import KernelRecipe, Labelling, labelling_for
from bridges.maps.parts import begin, discard, folder_of
from bridges.maps.windows import Estimate, cut_windows, estimate
from bridges.maps.work import Job, do_windows, key_of
from bridges.samples.labelled import class_name
from bridges.scene.palette import Color, class_palette
from bridges.scene.raster import write_errors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bridges.scene.scene import Scene

Predict = Callable[["NDArray[np.float64]"], "NDArray[Any]"]

WINDOW_ROWS, WINDOW_COLUMNS = 512, 2048
"""Pixels of the largest window: multiples of a tile, a million in all."""


@dataclass(frozen=True)
class MapSummary:
    """What a map holds.

    Attributes
    ----------
    path : Path
        The GeoTIFF.
    height, width : int
        Rows and columns.
    nodata : int
        Value of masked pixels: 0, or the type's largest value where 0 is a class.
    counts : dict of int to int
        Pixels per class code.
    n_masked : int
        Pixels that were not classified: nodata, NaN or hidden by a mask.
    pixel_area_m2 : float or None
        Area of a pixel; None where the coordinates are not metres.
    predict_s, total_s : float
        Seconds inside the classifier (of several threads, their mean), and in all.
    """

    path: Path
    height: int
    width: int
    nodata: int
    counts: dict[int, int]
    n_masked: int
    pixel_area_m2: float | None
    predict_s: float
    total_s: float


def no_estimate(expected: Estimate) -> None:
    """Tell nobody."""


def predict_map(
    classifier: Any | Predict,
    scene: Scene,
    path: str | Path,
    *,
    class_names: Mapping[int, str],
    class_colors: Mapping[int, Color] | None = None,
    n_jobs: int | None = None,
    comm: Communicator | None = None,
    resume: bool = False,
    progress: Progress = no_progress,
    told: Callable[[Estimate], None] = no_estimate,
) -> MapSummary:
    """Classify a scene into a GeoTIFF.

    The file is tiled, compressed and has overviews (a COG), a colour table, the class names as
    tags ``CLASS_<code>``, statistics, and equal bytes for equal predictions, whatever the ranks,
    threads and windows. It appears under its name when it is complete, or not at all.

    Parameters
    ----------
    classifier : estimator or callable
        A fitted classifier, or a pipeline that ends with one, of which kernel models are evaluated
        in compiled loops by all threads of all ranks; or a callable from values of shape
        (n, n_bands) to class codes of shape (n,), which is called for one window at a time.
    scene : Scene
        The image.
    path : path
        The file to write; an existing one is replaced.
    class_names : mapping of int to str
        Every code that the classifier may return.
    class_colors : mapping of int to (red, green, blue), optional
        Colours; others are chosen by name.
    n_jobs : int, optional
        Threads of each rank; None or -1 for all cores of this process, shared with its other ranks.
    comm : Communicator, optional
        Ranks that share the work; None is this process alone. The first one calls this, the others
        :func:`assist`; all have to see the image and the map's folder.
    resume : bool
        Go on with what an interrupted map of the same model and scene at the same path has left,
        and leave what is finished if this one fails.
    progress : callable
        Called with (pixels done, pixels in all).
    told : callable
        Called with what the map will take, before it is begun.

    Raises
    ------
    UsageError
        If the folder does not exist, or a map by a callable is to be resumed.
    DataError
        If a class code does not fit into 16 bits, or the image cannot be read.
    OSError
        If the disk is full or cannot be written to.
    """
    started = time.perf_counter()
    path, ranks = Path(path), comm or SingleRank()
    threads = _threads(ranks, n_jobs)
    prepared: list[Labelling] = []

    def prepare() -> Job:
        if not path.parent.is_dir():
            raise UsageError(f"There is no folder {path.parent}.", f"mkdir -p {path.parent}")
        dtype, nodata = storage(class_names)
        codes, recipe = tuple(sorted(class_names)), KernelRecipe.of(classifier)
        prepared.append(labelling_for(recipe or classifier, scene, codes, dtype, nodata))
        windows = cut_windows(scene, WINDOW_ROWS, WINDOW_COLUMNS)
        key = key_of(classifier, scene, windows, (codes, dtype), needed=resume)
        with write_errors(path):
            done = begin(folder_of(path), key, resume=resume)
        sharing = ranks.size if recipe else 1
        expected = estimate(scene, prepared[0], windows, threads, sharing, len(done))
        told(expected)
        merges = expected.merges
        return Job(path, scene, windows, recipe, codes, dtype, nodata, merges, key, done)

    with contextlib.ExitStack() as stack:
        if not resume:
            stack.callback(discard, folder_of(path))
        job = on_root(ranks, prepare)
        sharing = ranks if job.recipe else SingleRank()
        places = do_windows(job, lambda: prepared[0], threads, sharing, progress)
        pieces = [Piece.of(window, places[i], 0) for i, window in enumerate(job.windows)]
        with write_errors(path), atomic_target(path) as target:
            join(target, scene.grid, _raster(job, class_names, class_colors), pieces)
        discard(folder_of(path))
    counts = counts_of(piece.about for piece in pieces)
    return MapSummary(
        path=path,
        height=scene.height,
        width=scene.width,
        nodata=job.nodata,
        counts={code: counts.get(code, 0) for code in job.codes},
        n_masked=counts.get(job.nodata, 0),
        pixel_area_m2=_pixel_area(scene),
        predict_s=sum(place.about["label_s"] for place in places.values()) / threads / sharing.size,
        total_s=time.perf_counter() - started,
    )


def assist(comm: Communicator, n_jobs: int | None = None) -> None:
    """Do windows of the map that the first rank draws with :func:`predict_map`.

    Parameters
    ----------
    comm : Communicator
        The one that the first rank passes; this is another.
    n_jobs : int, optional
        Threads of this rank.
    """
    threads = _threads(comm, n_jobs)
    job: Job | None = on_root(comm, lambda: None)  # what the first rank prepares
    assert job is not None
    if job.recipe is not None:
        do_windows(job, job.labelling, threads, comm, no_progress)


def _threads(comm: Communicator, n_jobs: int | None) -> int:
    if comm.size > 1:
        return threads_per_rank(comm, n_jobs)
    return n_jobs if n_jobs is not None and n_jobs > 0 else default_threads()


def _raster(
    job: Job, class_names: Mapping[int, str], class_colors: Mapping[int, Color] | None
) -> Raster:
    """Return how the map is described."""
    names = {code: class_name(class_names, code) for code in job.codes}
    tags = {f"CLASS_{code}": name for code, name in names.items()}
    colors = class_palette(names, class_colors)
    return Raster(job.dtype, job.nodata, ("land cover class",), tags, colors)


def storage(class_names: Mapping[int, str]) -> tuple[str, int]:
    """Return the smallest type that holds the codes, and the value of masked pixels."""
    if not class_names or min(class_names) < 0 or max(class_names) > 65535:
        codes = f"{min(class_names)} … {max(class_names)}" if class_names else "none"
        raise DataError(
            f"A map holds class codes from 0 to 65535; these are {codes}.",
            "Recode the labels before training.",
        )
    if 0 not in class_names:
        return ("uint8" if max(class_names) <= 255 else "uint16"), 0
    if max(class_names) == 65535:
        raise DataError(
            "Class codes 0 and 65535 leave no value for masked pixels.", "Recode the labels."
        )
    return ("uint8", 255) if max(class_names) < 255 else ("uint16", 65535)


def _pixel_area(scene: Scene) -> float | None:
    if scene.crs is None or not scene.crs.is_projected:
        return None
    return float(abs(scene.transform.determinant) * scene.crs.linear_units_factor[1] ** 2)
