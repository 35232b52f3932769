"""From labelled points to counts by stratum, map class and reference class."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bridges.accuracy.class_map import ClassMap, Survey, codes_at
from bridges.accuracy.estimators import variance_groups_of
from bridges.accuracy.matching import (
    layer_of,
    require_consistent,
    require_inside,
    strata_of,
)
from bridges.accuracy.strata import Stratum
from bridges.errors import DataError, UsageError
from bridges.samples.labelled import parse_classes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bridges.accuracy.design import Design
    from bridges.accuracy.points import ReferencePoints


@dataclasses.dataclass(frozen=True)
class ReferenceSample:
    """Counts of a labelled probability sample.

    Attributes
    ----------
    classes : tuple of int
        Codes of the K classes; -1 for pixels that the map leaves without a class.
    class_names : tuple of str
        Their names.
    strata : tuple of str
        Names of the H strata that the estimates use.
    sizes : ndarray of shape (H,)
        Their pixels.
    counts : ndarray of shape (H, K, K)
        Sample pixels by stratum, map class, reference class.
    groups : list of list of int
        Strata whose variance is taken together.
    notes : tuple of str
        What was decided and limits the estimates, a sentence each.
    """

    classes: tuple[int, ...]
    class_names: tuple[str, ...]
    strata: tuple[str, ...]
    sizes: NDArray[np.int64]
    counts: NDArray[np.int64]
    groups: list[list[int]]
    notes: tuple[str, ...]


def join(
    design: Design,
    points: ReferencePoints,
    classes: ClassMap,
    surveyed: Survey,
    *,
    other_map: bool = False,
    without: Sequence[str] = (),
) -> ReferenceSample:
    """Hold labelled points against the design and the map, and count them.

    Parameters
    ----------
    design : Design
        How the sample was drawn.
    points : ReferencePoints
        What the interpreter found.
    classes, surveyed : ClassMap, Survey
        The map that is assessed.
    other_map : bool
        Whether this may be another map than the one that made the strata.
    without : sequence of str
        Names of strata that are left out of the population.

    Raises
    ------
    DataError
        If the design is for another map, points lie outside or were not drawn, a label is no class
        of the map, or a stratum has no labelled point.
    UsageError
        If there is no stratum of a name to leave out.
    """
    require_inside(points, classes)
    mapped = codes_at(classes, points.rows, points.cols)
    layer = layer_of(design, classes, surveyed, other_map=other_map)
    if design.strata:
        stratum = strata_of(design, points)
    else:
        design, stratum, layer = *_with_map_strata(design, classes, surveyed, mapped), 0
    if layer is not None:
        require_consistent(design, stratum, mapped, layer)
    left_out = _numbers_without(design.strata, without)
    use = np.array([label is not None for label in points.labels]) & (stratum > 0)
    use &= ~np.isin(stratum, left_out)
    names = {**classes.names, **{c: classes.name(c) for c in surveyed.counts if c >= 0}}
    truth = _parsed([t for t, u in zip(points.labels, use, strict=True) if t and u], names)
    strata = [s for s in design.strata if s.number not in left_out]
    in_strata = set() if layer is None else {s.codes[layer] for s in strata}
    codes = sorted({*truth.tolist(), *mapped[use].tolist(), *in_strata})
    counts = _count(strata, codes, stratum[use], mapped[use], truth)
    notes = [*points.notes, *_unlabelled(design, points, stratum[use], left_out)]
    return _sample(design.kind, strata, counts, codes, classes, [*notes, *_reduced(without)])


def _sample(
    kind: str,
    strata: Sequence[Stratum],
    counts: NDArray[np.int64],
    codes: Sequence[int],
    classes: ClassMap,
    notes: list[str],
) -> ReferenceSample:
    """Make strata after the fact where the sample had none, and pair those of a single point."""
    labels = [s.name for s in strata]
    sizes = np.array([s.n_pixels for s in strata], dtype=np.int64)
    if kind == "stratified":
        _require_every_stratum(counts, labels)
    else:
        sizes, counts, labels, said = _post_strata(sizes, counts, labels)
        notes += said
    n = counts.sum(axis=(1, 2))
    if n.sum() < 2:
        raise DataError(f"{n.sum()} labelled points are no sample.", "Label all points.")
    groups = variance_groups_of(sizes, n)
    class_names = tuple(classes.name(c) for c in codes)
    return ReferenceSample(
        classes=tuple(codes),
        class_names=class_names,
        strata=tuple(labels),
        sizes=sizes,
        counts=counts,
        groups=groups,
        notes=(*notes, *_merged(groups, labels)),
    )


def _with_map_strata(
    design: Design, classes: ClassMap, surveyed: Survey, mapped: NDArray[np.int64]
) -> tuple[Design, NDArray[np.int64]]:
    """Give a design without strata the classes of the map, and the points those of their pixels.

    The stratum is 0 where the map has no class: such points are not in the population.
    """
    codes = sorted(code for code in surveyed.counts if code >= 0)
    strata = tuple(
        Stratum(number, classes.name(code), (code,), surveyed.counts[code])
        for number, code in enumerate(codes, start=1)
    )
    number_of = {code: number for number, code in enumerate(codes, start=1)}
    stratum = np.array([number_of.get(int(code), 0) for code in mapped], dtype=np.int64)
    return dataclasses.replace(design, strata=strata), stratum


def _numbers_without(strata: Sequence[Stratum], without: Sequence[str]) -> list[int]:
    known = {s.name: s.number for s in strata}
    if unknown := [name for name in without if name not in known]:
        raise UsageError(f"There is no stratum '{unknown[0]}'.", f"Strata: {', '.join(known)}.")
    if len(set(without)) == len(known):
        raise UsageError("All strata are left out.", "Keep at least one.")
    return [known[name] for name in without]


def _parsed(labels: Sequence[str], names: dict[int, str]) -> NDArray[np.int64]:
    codes: dict[str, int] = {}
    for label in sorted(set(labels)):
        codes[label] = parse_classes([label], names, [])[0]
    return np.array([codes[label] for label in labels], dtype=np.int64)


def _count(
    strata: Sequence[Stratum],
    codes: Sequence[int],
    stratum: NDArray[np.int64],
    mapped: NDArray[np.int64],
    truth: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return sample pixels by stratum, map class and reference class, shape (H, K, K)."""
    place_of = {s.number: h for h, s in enumerate(strata)}
    h = np.array([place_of[int(s)] for s in stratum], dtype=np.int64)
    counts = np.zeros((len(strata), len(codes), len(codes)), dtype=np.int64)
    np.add.at(counts, (h, np.searchsorted(codes, mapped), np.searchsorted(codes, truth)), 1)
    return counts


