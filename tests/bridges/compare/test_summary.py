"""Conclusions from rows: pairing, winners, ties, failures, tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bridges.compare.cell import COLUMNS
from bridges.compare.specs import Settings
from bridges.compare.summary import Verdicts, summarise
from bridges.compare.tables import latex, markdown
from bridges.errors import DataError
from bridges.report.typeset import escape


def row(classifier: str, fold: int, accuracy: float | None, **fields: Any) -> dict[str, Any]:
    return {
        **dict.fromkeys(COLUMNS),
        "key": f"{classifier}-{fold}-{fields.get('seed', 0)}",
        "data": "scene",
        "classifier": classifier,
        "role": "classifier",
        "split": "random",
        "fold": fold,
        "seed": 0,
        "n_train": 100,
        "n_test": 100,
        "status": "failed" if accuracy is None else "ok",
        "error": "broken" if accuracy is None else None,
        "accuracy": accuracy,
        **fields,
    }


def conclude(rows: list[dict[str, Any]], **settings: Any) -> Verdicts:
    changed = Settings((), (), **settings)
    (verdicts,) = summarise(rows, lambda key: {}, changed)
    return verdicts


def folds(classifier: str, centre: float, n: int = 10, **fields: Any) -> list[dict[str, Any]]:
    noise = np.random.default_rng(len(classifier)).normal(0, 0.01, n)
    return [row(classifier, i, centre + float(noise[i]), **fields) for i in range(n)]


def test_the_winner_its_tie_and_the_lower_one() -> None:
    found = conclude([*folds("best", 0.9), *folds("equal", 0.899), *folds("lowest", 0.6)])
    assert found.winner in ("best", "equal")
    assert {found.winner, *found.ties} == {"best", "equal"}
    assert "not distinguishable from it" in found.headline()
    table = markdown([found])
    assert "| lowest | lower |" in table
    assert table.count("| tied |") == table.count("| highest |") == 1


def test_a_winner_without_ties_and_one_without_rivals() -> None:
    found = conclude([*folds("best", 0.9), *folds("lowest", 0.6)])
    assert found.headline().endswith("better than every other classifier.")
    alone = conclude(folds("best", 0.9))
    assert alone.headline().endswith("it had no rival.")


def test_controls_are_held_against_their_own_classifier_only() -> None:
    rows = [
        *folds("a", 0.9),
        *folds("a / random_alpha", 0.7, role="control", control_of="a"),
        *folds("b", 0.8),
        *folds("majority class", 0.2, role="baseline"),
    ]
    found = conclude(rows)
    pairs = [(c.first, c.second) for c in found.comparisons]
    assert pairs == [("a", "b"), ("a", "a / random_alpha")]
    assert any("its control 'random alpha'" in sentence for sentence in found.sentences())
    assert "| ↳ random alpha | control |" in markdown([found])


def test_folds_that_failed_are_left_out_of_the_pairing() -> None:
    rows = folds("a", 0.9)
    gaps = [row("b", i, None if i < 3 else rows[i]["accuracy"] - 0.1 - i / 1e3) for i in range(10)]
    found = conclude([*rows, *gaps])
    (comparison,) = found.comparisons
    assert comparison.difference == pytest.approx(0.1 + np.mean(range(3, 10)) / 1e3)
    line = found.lines[1]
    assert (line.n_rows, line.n_failed, line.error) == (7, 3, "broken")
    assert found.sentences()[-1].startswith("b: 3 cells failed (broken")


def test_seeds_are_averaged_before_folds_are_compared() -> None:
    rows = [row("a", fold, 0.8 + 0.1 * seed, seed=seed) for fold in range(3) for seed in (0, 1)]
    assert conclude(rows).lines[0].by_fold == pytest.approx({0: 0.85, 1: 0.85, 2: 0.85})


def test_everything_failed() -> None:
    found = conclude([row("a", 0, None), row("b", 0, None)])
    assert found.winner is None
    assert found.headline() == "scene: every classifier failed."
    assert "| a | failed | – | – |" in markdown([found])


def test_a_score_that_does_not_exist() -> None:
    with pytest.raises(DataError, match="auroc"):
        conclude(folds("a", 0.9), score="auroc")


def test_few_training_pixels_make_the_test_cautious_and_it_says_so() -> None:
    found = conclude([*folds("a", 0.9, n_test=1000), *folds("b", 0.8, n_test=1000)])
    assert "very cautious" in markdown([found])
    assert "very cautious" not in markdown([conclude([*folds("a", 0.9), *folds("b", 0.8)])])


def test_latex_is_escaped() -> None:
    assert escape("a_b & 5 % ± {α}") == r"a\_b \& 5 \% $\pm$ \{$\alpha$\}"
    text = latex([conclude([*folds("my_model", 0.9), *folds("other", 0.6)])])
    assert r"my\_model & highest & \textbf{0." in text
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 1
