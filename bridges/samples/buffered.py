"""Training samples near test samples left out (Le Rest et al. 2014, Global Ecol. Biogeogr. 23:811).

Leaving a group out does not help where its neighbour, ten metres away, is trained on. A dead zone
of a stated width between both sides makes every test sample that far from all training samples.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bridges.errors import DataError
from bridges.samples.distances import nearest_to, places_of

if TYPE_CHECKING:
    from bridges.samples.labelled import LabelledData, Split

DEFAULT_BUFFER = 10.0
"""Pixels: about what labels of one field or stand extend over."""


def with_dead_zone(data: LabelledData, split: Split, buffer: float) -> Split:
    """Take training samples away that lie within ``buffer`` of a test sample.

    Parameters
    ----------
    data : LabelledData
        The samples.
    split : Split
        Of whole groups.
    buffer : float
        Width in pixels, or in the unit of a table's coordinates.

    Raises
    ------
    DataError
        If no training sample is left, or it is not known where samples lie.
    """
    places = places_of(data)
    far = nearest_to(places[split.train], places[split.test]) > buffer
    if not far.any():
        raise DataError(
            f"All {len(far)} training samples lie within {buffer:g} pixels of a test sample.",
            "Use a smaller --buffer or --test-size, or larger blocks.",
        )
    note = (
        f"{split.note}; {int((~far).sum())} training samples within {buffer:g} pixels of a test "
        "sample are left out"
    )
    lost = set(data.y[split.train].tolist()) - set(data.y[split.train[far]].tolist())
    if lost:
        names = ", ".join(data.class_names[code] for code in sorted(lost))
        note += f", among them all of {names}"
    return replace(split, train=split.train[np.flatnonzero(far)], kind="buffered", note=note)
