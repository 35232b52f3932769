"""From a classifier to a land-cover map: a cloud-optimised GeoTIFF, window by window.

Reading, labelling and compressing of different windows overlap: while as many threads as there are
cores work on windows, one more window is read. Finished windows lie on disk and are joined at the
end; no more than the windows in work are in memory.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridges.errors import DataError, UsageError
from bridges.machine.comm import Communicator, SingleRank, on_root, threads_per_rank
from bridges.machine.digest import array_digest
from bridges.machine.files import atomic_target
from bridges.machine.progress import Progress, no_progress
from bridges.machine.threads import default_threads
from bridges.maps.choosing import chosen_labelling
from bridges.maps.cog import Piece, Raster, counts_of, join
from bridges.maps.confidence import OUTSIDE, confidence_raster
from bridges.maps.labelling import Confidence, KernelRecipe, Labelling
from bridges.maps.parts import Place, begin, discard, folder_of
from bridges.maps.sieving import sieve_places
from bridges.maps.smoothing import STRENGTH
from bridges.maps.windows import Estimate, cut_windows, estimate
from bridges.maps.work import Job, do_windows, key_of
from bridges.samples.labelled import class_name
from bridges.scene.palette import Color, class_palette
from bridges.scene.raster import write_errors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bridges.accuracy.applicability import Applicability
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
    n_outside : int or None
        Pixels outside the area of applicability, where that was asked for.
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
    n_outside: int | None
    predict_s: float
    total_s: float

    @property
    def inside_share(self) -> float | None:
        """Share of the classified pixels inside the area of applicability, where it is known."""
        if self.n_outside is None:
            return None
        return 1 - self.n_outside / max(1, sum(self.counts.values()))


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
    confidence: str | Path | None = None,
    applicability: Applicability | None = None,
    smooth: int = 0,
    sieve: int = 0,
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
    confidence : path, optional
        Another file to write: how sure each pixel is (:mod:`bridges.maps.confidence`), by the
        probabilities of a calibrated classifier. Both files appear when both are complete.
    applicability : Applicability, optional
        Of the classifier's training pixels: adds the dissimilarity and the area of applicability to
        ``confidence``.
    smooth : int
        Edge in pixels, odd, of the neighbourhood that smooths the probabilities of a calibrated
        classifier (:mod:`bridges.maps.smoothing`); 0 for none.
    sieve : int
        Patches of fewer pixels go to their largest neighbour (:mod:`bridges.maps.sieving`); 0 for
        none. Layers of confidence stay as they are.
    progress : callable
        Called with (pixels done, pixels in all).
    told : callable
        Called with what the map will take, before it is begun.

    Raises
    ------
    UsageError
        If the folder does not exist, a map by a callable is to be resumed, or confidence is asked
        of a classifier without probabilities.
    DataError
        If a class code does not fit into 16 bits, or the image cannot be read.
    OSError
        If the disk is full or cannot be written to.
    """
    started = time.perf_counter()
    path, ranks = Path(path), comm or SingleRank()
    threads = _threads(ranks, n_jobs)
    sure = None if confidence is None else Path(confidence)
    layers = _wanted(sure, applicability, smooth)
    prepared: list[Labelling] = []

    def prepare() -> Job:
        for target in (path, sure or path):
            if not target.parent.is_dir():
                raise UsageError(
                    f"There is no folder {target.parent}.", f"mkdir -p {target.parent}"
                )
        dtype, nodata = storage(class_names)
        codes, recipe = tuple(sorted(class_names)), KernelRecipe.of(classifier)
        labelling = chosen_labelling(recipe or classifier, scene, codes, dtype, nodata, layers)
        prepared.append(labelling)
        windows = cut_windows(scene, WINDOW_ROWS, WINDOW_COLUMNS)
        key = key_of(classifier, scene, windows, (codes, dtype, _told(layers)), needed=resume)
        with write_errors(path):
            done = begin(folder_of(path), key, resume=resume)
        sharing = ranks.size if recipe else 1
        expected = estimate(scene, labelling, windows, threads, sharing, len(done))
        told(expected)
        of_map = (codes, dtype, nodata, layers)
        return Job(path, scene, windows, recipe, *of_map, expected.merges, key, done)

    with contextlib.ExitStack() as stack:
        if not resume:
            stack.callback(discard, folder_of(path))
        job = on_root(ranks, prepare)
        sharing = ranks if job.recipe else SingleRank()
        places = do_windows(job, lambda: prepared[0], threads, sharing, progress)
        raster = _raster(job, class_names, class_colors, sieve)
        outside = None
        with write_errors(path), atomic_target(path) as target:
            kept = sieve_places(job, places, raster, sieve) if sieve > 1 else places
            pieces = _pieces(job, kept, 0)
            join(target, scene.grid, raster, pieces)
            if sure is not None:
                outside = _join_confidence(sure, job, _pieces(job, places, 1))
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
        n_outside=outside,
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


def _pieces(job: Job, places: Mapping[int, Place], number: int) -> list[Piece]:
    """Return the windows of the map (0) or of its confidence (1), from the top left."""
    return [Piece.of(window, places[i], number) for i, window in enumerate(job.windows)]


def _join_confidence(path: Path, job: Job, pieces: Sequence[Piece]) -> int | None:
    """Write the layers of confidence; return how many pixels lie beyond where it is known."""
    known = job.confidence.applicability if job.confidence else None
    with write_errors(path), atomic_target(path) as target:
        join(target, job.scene.grid, confidence_raster(known), pieces)
    if known is None:
        return None
    return counts_of((piece.about for piece in pieces), OUTSIDE).get(1, 0)


def _wanted(sure: Path | None, known: Applicability | None, smooth: int) -> Confidence | None:
    """Return what is asked of probabilities; None if nothing is."""
    if smooth and (smooth < 3 or smooth % 2 == 0):
        raise UsageError(
            f"A neighbourhood of {smooth} pixels has no middle.", "Use 3, 5, 7, … or 0 for none."
        )
    written = sure is not None
    return Confidence(known if written else None, smooth, written) if written or smooth else None


def _told(layers: Confidence | None) -> Any:
    """Return what the windows depend on beside the classifier."""
    if layers is None:
        return None
    known, asked = layers.applicability, (layers.smooth, layers.is_written)
    if known is None:
        return asked
    return array_digest((asked, known.mean_distance, known.threshold), [known.samples])


def _threads(comm: Communicator, n_jobs: int | None) -> int:
    if comm.size > 1:
        return threads_per_rank(comm, n_jobs)
    return n_jobs if n_jobs is not None and n_jobs > 0 else default_threads()


def _raster(
    job: Job, class_names: Mapping[int, str], class_colors: Mapping[int, Color] | None, sieve: int
) -> Raster:
    """Return how the map is described."""
    names = {code: class_name(class_names, code) for code in job.codes}
    tags = {f"CLASS_{code}": name for code, name in names.items()}
    if job.confidence is not None and job.confidence.smooth:
        size = job.confidence.smooth
        tags["SMOOTHED"] = f"{size} x {size} pixels, variance {STRENGTH:g}"
    if sieve > 1:
        tags["SIEVED"] = f"patches of fewer than {sieve} pixels"
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
