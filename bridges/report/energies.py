"""Energies of the samples behind a model, in units of each optimum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.classifier import HasEnergies, members_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_ENERGIES = 20_000


def energies(estimator: Any) -> dict[str, NDArray[Any]]:
    """Return sample energies of an annealed model, and the lines to hold them against.

    Every dual is divided by the size of its own exact optimum, so the optimum is at -1 and
    all-zero coefficients are at 0, and many duals fit into one histogram.
    """
    members = [m for m in members_of(estimator) if isinstance(m, HasEnergies)]
    relative, used = [], []
    for member in members:
        for (exact, model, *_), samples in zip(
            member.energies_, member.sample_energies_, strict=True
        ):
            if exact < 0:
                relative.append(np.asarray(samples) / -exact)
                used.append(model / -exact)
    if not relative:
        return {}
    drawn = np.concatenate(relative)
    step = -(-len(drawn) // MAX_ENERGIES)
    return {"energies": drawn[::step], "used_energies": np.asarray(used)}
