"""What the test set answers: its question, and how far from the training samples it lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridges.report.page import Picture, Section
from bridges.samples.split_kinds import SPLITS

if TYPE_CHECKING:
    from bridges.run.load import Inputs
    from bridges.samples.distances import DistanceProfile


def profiles(inputs: Inputs) -> dict[str, DistanceProfile]:
    """Return the distributions of distances on the map and between features; none for a table."""
    from bridges.samples.distances import SPACES, distance_profile
    from bridges.samples.domain import draw_domain

    if inputs.scene is None:
        return {}
    domain, split = draw_domain(inputs.scene), inputs.split
    return {
        space: distance_profile(inputs.data, split.train, split.test, domain, space)
        for space in SPACES
    }


def question(inputs: Inputs) -> str:
    """Return the question that the scores answer."""
    return SPLITS[inputs.split.kind].question


def mismatches(found: dict[str, DistanceProfile]) -> dict[str, float]:
    """Return how far test distances are from those of the map's pixels, by space."""
    return {space: profile.mismatch for space, profile in found.items()}


def split_section(inputs: Inputs, found: dict[str, DistanceProfile]) -> Section:
    """Return the section on the split.

    Parameters
    ----------
    inputs : Inputs
        Data and split.
    found : dict of str to DistanceProfile
        From :func:`profiles`.
    """
    from bridges.report.distance_plots import distance_figure

    text = [f"The scores answer: {question(inputs)}", f"Split: {inputs.split.note}."]
    facts: dict[str, Any] = {}
    pictures = []
    for space, profile in found.items():
        facts[f"Wasserstein distance of test and map, {space} [{profile.unit}]"] = profile.mismatch
        figure = distance_figure(
            {
                "sample to other sample": profile.samples,
                "test to training sample": profile.folds,
                "map pixel to sample": profile.domain,
            },
            f"{space} distance to the nearest [{profile.unit}]",
        )
        pictures.append(
            Picture(
                figure,
                f"Distances ({space}): where the curve of the test samples lies left of that of "
                "the map's pixels, the scores are of nearer pixels than most of the map.",
            )
        )
    return Section("What the scores are about", text, facts=facts, pictures=pictures)
