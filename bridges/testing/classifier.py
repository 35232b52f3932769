"""Trial of a classifier: the common interface, and every ability that it says it has."""

from __future__ import annotations

import inspect
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges import classifier as contract
from bridges.fit_report import Diagnostics, FitReport
from bridges.testing.problems import blobs
from bridges.testing.words import assert_no_slips, members_of_protocol, require

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMES = np.array(["forest", "meadow", "water"])
METHODS = ("fit", "predict", "decision_function", "score", "get_params", "set_params")
OF_EXPANSION = ("support_", "support_vectors_", "dual_coef_", "intercept_")


def assert_classifier(estimator: Any, *, repeatable: bool = True) -> None:
    """Assert that a classifier offers what :mod:`bridges.classifier` says, as far as it says so.

    The common interface is asked of all; kernel attributes of those with an ``expansion``; every
    ability of those that have it. scikit-learn's own trial,
    :func:`sklearn.utils.estimator_checks.check_estimator`, is another one: run both.

    Parameters
    ----------
    estimator : estimator
        Unfitted and quick: it is fitted a dozen times, on a few dozen samples of two features.
    repeatable : bool
        Whether equal seeds give equal models; False only where hardware is asked.

    Raises
    ------
    AssertionError
        With the promise that was broken.

    Examples
    --------
    >>> from bridges import make
    >>> from bridges.testing import assert_classifier
    >>> assert_classifier(make("sklearn-svc"))
    """
    kind = type(estimator).__name__
    for method in METHODS:
        require(callable(getattr(estimator, method, None)), f"{kind} has no method '{method}'.")
    _assert_parameters(kind, estimator)
    for n_classes in (2, 3):
        where, (X, codes) = f"{kind}, {n_classes} classes:", blobs(n_classes, 14, seed=n_classes)
        y = NAMES[codes]
        fitted = _fitted(kind, estimator, X, y)
        _assert_fitted(where, fitted, X, y)
        _assert_copies(where, estimator, fitted, X, y, repeatable)
        _assert_abilities(where, estimator, fitted, X, y)
    _assert_refusals(kind, estimator)


def _clone(estimator: Any) -> Any:
    from sklearn.base import clone

    return _seeded(clone(estimator))


def _seeded(estimator: Any, seed: int = 0) -> Any:
    if "random_state" in estimator.get_params(deep=False):
        estimator.set_params(random_state=seed)
    return estimator


