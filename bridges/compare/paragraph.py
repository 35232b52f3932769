"""The results of a comparison as a paragraph for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bridges.compare.statistics import MCNEMAR, Comparison
from bridges.report.metrics import LABELS
from bridges.samples.split_kinds import SPLITS

if TYPE_CHECKING:
    from bridges.compare.across import Across
    from bridges.compare.line import Line
    from bridges.compare.sources import Source
    from bridges.compare.specs import Settings
    from bridges.compare.summary import Verdicts


def results_paragraph(
    settings: Settings,
    sources: Sequence[Source],
    verdicts: Sequence[Verdicts],
    over_all: Across | None,
) -> str:
    """Return what was compared, how, and what came out, for the results section of a paper.

    Parameters
    ----------
    settings, sources : Settings and sequence of Source
        What was asked for, and the data sets.
    verdicts : sequence of Verdicts
        Conclusions, one per data set.
    over_all : Across or None
        Conclusions over all data sets.
    """
    parts = [_methods(settings, sources, verdicts)]
    parts += [_data_set(v) for v in verdicts]
    if over_all is not None:
        parts.append(" ".join(over_all.sentences()))
    return "\n\n".join(parts) + "\n"


def _methods(settings: Settings, sources: Sequence[Source], verdicts: Sequence[Verdicts]) -> str:
    names = _listed([spec.label for spec in settings.classifiers])
    data = _listed([_described(source) for source in sources])
    kinds = list(dict.fromkeys(v.split for v in verdicts))
    how = " ".join(f"A {kind} split answers: {SPLITS[kind].question}" for kind in kinds)
    tests = {c.test for v in verdicts for c in v.comparisons}
    named = _listed(sorted(tests)) or "no test"
    return (
        f"We compared {names} on {data}. {how} Features were scaled ({settings.scale}) by the "
        f"training samples of each fold. Pairs of classifiers were compared in "
        f"{LABELS[settings.score]} by {named}, corrected by Holm's method at the level "
        f"{settings.level:g}; differences below {settings.rope:g} count as practically none."
    )


def _described(source: Source) -> str:
    n, d = source.data.X.shape
    folds = len(source.splits)
    plural = "fold" if folds == 1 else "folds"
    return (
        f"{source.spec.name} ({n} samples, {d} features, {len(source.class_names)} classes, "
        f"{folds} {plural})"
    )


def _data_set(verdict: Verdicts) -> str:
    ranked = [x for x in verdict.lines if x.role == "classifier" and x.by_fold]
    if not ranked:
        return f"On {verdict.data} every classifier failed."
    ranked.sort(key=lambda x: x.scores[verdict.score] or 0.0, reverse=True)
    scores = _listed([_score(line, verdict.score) for line in ranked])
    names = {line.label for line in ranked}
    pairs = [c for c in verdict.comparisons if {c.first, c.second} <= names]
    said = [f"On {verdict.data}, the {LABELS[verdict.score]} was {scores}."]
    said += [_pair(c) for c in pairs]
    if limits := [c.detectable for c in pairs if c.detectable is not None]:
        said.append(
            f"The smallest difference that would have been found with a chance of 80 % is "
            f"{max(limits):.4f}."
        )
    if baseline := [x for x in verdict.lines if x.role == "baseline" and x.by_fold]:
        value = baseline[0].scores[verdict.score]
        if value is not None:
            said.append(f"The majority class reaches {value:.4f}.")
    return " ".join(said)


def _score(line: Line, score: str) -> str:
    text = f"{line.scores[score]:.4f}"
    if line.interval is not None:
        text += f" (95 % interval {line.interval[0]:.4f}–{line.interval[1]:.4f})"
    return f"{text} for {line.label}"


def _pair(comparison: Comparison) -> str:
    text = comparison.sentence().removesuffix(".")
    if comparison.effect is not None and comparison.test != MCNEMAR:
        text += f"; Cohen's d = {comparison.effect:.2f}"
    if comparison.odds is not None:
        odds = comparison.odds
        text += (
            f"; probabilities of worse, equivalent, better {odds.worse:.3f}, {odds.same:.3f}, "
            f"{odds.better:.3f}"
        )
    return f"{text}."


def _listed(items: Sequence[str]) -> str:
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
