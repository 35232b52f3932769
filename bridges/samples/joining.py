"""Samples of several images as one data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import DataError
from bridges.samples.labelled import LabelledData, class_name, parse_classes, require_samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

APART = 100_000
"""Rows between images: no block, buffer or neighbourhood reaches over them."""


def joined(
    parts: Sequence[LabelledData], heights: Sequence[int], classes: Sequence[str] | None = None
) -> LabelledData:
    """Return the samples of several images together.

    Classes are the same if their names are; where images number them differently, they are
    numbered anew in alphabetical order. Groups of different images are different groups. Where no
    regions are named, images are regions, so that ``--split regions`` leaves whole images out.

    Parameters
    ----------
    parts : sequence of LabelledData
        One per image, with the same features in the same order.
    heights : sequence of int
        Rows of the images.
    classes : sequence of str, optional
        Names or codes of the classes to keep.

    Raises
    ------
    DataError
        If codes mean different classes and not all of them have names, or fewer than two classes
        are left.
    """
    names, codes = _common_codes(parts)
    top = np.concatenate([[0], np.cumsum(np.asarray(heights[:-1], dtype=np.int64) + APART)])
    notes = [f"Image {i}: {note}" for i, part in enumerate(parts, start=1) for note in part.notes]
    grouped = [part.groups is not None for part in parts]
    if any(grouped) and not all(grouped):
        notes.append("Groups are not known of all images, and so are not used.")
    whole = LabelledData(
        X=np.concatenate([part.X for part in parts]),
        y=np.concatenate(codes),
        class_names=names,
        feature_names=parts[0].feature_names,
        groups=_numbered([part.groups for part in parts]),
        rows=_shifted([part.rows for part in parts], top),
        cols=np.concatenate([_there(part.cols) for part in parts]),
        regions=_regions(parts),
        n_masked=sum(part.n_masked for part in parts),
        source=", ".join(part.source for part in parts),
        notes=tuple(notes),
    )
    counts = {code: int(np.sum(whole.y == code)) for code in names}
    present = [code for code in names if counts[code]]
    chosen = present if classes is None else parse_classes(classes, names, present)
    require_samples(chosen, names, counts, counts, whole.source)
    return whole.take(np.isin(whole.y, chosen))


def _common_codes(
    parts: Sequence[LabelledData],
) -> tuple[dict[int, str], list[NDArray[np.int64]]]:
    """Return names of codes that mean the same in all parts, and every part's codes in these."""
    names: dict[int, str] = {}
    for part in parts:
        for code, name in part.class_names.items():
            nameless = name == class_name({}, code)
            if not nameless or code not in names:
                known = names.get(code, name)
                if known not in (name, class_name({}, code)) or _elsewhere(names, code, name):
                    return _numbered_anew(parts)
                names[code] = name
    return dict(sorted(names.items())), [part.y for part in parts]


def _elsewhere(names: dict[int, str], code: int, name: str) -> bool:
    """Tell whether a name has another code already."""
    return any(other == name and known != code for known, other in names.items())


def _numbered_anew(
    parts: Sequence[LabelledData],
) -> tuple[dict[int, str], list[NDArray[np.int64]]]:
    for part in parts:
        lacking = [c for c, name in part.class_names.items() if name == class_name({}, c)]
        if lacking:
            raise DataError(
                f"The images number their classes differently, and class {lacking[0]} of "
                f"{part.source} has no name to go by.",
                "Name the classes in scene.json beside each image, or recode the labels.",
            )
    every = sorted({name for part in parts for name in part.class_names.values()})
    code_of = {name: code for code, name in enumerate(every, start=1)}
    codes = []
    for part in parts:
        y = np.empty_like(part.y)
        for code, name in part.class_names.items():
            y[part.y == code] = code_of[name]
        codes.append(y)
    return {code: name for name, code in code_of.items()}, codes


def _there(values: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Return positions, which samples of images have."""
    assert values is not None
    return values


def _shifted(parts: Sequence[NDArray[np.int64] | None], by: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([_there(part) + shift for part, shift in zip(parts, by, strict=True)])


def _numbered(parts: Sequence[NDArray[np.int64] | None]) -> NDArray[np.int64] | None:
    """Return numbers of which those of different parts differ; 0 stays 0."""
    moved, largest = [], 0
    for part in parts:
        if part is None:
            return None
        moved.append(np.where(part > 0, part + largest, 0))
        largest = int(max(largest, moved[-1].max(initial=0)))
    return np.concatenate(moved)


def _regions(parts: Sequence[LabelledData]) -> NDArray[np.int64] | None:
    """Return the regions of the parts; the images, where none of them knows any."""
    if any(part.regions is not None for part in parts):
        return _numbered([part.regions for part in parts])
    return np.repeat(np.arange(1, len(parts) + 1), [len(part.y) for part in parts])