def _assert_parameters(kind: str, estimator: Any) -> None:
    """Assert that parameters are stored as given, and all of them settable."""
    params = estimator.get_params(deep=False)
    signature = inspect.signature(type(estimator)).parameters.values()
    swallowed = [p.name for p in signature if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    require(not swallowed, f"{kind}'s constructor takes anything (*{''.join(swallowed)}): name it.")
    copy = _clone(estimator)
    require(
        copy.set_params(**copy.get_params(deep=False)) is copy, f"{kind}.set_params returns self."
    )
    require(
        copy.get_params(deep=False).keys() == params.keys(),
        f"{kind}: a clone has other parameters.",
    )


def _fitted(kind: str, estimator: Any, X: NDArray[np.float64], y: NDArray[Any]) -> Any:
    """Fit a clone; assert what fit must not do."""
    model, given = _clone(estimator), (X.copy(), y.copy())
    before = repr(model.get_params())
    require(model.fit(X, y) is model, f"{kind}.fit must return self.")
    require(repr(model.get_params()) == before, f"{kind}.fit changed a parameter.")
    require(
        np.array_equal(X, given[0]) and np.array_equal(y, given[1]), f"{kind}.fit wrote to X or y."
    )
    return model


def _assert_fitted(where: str, model: Any, X: NDArray[np.float64], y: NDArray[Any]) -> None:
    """Assert fitted attributes, predictions and decision values."""
    for name in members_of_protocol(contract.KernelClassifier) - set(OF_EXPANSION):
        require(hasattr(model, name), f"{where} after fit it has no '{name}'.")
    classes = np.unique(y)
    require(
        np.array_equal(model.classes_, classes), f"{where} classes_ are not the labels, sorted."
    )
    require(
        model.n_features_in_ == X.shape[1], f"{where} n_features_in_ is {model.n_features_in_}."
    )
    predicted, values = model.predict(X), np.asarray(model.decision_function(X))
    require(predicted.shape == (len(X),), f"{where} predict gave shape {predicted.shape}.")
    wanted = (len(X),) if len(classes) == 2 else (len(X), len(classes))
    require(values.shape == wanted, f"{where} decision_function gave {values.shape}, not {wanted}.")
    require(np.isfinite(values).all(), f"{where} a decision value is not finite.")
    by_value = (values > 0).astype(int) if values.ndim == 1 else values.argmax(axis=1)
    require(
        np.array_equal(classes[by_value], predicted),
        f"{where} predict and decision_function disagree: a positive value, or the largest column, "
        "is the predicted class.",
    )
    right = float(np.mean(predicted == y))
    require(abs(model.score(X, y) - right) <= 1e-12, f"{where} score is not the accuracy.")
    require(right >= 0.8, f"{where} {right:.0%} of well separated training samples are right.")
    _assert_records(where, model, len(X))


def _assert_records(where: str, model: Any, n: int) -> None:
    require(isinstance(model.fit_report_, FitReport), f"{where} fit_report_ is no FitReport.")
    require(isinstance(model.diagnostics_, Diagnostics), f"{where} diagnostics_ is no Diagnostics.")
    report = model.fit_report_
    for record in (report, model.diagnostics_):
        try:
            record.as_json()
        except (TypeError, ValueError) as error:
            name = type(record).__name__
            raise AssertionError(
                f"{where} a number of its {name} is no plain one ({error}); unknown is None."
            ) from error
    require(report.total_s > 0, f"{where} fit_report_.total_s is {report.total_s}.")
    require(report.n_samples == n, f"{where} fit_report_.n_samples is {report.n_samples}, not {n}.")


def _assert_copies(
    where: str,
    estimator: Any,
    model: Any,
    X: NDArray[np.float64],
    y: NDArray[Any],
    repeatable: bool,
) -> None:
    """Assert that a pickled model, a second fit and other threads give the same values."""
    values = model.decision_function(X)
    pickled = pickle.loads(pickle.dumps(model)).decision_function(X)
    require(
        np.array_equal(pickled, values), f"{where} pickled and read again it predicts otherwise."
    )
    weighted = _clone(estimator).fit(X, y, sample_weight=np.full(len(X), 1.0))
    require(weighted.predict(X).shape == (len(X),), f"{where} fit takes no sample_weight.")
    if not repeatable:
        return
    again = _clone(estimator).fit(X, y).decision_function(X)
    require(
        np.array_equal(again, values), f"{where} fitted twice from one seed it is another model."
    )
    if "n_jobs" in estimator.get_params(deep=False):
        single = _clone(estimator).set_params(n_jobs=1).fit(X, y).decision_function(X)
        require(np.array_equal(single, values), f"{where} the model depends on n_jobs.")


def _assert_abilities(
    where: str, estimator: Any, model: Any, X: NDArray[np.float64], y: NDArray[Any]
) -> None:
    """Assert that every ability is what it is called, and that none is misspelt."""
    from sklearn.base import BaseEstimator, ClassifierMixin

    known = set().union(*(members_of_protocol(ability) for ability in contract.ABILITIES))
    ignored = {*dir(BaseEstimator), *dir(ClassifierMixin), *model.get_params(deep=False)}
    assert_no_slips(where.rstrip(":"), (name for name in dir(model) if name not in ignored), known)
    takes = "progress" in inspect.signature(model.fit).parameters
    tells = isinstance(model, contract.TellsProgress) and model.tells_progress
    require(
        takes == tells,
        f"{where} fit {'takes' if takes else 'does not take'} 'progress', and tells_progress says "
        "otherwise: both or neither.",
    )
    if tells:
        _assert_progress(where, estimator, X, y)
    collective = getattr(model, "collective", False)
    require(isinstance(collective, bool), f"{where} collective is {collective!r}, no bool.")
    if isinstance(model, contract.HasExpansion):
        _assert_expansion(where, model, X)
    if isinstance(model, contract.OffersNullControls):
        _assert_null_controls(where, model, X, y)
    if isinstance(model, contract.FitsTogether):
        _assert_together(where, estimator, X, y)
    if isinstance(model, contract.HasEnergies):
        _assert_energies(where, model)
    if isinstance(model, contract.HasOutOfBagScore):
        score = model.oob_score_
        require(score is None or 0 <= score <= 1, f"{where} oob_score_ is {score!r}.")


def _assert_progress(where: str, estimator: Any, X: NDArray[np.float64], y: NDArray[Any]) -> None:
    told: list[tuple[int, int]] = []
    contract.fit_telling(_clone(estimator), X, y, lambda done, total: told.append((done, total)))
    require(
        told and all(0 <= done <= total for done, total in told),
        f"{where} fit told the progress {told}.",
    )
    require(any(done == total for done, total in told), f"{where} fit never told that it is done.")


def _assert_expansion(where: str, model: Any, X: NDArray[np.float64]) -> None:
    """Assert that the kernel attributes belong together and are what predicts."""
    n_outputs, n_support = model.dual_coef_.shape
    require(model.support_.shape == (n_support,), f"{where} support_ and dual_coef_ do not match.")
    require(
        np.array_equal(X[model.support_], model.support_vectors_),
        f"{where} support_vectors_ are not the rows support_ of the training samples.",
    )
    require(model.intercept_.shape == (n_outputs,), f"{where} intercept_ is not one per output.")
    require(model.outputs in ("ovo", "ovr"), f"{where} outputs is {model.outputs!r}.")
    c = len(model.classes_)
    wanted = 1 if c == 2 else c if model.outputs == "ovr" else c * (c - 1) // 2
    require(
        n_outputs == wanted, f"{where} {n_outputs} outputs where '{model.outputs}' has {wanted}."
    )
    values = model.expansion().decision(X)
    require(values.shape == (len(X), wanted), f"{where} expansion().decision gave {values.shape}.")


def _assert_null_controls(where: str, model: Any, X: NDArray[np.float64], y: NDArray[Any]) -> None:
    controls = model.null_controls()
    require(isinstance(controls, dict), f"{where} null_controls returned no dict.")
    for name, control in controls.items():
        require(
            not hasattr(control, "classes_"), f"{where} the control '{name}' is fitted already."
        )
        predicted = control.fit(X, y).predict(X)
        require(
            len(np.asarray(control.decision_function(X))) == len(X),
            f"{where} the control '{name}' has no decision values for its scores.",
        )
        require(set(predicted) <= set(y), f"{where} the control '{name}' predicts foreign labels.")


def _assert_together(where: str, estimator: Any, X: NDArray[np.float64], y: NDArray[Any]) -> None:
    """Assert that a model fitted beside others is the one fitted alone."""
    half = len(X) // 2
    datasets, told = [(X, y, None), (X[half:], y[half:], None)], []
    models = _clone(estimator).fit_many(
        datasets, [1, 2], progress=lambda done, total: told.append((done, total))
    )
    require(len(models) == 2, f"{where} fit_many gave {len(models)} models for 2 data sets.")
    for model, (rows, labels, _), seed in zip(models, datasets, (1, 2), strict=True):
        alone = _seeded(_clone(estimator), seed).fit(rows, labels).decision_function(X)
        require(
            np.array_equal(model.decision_function(X), alone),
            f"{where} a model of fit_many is not the one fitted alone with its seed.",
        )


def _assert_energies(where: str, model: Any) -> None:
    require(
        model.energies_.ndim == 2 and model.energies_.shape[1] == 4,
        f"{where} energies_ has shape {model.energies_.shape}, not (n_duals, 4).",
    )
    require(
        len(model.sample_energies_) == len(model.energies_),
        f"{where} sample_energies_ is not one array per dual.",
    )
    for (exact, _, best, _), samples in zip(model.energies_, model.sample_energies_, strict=True):
        require((np.diff(samples) >= 0).all(), f"{where} sample_energies_ are not ascending.")
        require(
            abs(samples[0] - best) <= 1e-9 * max(1.0, abs(best)),
            f"{where} the third column of energies_ is not the best sample's energy.",
        )
        require(
            exact <= best + 1e-6 * max(1.0, abs(best)),
            f"{where} a sample lies below the exact optimum.",
        )


def _assert_refusals(kind: str, estimator: Any) -> None:
    X, codes = blobs(2, 10)
    for wrong, words in (
        ((X, np.zeros(len(X), int)), "training data of one class"),
        ((np.where(X[0] == X, np.nan, X), codes), "NaN among the features"),
    ):
        try:
            _clone(estimator).fit(*wrong)
        except ValueError:
            continue
        raise AssertionError(
            f"{kind} was fitted on {words}: raise a ValueError (DataError is one)."
        )
