"""The work on the windows of a map: read, label, compress and keep, side by side."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bridges.machine.comm import SingleRank
from bridges.machine.dealer import deal_out
from bridges.maps.cog import Piece, encode
from bridges.maps.parts import PartFile, Place, discard, folder_of

if TYPE_CHECKING:
    from rasterio.windows import Window

    from bridges.machine.progress import Progress
    from bridges.maps.labelling import Labelling
    from bridges.scene.scene import Scene


@dataclasses.dataclass(frozen=True, eq=False)
class Work:
    """What is to be done.

    Attributes
    ----------
    scene : Scene
        The image.
    windows : list of Window
        Its windows, from the top left.
    labelling : Labelling
        Makes classes of them.
    threads : int
        Windows that are labelled and compressed at a time; one more is read.
    """

    scene: Scene
    windows: list[Window]
    labelling: Labelling
    threads: int


@dataclasses.dataclass(frozen=True, eq=False)
class Done:
    """Finished windows.

    Attributes
    ----------
    windows : list of Window
        All windows.
    places : dict of int to Place
        Where each is kept, by number.
    """

    windows: list[Window]
    places: dict[int, Place]

    def pieces(self, number: int) -> list[Piece]:
        """Return the windows of the ``number``-th raster, from the top left."""
        return [Piece.of(w, self.places[i], number) for i, w in enumerate(self.windows)]

    @property
    def label_s(self) -> float:
        """Seconds spent in the classifier by all threads."""
        return float(sum(place.about["label_s"] for place in self.places.values()))


@contextlib.contextmanager
def do_windows(work: Work, target: Path, progress: Progress) -> Iterator[Done]:
    """Do all windows; yield where they are kept, which is nowhere when the context is left.

    Parameters
    ----------
    work : Work
        What is to be done.
    target : Path
        The file that they are for: they are kept in a folder beside it.
    progress : callable
        Called with (pixels done, pixels in all).
    """
    folder = folder_of(target)
    discard(folder)
    folder.mkdir()
    try:
        parts = PartFile(folder, "part")
        with contextlib.closing(parts):
            places = _deal(work, parts, progress)
        yield Done(work.windows, places)
    finally:
        discard(folder)


def _deal(work: Work, parts: PartFile, progress: Progress) -> dict[int, Place]:
    places: dict[int, Place] = {}
    pixels = [int(window.height * window.width) for window in work.windows]
    done, total = 0, sum(pixels)
    gate = threading.Semaphore(work.threads)

    def do(number: int) -> Place:
        return _do(work, number, parts, gate)

    def hand_in(number: int, place: Place) -> None:
        nonlocal done
        places[number] = place
        done += pixels[number]
        progress(done, total)

    progress(done, total)
    deal_out(SingleRank(), range(len(pixels)), do, hand_in, work.threads + 1)
    return places


def _do(work: Work, number: int, parts: PartFile, gate: threading.Semaphore) -> Place:
    """Do one window: it is read while others have the processors."""
    stored = work.scene.read_stored(work.windows[number])
    with gate:
        started = time.perf_counter()
        classes = work.labelling.classes(stored)
        label_s = time.perf_counter() - started
        about, content = encode(classes[None])
    return parts.add(number, {"rasters": [about], "label_s": label_s}, content)
