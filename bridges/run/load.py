"""The one way from named files to labelled samples and a split, for training and comparing."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError, UsageError
from bridges.samples.splits import AUTO, split_kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.samples.domain import Domain
    from bridges.samples.labelled import LabelledData, Split
    from bridges.samples.reading import LabelReading
    from bridges.samples.roles import TableRoles
    from bridges.scene.scene import Scene

SCENE_ONLY = ("image", "labels", "label_field", "reading", "groups", "bands", "mask", "nodata")
"""What a table has not."""


@dataclasses.dataclass(frozen=True)
class DataSpec:
    """Where a data set comes from and how it is split.

    Attributes
    ----------
    name : str
        What it is called in tables, unique in a comparison.
    table : path or None
        A table file, or
    image, labels, groups : path or None
        a scene with its labels and, for whole polygons, its polygon numbers, or
    synthetic : bool
        the built-in scene.
    label_field : str or None
        Attribute of vector labels.
    reading : LabelReading or None
        How labels are read where their file does not say.
    classes : sequence of str, or None
        Names or codes of the classes to keep.
    bands : sequence of str, or None
        Bands of the scene to use; None for all.
    mask : str or None
        Raster that hides pixels.
    nodata : float or None
        Value of missing pixels.
    split : str or None
        A kind of split, or ``auto``; see :func:`bridges.samples.splits.split_kind`.
    block_size : int or None
        Edge of a spatial block in pixels.
    regions : str or path, or None
        Where the regions of a split by regions stand: a field of the vector labels, a raster of
        numbers, or a column (an array of an npz file) of the table.
    buffer : float or None
        Width of the dead zone of a buffered split in pixels.
    space : str
        Where a split by matched distances matches them.
    roles : TableRoles or None
        What the columns of the table are.
    truth : path or None
        Labels of the whole scene, where they are others than those to learn from.
    more : tuple of (image, labels, groups)
        Further scenes whose samples are trained on together with those of the first.
    """

    name: str = ""
    table: str | Path | None = None
    image: str | Path | None = None
    labels: str | Path | None = None
    groups: str | Path | None = None
    synthetic: bool = False
    label_field: str | None = None
    reading: LabelReading | None = None
    classes: tuple[str, ...] | None = None
    bands: tuple[str, ...] | None = None
    mask: str | None = None
    nodata: float | None = None
    split: str | None = AUTO
    block_size: int | None = None
    regions: str | Path | None = None
    buffer: float | None = None
    space: str = "geographic"
    roles: TableRoles | None = None
    truth: str | Path | None = None
    more: tuple[tuple[str | None, str | None, str | None], ...] = ()

    def check(self) -> None:
        """Raise a UsageError if what is named contradicts itself, or lacks something."""
        given = [name for name in SCENE_ONLY if getattr(self, name) is not None]
        flag = f"--{given[0].replace('_', '-')}" if given else ""
        if flag == "--reading" and self.reading is not None:
            flag = f"--{self.reading.said()[0].replace('_', '-')}"
        if self.table is not None and given:
            raise UsageError(
                f"--table and {flag} exclude each other.", "Give a table, or an image with labels."
            )
        if self.table is None and self.roles is not None and self.roles.said():
            raise UsageError(
                "Options on the columns of a table are given without a table.", "Add --table FILE."
            )
        if self.table is not None or self.synthetic:
            return
        if self.image is None and given:
            raise UsageError(f"{flag} needs an image.", "Add --image FILE.")
        if self.image is None:
            raise UsageError(
                f"The data set '{self.name}' has neither a table nor an image with labels.",
                "Give --table FILE, or --image FILE with --labels FILE.",
            )
        if self.labels is None:
            raise UsageError(
                "--image needs labels to learn from.",
                "Add --labels FILE (a raster or vector file), or use python -m bridges.predict "
                "MODEL --image FILE.",
            )

    @property
    def names_anything(self) -> bool:
        """Whether a table or anything of a scene is named."""
        return any(getattr(self, name) is not None for name in ("table", *SCENE_ONLY))

    def wanted(self, test_size: float, domain: Domain | None) -> dict[str, Any]:
        """Return the arguments of :func:`make_split` beside data, kind and seed."""
        return {
            "test_size": test_size,
            "block_size": self.block_size,
            "buffer": self.buffer,
            "space": self.space,
            "domain": domain,
        }

    def with_scene_in(self, folder: Path, seed: int) -> DataSpec:
        """Return the data set with the built-in scene written into a folder, if it is that.

        Its split is random where nothing else is asked for: its scores are compared with those of
        earlier versions, not with those of other places.
        """
        if not self.synthetic:
            return self
        from bridges.scene.built_in import write_scene

        folder.mkdir(exist_ok=True)
        files = write_scene(folder, seed=seed)
        return dataclasses.replace(
            self,
            image=files.image,
            labels=files.labels,
            groups=files.groups,
            truth=files.truth,
            split="random" if self.split == AUTO else self.split,
        )

    def parts(self) -> list[DataSpec]:
        """Return one data set per scene."""
        first = dataclasses.replace(self, more=())
        others = [
            dataclasses.replace(first, image=image, labels=labels, groups=groups, truth=None)
            for image, labels, groups in self.more
        ]
        return [first, *others]

    def open_scene(self) -> Scene | None:
        """Open the image with its bands and masks; None for a table."""
        from bridges.scene.opening import open_scene

        if self.image is None:
            return None
        return open_scene(self.image, bands=self.bands, nodata=self.nodata, mask=self.mask)


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
    truth : path or None
        Labels to show beside the map: the built-in scene's full truth, or the labels given.
    label_field : str or None
        Field of ``truth`` that holds the classes, if it is a vector file.
    reading : LabelReading or None
        How ``truth`` is read.
    notes : tuple of str
        What was decided while loading and the user should know, a sentence each.
    others : tuple of (Scene, path or None)
        Further images, with their labels.
    """

    data: LabelledData
    split: Split
    scene: Scene | None
    truth: str | Path | None
    label_field: str | None
    reading: LabelReading | None = None
    notes: tuple[str, ...] = ()
    others: tuple[tuple[Scene, str | Path | None], ...] = ()

    def by_scene(self) -> list[Inputs]:
        """Return the inputs once for every scene of which a map is drawn."""
        if self.scene is None:
            return []
        every = [(self.scene, self.truth), *self.others]
        return [dataclasses.replace(self, scene=s, truth=t, others=()) for s, t in every]

    @property
    def train(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Training samples (n, d) and class codes (n,)."""
        return self.data.X[self.split.train], self.data.y[self.split.train]

    @property
    def test(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Test samples (n, d) and class codes (n,)."""
        return self.data.X[self.split.test], self.data.y[self.split.test]


def load_data(spec: DataSpec, scene: Scene | None) -> LabelledData:
    """Read the labelled samples of a data set.

    Parameters
    ----------
    spec : DataSpec
        The data set; of the built-in scene, with its files.
    scene : Scene or None
        Its opened image (:meth:`DataSpec.open_scene`).

    Raises
    ------
    DataError
        If the data cannot be used.
    """
    classes = None if spec.classes is None else list(spec.classes)
    if scene is None:
        from bridges.samples.tables import load_table

        regions = None if spec.regions is None else str(spec.regions)
        return load_table(_named(spec.table), classes=classes, roles=spec.roles, regions=regions)
    from bridges.samples.pixels import labelled_pixels
    from bridges.samples.reading import AS_IT_STANDS

    return labelled_pixels(
        scene,
        _named(spec.labels),
        label_field=spec.label_field,
        groups_path=spec.groups,
        regions=spec.regions,
        classes=classes,
        reading=spec.reading or AS_IT_STANDS,
    )


def _named(path: str | Path | None) -> str | Path:
    """Return a path that :meth:`DataSpec.check` has seen to be there."""
    assert path is not None
    return path


def load_inputs(spec: DataSpec, *, test_size: float, seed: int) -> Inputs:
    """Read the data of a run and split them.

    Parameters
    ----------
    spec : DataSpec
        The data set; of the built-in scene, with its files.
    test_size : float
        Share of the test samples.
    seed : int
        Of the split.

    Raises
    ------
    UsageError
        If the options contradict each other.
    DataError
        If the data cannot be used.
    """
    from bridges.samples.splits import make_split

    spec.check()
    scene, others, data = _load_scenes(spec) if spec.more else _load_one(spec)
    kind, why = split_kind(data, spec.split)
    domain = map_domain(kind, scene)
    split = make_split(data, kind, seed=seed, **spec.wanted(test_size, domain))
    _check_classes(data, split)
    truth = spec.truth or spec.labels
    return Inputs(
        data,
        split,
        scene,
        truth,
        spec.label_field,
        spec.reading,
        (*(scene.notes if scene else ()), *data.notes, *why),
        others,
    )


Scenes = tuple["Scene | None", "tuple[tuple[Scene, str | Path | None], ...]", "LabelledData"]


def _load_one(spec: DataSpec) -> Scenes:
    scene = spec.open_scene()
    return scene, (), load_data(spec, scene)


def _load_scenes(spec: DataSpec) -> Scenes:
    """Load the samples of several scenes; the bands of all are those of the first, by meaning."""
    from bridges.run.suitability import like
    from bridges.samples.joining import joined
    from bridges.samples.reading import LabelReading

    if spec.split == "knndm":
        raise UsageError(
            "--split knndm matches distances on one map; several images are given.",
            "Use --split regions, which leaves whole images out, or another.",
        )
    scenes: list[Scene] = []
    notes: list[str] = []
    parts = []
    said = spec.reading or LabelReading()
    reading = dataclasses.replace(said, least_classes=1)
    for number, part in enumerate(spec.parts(), start=1):
        scene = part.open_scene()
        assert scene is not None
        if scenes:
            chosen = spec.bands is not None
            image = _named(part.image)
            scene, told = like(scenes[0], image, scene, chosen=chosen, nodata=spec.nodata)
            notes += [f"Image {number}: {note}" for note in told]
        scenes.append(scene)
        parts.append(load_data(dataclasses.replace(part, classes=None, reading=reading), scene))
    data = joined(parts, [scene.height for scene in scenes], spec.classes)
    others = tuple((s, labels) for s, (_, labels, _) in zip(scenes[1:], spec.more, strict=True))
    return scenes[0], others, dataclasses.replace(data, notes=(*notes, *data.notes))


def scenes_of(
    images: list[str] | None, labels: list[str] | None, groups: list[str] | None
) -> list[tuple[str | None, str | None, str | None]]:
    """Pair images, labels and groups that were given one after the other.

    Raises
    ------
    UsageError
        If their numbers differ.
    """
    given, of_labels, of_groups = images or [], labels or [], groups or []
    if len(given) <= 1 and len(of_labels) <= 1 and len(of_groups) <= 1:
        return [(next(iter(given), None), next(iter(of_labels), None), next(iter(of_groups), None))]
    if len(given) != len(of_labels) or (of_groups and len(of_groups) != len(given)):
        raise UsageError(
            f"{len(given)} --image, {len(of_labels)} --labels, {len(of_groups)} --groups do not "
            "pair.",
            "Give every --image its --labels, and --groups to all images or none.",
        )
    filled = [*of_groups] if of_groups else [None] * len(given)
    return list(zip(given, of_labels, filled, strict=True))


def map_domain(kind: str, scene: Scene | None) -> Domain | None:
    """Return pixels of the map for a kind of split that asks for them."""
    if kind != "knndm" or scene is None:
        return None
    from bridges.samples.domain import draw_domain

    return draw_domain(scene)


def _check_classes(data: LabelledData, split: Split) -> None:
    present = np.unique(data.y[split.train])
    if len(present) < 2:
        names = ", ".join(data.class_names[int(code)] for code in present)
        raise DataError(
            f"The training samples are all of one class ({names}).",
            "Name at least two classes with --classes, or choose another --split.",
        )
