"""Data sets of a comparison, loaded, split and fingerprinted."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError
from bridges.machine.digest import array_digest
from bridges.samples.scaling import make_scaler

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.compare.specs import DataSpec, Settings
    from bridges.samples.labelled import Split
    from bridges.samples.pixels import LabelledData


@dataclasses.dataclass(frozen=True)
class Source:
    """A loaded data set with its folds.

    Attributes
    ----------
    spec : DataSpec
        Where it came from.
    data : LabelledData
        Features, class codes, names, groups.
    splits : tuple of Split
        One per fold.
    fingerprint : str
        Changes when any feature or label does.
    notes : tuple of str
        What was decided while loading and the user should know.
    """

    spec: DataSpec
    data: LabelledData
    splits: tuple[Split, ...]
    fingerprint: str
    notes: tuple[str, ...] = ()

    @property
    def class_names(self) -> dict[int, str]:
        """Codes and names of the classes."""
        return self.data.class_names


def load_source(spec: DataSpec, settings: Settings) -> Source:
    """Load a data set and draw its folds.

    Raises
    ------
    DataError, UsageError
        As the loaders say.
    """
    from bridges.run.load import load_data, map_domain
    from bridges.samples.splits import repeated_splits, split_kind

    spec.check()
    scene = spec.open_scene()
    data = load_data(spec, scene)
    kind, why = split_kind(data, spec.split)
    n = 1 if kind == "fixed" else settings.repeats
    wanted = spec.wanted(settings.test_size, map_domain(kind, scene))
    splits = repeated_splits(data, kind, n, seed=settings.seed, **wanted)
    return Source(spec, data, tuple(splits), _fingerprint(data), (*data.notes, *why))


def _fingerprint(data: LabelledData) -> str:
    groups = np.zeros(0) if data.groups is None else data.groups
    names = sorted(data.class_names.items())
    return array_digest(names, (data.X, data.y, groups))[:16]


@dataclasses.dataclass(frozen=True)
class Fold:
    """Training and test samples of one fold, scaled, and the scaler."""

    X_train: NDArray[np.float64]
    y_train: NDArray[np.int64]
    X_test: NDArray[np.float64]
    y_test: NDArray[np.int64]
    scaler: Any


def make_fold(source: Source, fold: int, scale: str, train_limit: int | None, seed: int) -> Fold:
    """Return one fold; scaling is fitted on its training samples only.

    Parameters
    ----------
    source : Source
        The data set.
    fold : int
        Which of its splits.
    scale : str
        See :func:`bridges.samples.scaling.make_scaler`.
    train_limit : int or None
        Upper bound on training samples, drawn stratified.
    seed : int
        Seed of that draw.

    Raises
    ------
    DataError
        If the limit leaves less than one sample per class.
    """
    split, data = source.splits[fold], source.data
    train = _limited(split.train, data.y, train_limit, seed)
    scaler = make_scaler(scale).fit(data.X[train])
    return Fold(
        scaler.transform(data.X[train]),
        data.y[train],
        scaler.transform(data.X[split.test]),
        data.y[split.test],
        scaler,
    )


def _limited(
    train: NDArray[np.intp], y: NDArray[np.int64], limit: int | None, seed: int
) -> NDArray[np.intp]:
    from sklearn.model_selection import train_test_split

    if limit is None or limit >= len(train):
        return train
    try:
        kept, _ = train_test_split(train, train_size=limit, stratify=y[train], random_state=seed)
    except ValueError as error:
        raise DataError(
            f"Cannot draw {limit} training pixels with every class among them ({error}).",
            "Use more training pixels, or fewer classes.",
        ) from error
    return np.sort(kept)
