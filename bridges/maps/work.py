"""The work on the windows of a map: read, label, compress and keep, on all threads of all ranks."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import pickle
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridges.errors import UsageError
from bridges.machine.comm import together
from bridges.machine.dealer import deal_out
from bridges.maps.choosing import chosen_labelling
from bridges.maps.cog import encode
from bridges.maps.labelling import Labelling
from bridges.maps.parts import PartFile, Place, folder_of
from bridges.maps.windows import widened
from bridges.scene.names import is_file_name
from bridges.scene.raster import write_errors

if TYPE_CHECKING:
    from rasterio.windows import Window

    from bridges.machine.comm import Communicator
    from bridges.machine.progress import Progress
    from bridges.maps.labelling import Confidence, KernelRecipe
    from bridges.scene.scene import Scene

VERSION = 1
"""Of the parts: those of another version are not gone on with."""


@dataclasses.dataclass(frozen=True, eq=False)
class Job:
    """What is to be done; plain values, which ranks can send.

    Attributes
    ----------
    path : Path
        The map.
    scene : Scene
        The image.
    windows : list of Window
        Its windows, from the top left.
    recipe : KernelRecipe or None
        The model; None for one that stays on the first rank, which then works alone.
    codes : tuple of int
        Class codes, ascending.
    dtype, nodata
        Of the map.
    confidence : Confidence or None
        Layers that are wanted beside classes.
    merges : bool
        Whether equal pixels are evaluated once.
    key : str
        What the windows depend on.
    finished : dict of int to Place
        Windows that an earlier run has done.
    """

    path: Path
    scene: Scene
    windows: list[Window]
    recipe: KernelRecipe | None
    codes: tuple[int, ...]
    dtype: str
    nodata: int
    confidence: Confidence | None
    merges: bool
    key: str
    finished: dict[int, Place]

    def labelling(self) -> Labelling:
        """Return how windows are labelled by the recipe."""
        of_map = (self.codes, self.dtype, self.nodata)
        return chosen_labelling(self.recipe, self.scene, *of_map, self.confidence)


def do_windows(
    job: Job,
    labelling: Callable[[], Labelling],
    threads: int,
    comm: Communicator,
    progress: Progress,
) -> dict[int, Place]:
    """Do all windows that are not finished; return where all are kept, on the first rank.

    All ranks call this together. ``threads`` windows of a rank are labelled and compressed at a
    time, while one more is read.
    """
    ready, parts = together(comm, lambda: _ready(job, labelling))
    pixels = [int(window.height * window.width) for window in job.windows]
    done, total = sum(pixels[i] for i in job.finished), sum(pixels)
    places = dict(job.finished)
    gate = threading.Semaphore(threads)

    def hand_in(number: int, place: Place) -> None:
        nonlocal done
        places[number] = place
        done += pixels[number]
        progress(done, total)

    if comm.rank == 0:
        progress(done, total)
    left = [i for i in range(len(pixels)) if i not in job.finished]

    def do(number: int) -> Place:
        return _do(job, ready, number, parts, gate)

    with contextlib.closing(parts):
        deal_out(comm, left, do, hand_in, threads + 1)
    return places


def _ready(job: Job, labelling: Callable[[], Labelling]) -> tuple[Labelling, PartFile]:
    """Return how this rank labels, and its file for finished windows."""
    ready = labelling()
    ready.merges = job.merges
    with write_errors(job.path):
        return ready, PartFile(folder_of(job.path), job.key)


def _do(
    job: Job, labelling: Labelling, number: int, parts: PartFile, gate: threading.Semaphore
) -> Place:
    """Do one window: it is read while others have the processors."""
    window, inner = widened(job.windows[number], labelling.halo, job.scene)
    stored = job.scene.read_stored(window)
    with gate:
        started = time.perf_counter()
        rasters = labelling.rasters(stored, inner)
        label_s = time.perf_counter() - started
        encoded = [encode(raster) for raster in rasters]
    told = {"rasters": [about for about, _ in encoded], "label_s": label_s}
    with write_errors(job.path):
        return parts.add(number, told, [piece for _, content in encoded for piece in content])


def key_of(
    classifier: Any,
    scene: Scene,
    windows: Sequence[Window],
    more: Sequence[Any],
    *,
    needed: bool,
) -> str:
    """Return a digest of all that the windows of a map depend on.

    A classifier that cannot be pickled gives a key that no other run has.

    Raises
    ------
    UsageError
        If a key that another run has is ``needed`` and there is none.
    """
    import joblib

    paths = dict.fromkeys([*(b.path for b in scene.bands), *(m.path for m in scene.masks)])
    files = [(str(path), *_state(path)) for path in paths]
    cut = [(int(w.col_off), int(w.row_off), int(w.width), int(w.height)) for w in windows]
    try:
        model = joblib.hash(classifier)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        if not needed:
            return uuid.uuid4().hex[:20]
        raise UsageError(
            f"A map by {classifier!r} cannot be gone on with: it cannot be told from others.",
            "Pass a fitted estimator, or leave resume out.",
        ) from error
    told = repr(
        (VERSION, files, scene.bands, scene.columns, scene.masks, scene.grid, cut, model, more)
    )
    return hashlib.sha256(told.encode()).hexdigest()[:20]


def _state(path: Path) -> tuple[int, int]:
    """Return size and time of the last change of a file; of one inside an archive, zeros."""
    if not is_file_name(path):
        return 0, 0
    found = path.stat()
    return found.st_size, found.st_mtime_ns
