"""scikit-learn's own checks of the annealed classifiers, none of them expected to fail."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks

from qsvm.classifier import QuboSVC
from qsvm.ensemble import QuboEnsemble

QUICK = {"num_reads": 6, "num_sweeps": 40}


@parametrize_with_checks(
    [
        QuboSVC(sampler_params=QUICK),
        QuboSVC(sampler_params=QUICK, multiclass="ovr", n_bits=1, class_weight="balanced"),
        QuboSVC(sampler_params=QUICK, kernel="precomputed"),
        QuboEnsemble(members=3, member_size=20, **QUICK),
    ]
)
def test_scikit_learn_check(estimator, check):
    check(estimator)