def _require_every_stratum(counts: NDArray[np.int64], labels: Sequence[str]) -> None:
    empty = [label for label, n in zip(labels, counts.sum(axis=(1, 2)), strict=True) if n == 0]
    if empty:
        raise DataError(
            f"There is no labelled point in the stratum '{empty[0]}'"
            + (f" and {len(empty) - 1} more." if len(empty) > 1 else "."),
            "Nothing is known about it: label its points, draw a new sample with --minimum 2, or "
            f"estimate for the rest of the map with --without '{','.join(empty)}'.",
        )


def _unlabelled(
    design: Design, points: ReferencePoints, used: NDArray[np.int64], left_out: Sequence[int]
) -> list[str]:
    """Say which drawn points are without a label; the estimates take them to be like others."""
    if design.points is None:
        missing = sum(label is None for label in points.labels)
        by_stratum = ""
    else:
        drawn = design.points[:, 3]
        drawn = drawn[~np.isin(drawn, left_out)]
        missing = len(drawn) - len(used)
        lost = {
            s.name: int(np.sum(drawn == s.number) - np.sum(used == s.number)) for s in design.strata
        }
        by_stratum = ", ".join(f"{name} {n}" for name, n in lost.items() if n)
    if not missing:
        return []
    where = f" ({by_stratum})" if by_stratum else ""
    return [
        f"{missing} drawn points are not labelled{where} and are left out; the estimates take them "
        "to be like the labelled ones of their stratum."
    ]


def _reduced(without: Sequence[str]) -> list[str]:
    if not without:
        return []
    return [f"The estimates are for the map without the strata {', '.join(without)}."]


def _post_strata(
    sizes: NDArray[np.int64], counts: NDArray[np.int64], labels: list[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str], list[str]]:
    """Make strata after the fact, those with fewer than two points one with the next larger."""
    order = np.argsort(sizes, kind="stable")
    groups = [[int(h)] for h in order]
    at = 0
    while at < len(groups) and len(groups) > 1:
        if counts[groups[at]].sum() >= 2:
            at += 1
            continue
        other = at + 1 if at + 1 < len(groups) else at - 1
        groups[other] = groups[at] + groups[other]
        del groups[at]
        at = 0
    groups = sorted(sorted(g) for g in groups)
    merged = [" + ".join(labels[h] for h in g) for g in groups if len(g) > 1]
    said = ["The sample was not stratified; its points are weighted by strata after the fact."]
    said += [f"Too few points for strata of their own: {name} are one." for name in merged]
    return (
        np.array([sizes[g].sum() for g in groups]),
        np.stack([counts[g].sum(axis=0) for g in groups]),
        [" + ".join(labels[h] for h in g) for g in groups],
        said if len(labels) > 1 else [],
    )


def _merged(groups: Sequence[Sequence[int]], labels: Sequence[str]) -> list[str]:
    return [
        f"The strata {', '.join(labels[h] for h in group)} are one for the standard errors, since "
        "a single point has none."
        for group in groups
        if len(group) > 1
    ]


def population_notes(design: Design) -> list[str]:
    """Say which part of the map the sample stands for."""
    notes = list(design.notes)
    whole = design.n_pixels + sum(design.left_out.values())
    for reason, n in design.left_out.items():
        notes.append(f"{n / whole:.1%} of the map's pixels are not in the population: {reason}.")
    if design.purity > 1:
        edge = design.purity
        notes.append(
            f"Only pixels whose {edge} × {edge} neighbourhood is of one stratum were drawn. Maps "
            "err most at edges, so the accuracies of the whole map are lower, and the areas are "
            "those of the drawn part."
        )
    if design.points is None:
        notes.append("The design was written by hand; that the sample was drawn so is believed.")
    return notes
