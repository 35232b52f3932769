"""From data options to labelled samples, a split and a scaler."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import DataError, UsageError
from bridges.run.table_options import table_roles

if TYPE_CHECKING:
    import argparse

    from numpy.typing import NDArray

    from bridges.samples.labelled import LabelledData, Split
    from bridges.scene.built_in import SceneFiles
    from bridges.scene.scene import Scene


@dataclasses.dataclass(frozen=True, eq=False)
class Inputs:
    """Data of one run.

    Attributes
    ----------
    data : LabelledData
        Labelled samples.
    split : Split
        Which of them train and which test.
    scene : Scene or None
        The image, None for tables.
    truth : Path or None
        Labels to show beside the map: the built-in scene's full truth, or the labels given.
    label_field : str or None
        Field of ``truth`` that holds the classes, if it is a vector file.
    """

    data: LabelledData
    split: Split
    scene: Scene | None
    truth: Path | None
    label_field: str | None

    @property
    def train(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Training samples (n, d) and class codes (n,)."""
        return self.data.X[self.split.train], self.data.y[self.split.train]

    @property
    def test(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Test samples (n, d) and class codes (n,)."""
        return self.data.X[self.split.test], self.data.y[self.split.test]


def load_inputs(args: argparse.Namespace, make_scene: Callable[[], SceneFiles]) -> Inputs:
    """Read the data that the options name and split them.

    Parameters
    ----------
    args : Namespace
        With the options of :func:`bridges.run.options.add_data_options` and ``seed``.
    make_scene : callable
        Writes the built-in scene and returns its files; called where no data are named.

    Raises
    ------
    UsageError
        If the options contradict each other.
    DataError
        If the data cannot be used.
    """
    from bridges.samples.splits import make_split

    _check_combination(args)
    roles = table_roles(args)
    if roles.said() and not args.table:
        raise UsageError(
            "Options on the columns of a table are given without a table.", "Add --table FILE."
        )
    scene = truth = None
    if args.table:
        from bridges.samples.tables import load_table

        data = load_table(args.table, classes=args.classes, roles=roles)
    else:
        from bridges.samples.pixels import labelled_pixels
        from bridges.scene.opening import open_scene

        if args.image is None:
            files = make_scene()
            image, labels, groups, truth = files.image, files.labels, files.groups, files.truth
        else:
            image, labels, groups, truth = args.image, args.labels, args.groups, Path(args.labels)
        scene = open_scene(image, bands=args.bands, nodata=args.nodata, mask=args.mask)
        data = labelled_pixels(
            scene,
            labels,
            label_field=args.label_field,
            groups_path=groups,
            classes=args.classes,
        )
    kind = args.split or ("fixed" if data.fixed_split is not None else "random")
    split = make_split(
        data, kind, test_size=args.test_size, seed=args.seed, block_size=args.block_size
    )
    _check_classes(data, split)
    return Inputs(data, split, scene, truth, args.label_field)


def _check_combination(args: argparse.Namespace) -> None:
    scene_only = ("image", "labels", "label_field", "groups", "bands", "mask", "nodata")
    given = [name for name in scene_only if getattr(args, name) is not None]
    if args.table and given:
        raise UsageError(
            f"--table and --{given[0].replace('_', '-')} exclude each other.",
            "Give a table, or an image with labels.",
        )
    if args.image is not None and args.labels is None:
        raise UsageError(
            "--image needs labels to learn from.",
            "Add --labels FILE (a raster or vector file), or use python -m qsvm.predict MODEL "
            "--image FILE.",
        )
    if args.image is None and given:
        raise UsageError(f"--{given[0].replace('_', '-')} needs an image.", "Add --image FILE.")


def _check_classes(data: LabelledData, split: Split) -> None:
    present = np.unique(data.y[split.train])
    if len(present) < 2:
        names = ", ".join(data.class_names[int(code)] for code in present)
        raise DataError(
            f"The training samples are all of one class ({names}).",
            "Name at least two classes with --classes, or choose another --split.",
        )
