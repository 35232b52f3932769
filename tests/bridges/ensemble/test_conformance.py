"""scikit-learn's own checks of the reference and of ensembles, none of them expected to fail."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks

from bridges.ensemble.bagging import KernelEnsemble
from bridges.reference import ReferenceSVC


@parametrize_with_checks(
    [
        ReferenceSVC(),
        ReferenceSVC(multiclass="ovr"),
        ReferenceSVC(kernel="precomputed"),
        KernelEnsemble(ReferenceSVC(), n_members=3, member_size=20),
        KernelEnsemble(ReferenceSVC(), n_members=3, member_size=20, combine="majority"),
        KernelEnsemble(ReferenceSVC(), n_members=3, member_size=20, combine="oob"),
    ]
)
def test_scikit_learn_check(estimator, check):
    check(estimator)
