"""What samplers of other packages return: converted where it can be, refused where it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import SolverError, ToolkitError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def foreign_bits(
    sampler: Any, model: Any, n_variables: int, options: Mapping[str, Any]
) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Sample a dimod model with a sampler of whatever origin, and read its answer.

    Spins become bits, variables that are not the model's are dropped (as samplers leave them that
    reduce a model first), the order of variables does not matter.

    Parameters
    ----------
    sampler : dimod.Sampler
        The sampler.
    model : dimod.BinaryQuadraticModel
        With variables 0, 1, … and vartype BINARY.
    n_variables : int
        Their number.
    options : mapping
        Arguments of its ``sample``.

    Returns
    -------
    bits : ndarray of shape (n_rows, n_variables), int8
        The samples.
    counts : ndarray of shape (n_rows,), int64
        How often each was drawn.

    Raises
    ------
    SolverError
        If the sampler raises, or the answer is no sampleset, is empty, or lacks variables.
    """
    name = type(sampler).__name__
    try:
        found = sampler.sample(model, **options)
        vartype = getattr(found.vartype, "name", str(found.vartype)) if found is not None else ""
        rows = np.asarray(found.record.sample) if found is not None else np.empty((0, 0))
    except ToolkitError:
        raise
    except Exception as error:
        raise SolverError(
            f"The sampler {name} failed: {type(error).__name__}: {error}.",
            "Check its connection and parameters, then run again; -vv shows where it happened.",
        ) from error
    if not len(rows):
        raise SolverError(
            f"The sampler {name} returned no samples.", "Raise its reads or time, or take another."
        )
    places = {label: place for place, label in enumerate(found.variables)}
    missing = [v for v in range(n_variables) if v not in places]
    if missing:
        raise SolverError(
            f"The sampler {name} returned no value of {len(missing)} of {n_variables} variables.",
            "It has to answer the whole model; take another sampler.",
        )
    bits = rows[:, [places[v] for v in range(n_variables)]]
    if vartype == "SPIN":
        bits = (bits + 1) // 2
    if not np.isin(bits, (0, 1)).all():
        raise SolverError(
            f"The sampler {name} returned values that are no bits ({vartype or 'no vartype'}).",
            "It has to answer a BINARY model with BINARY or SPIN samples.",
        )
    counts = np.asarray(found.record.num_occurrences, dtype=np.int64)
    return bits.astype(np.int8), counts
