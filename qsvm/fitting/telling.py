"""What a fit tells of its lattice: that it was fitted, or that it is too coarse."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from bridges.errors import ToldWarning
from qsvm.fitting.looks import ENOUGH, LOOKS

if TYPE_CHECKING:
    from bridges.fit_report import Diagnostics

LOOKED = (
    f"Where a model was more than {ENOUGH:.0%} above its optimum, its QUBO was sampled again (up "
    f"to {LOOKS} times) on intervals around what had been found; --encoding papers samples once."
)

COARSE = (
    f"The lattice is too coarse: rounded to it, the exact optimum loses more than {ENOUGH:.0%} of "
    f"its energy, and the model is more than {ENOUGH:.0%} above it (rounded_gap_mean, "
    "energy_gap_mean). Take refinement (--refine 3, refine_rounds=3), a smaller C, more bits, or "
    "scale the features."
)
"""Without numbers, so that it is said once for all members of an ensemble."""


def notes_on(diagnostics: Diagnostics) -> list[str]:
    """Return what the user should know of the lattice of a fitted model."""
    notes = [LOOKED] if diagnostics.looked_again_fraction else []
    gaps = (diagnostics.rounded_gap_mean, diagnostics.energy_gap_mean)
    if all(gap is not None and gap > ENOUGH for gap in gaps):
        notes.append(COARSE)
    return notes


def warn_of(notes: list[str]) -> None:
    """Warn of a lattice that is too coarse; commands tell the note instead."""
    if COARSE in notes:
        warnings.warn(COARSE, ToldWarning, stacklevel=4)
