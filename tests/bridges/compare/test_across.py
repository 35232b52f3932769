"""Conclusions over several data sets, and the paragraph for a paper."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from bridges.compare.across import across
from bridges.compare.cell import COLUMNS
from bridges.compare.differences import across_section, pairs_table
from bridges.compare.paragraph import results_paragraph
from bridges.compare.specs import Settings, parse_classifier
from bridges.compare.summary import summarise
from bridges.compare.tables import markdown


def rows(data, centres, n=8, split="random"):
    rng = np.random.default_rng(len(data))
    blank = dict.fromkeys(COLUMNS)
    return [
        {
            **blank,
            "key": f"{data}-{name}-{fold}",
            "data": data,
            "classifier": name,
            "role": "baseline" if name == "majority class" else "classifier",
            "split": split,
            "fold": fold,
            "seed": 0,
            "n_train": 300,
            "n_test": 100,
            "status": "ok",
            "accuracy": centre + rng.normal(0, 0.01),
        }
        for name, centre in centres.items()
        for fold in range(n)
    ]


CENTRES = {"mpi-svc": 0.9, "sklearn-svc": 0.899, "mpi-svc:C=1e-6": 0.6, "majority class": 0.3}
NAMES = ["one", "another", "a third", "the fourth", "number five", "the sixth one"]


def conclude(data, **settings):
    return summarise(data, lambda key: {}, Settings((), (), **settings))


@pytest.fixture(scope="module")
def verdicts():
    return conclude([row for name in NAMES for row in rows(name, CENTRES)])


def test_ranks_and_odds_over_data_sets(verdicts) -> None:
    found = across(verdicts, rope=0.01)
    assert set(found.ranking.names[:2]) == {"mpi-svc", "sklearn-svc"}
    assert found.ranking.mean_ranks[2] == 3
    assert found.ranking.p_value < 0.05
    odds = {(p.first, p.second): p.odds for p in found.pairs}
    assert len(odds) == 3
    assert odds[found.ranking.names[0], found.ranking.names[1]].same > 0.9
    assert odds[found.ranking.names[0], "mpi-svc:C=1e-6"].better > 0.95
    assert all(o.test == "hierarchical Bayesian model" for o in odds.values())
    section, _ = across_section(found)
    assert len(section.tables[0].rows) == 3
    assert "## All data sets together" in markdown(verdicts, found)


def test_uneven_folds_are_compared_by_means() -> None:
    data = [*rows("one", CENTRES, 8), *rows("two", CENTRES, 5), *rows("three", CENTRES, 1)]
    found = across(conclude(data), rope=0.01)
    assert all(p.odds.test == "Bayesian signed-rank test" for p in found.pairs)


def test_one_data_set_or_one_classifier_is_not_several(verdicts) -> None:
    assert across(verdicts[:1], rope=0.01) is None
    alone = conclude([*rows("one", {"a": 0.9}), *rows("two", {"a": 0.9})])
    assert across(alone, rope=0.01) is None
    strangers = conclude([*rows("one", {"a": 0.9, "b": 0.8}), *rows("two", {"a": 0.9, "c": 0.8})])
    assert across(strangers, rope=0.01) is None
    assert across([], rope=0.01) is None


def test_pairs_tell_size_odds_and_what_could_have_been_found(verdicts) -> None:
    table = pairs_table(verdicts[0])
    assert len(table.rows) == 3
    same = next(c for c in verdicts[0].comparisons if c.second == "sklearn-svc")
    assert same.verdict == "not distinguishable"
    assert abs(same.difference) < same.detectable
    assert same.odds.worse + same.odds.same + same.odds.better == pytest.approx(1)
    far = next(c for c in verdicts[0].comparisons if c.second == "mpi-svc:C=1e-6")
    assert far.effect > 5
    assert any("(large)" in cell for row in table.rows for cell in row)


def test_a_paragraph_for_a_paper(verdicts) -> None:
    names = ["mpi-svc", "sklearn-svc", "mpi-svc:C=1e-6"]
    settings = Settings(tuple(parse_classifier(name) for name in names), ())
    sources = [
        SimpleNamespace(
            spec=SimpleNamespace(name=v.data),
            data=SimpleNamespace(X=np.zeros((400, 7))),
            class_names={1: "a", 2: "b"},
            splits=range(8),
        )
        for v in verdicts
    ]
    text = results_paragraph(settings, sources, verdicts, across(verdicts, 0.01))
    assert "We compared mpi-svc, sklearn-svc and mpi-svc:C=1e-6 on one (400 samples" in text
    assert "A random split answers: How well are pixels mapped" in text
    assert "corrected paired t-test" in text
    assert "are not distinguishable" in text
    assert "found with a chance of 80 %" in text
    assert "The majority class reaches 0.3" in text
    assert "Over 6 data sets ranks differ" in text
