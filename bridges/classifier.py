"""What a classifier offers: the common interface, and the abilities that it may have besides.

Every command, ensemble and comparison asks for an ability by ``isinstance`` with one of the
protocols here and nowhere else, so a classifier of another package has the ability once it has the
attributes that the protocol lists. :func:`bridges.testing.assert_classifier` tells which abilities
a classifier has, and points at an attribute whose name is nearly that of an ability.

scikit-learn's own optional methods, ``decision_function`` and ``predict_proba``, are looked up as
scikit-learn does, with ``hasattr``: its estimators decide per instance whether they have them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from bridges.fit_report import Diagnostics, FitReport

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Dataset = tuple[ArrayLike, ArrayLike, ArrayLike | None]


@runtime_checkable
class KernelClassifier(Protocol):
    """What every classifier of the toolkit offers: a plain scikit-learn estimator.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Number of features.
    support_ : ndarray of shape (n_support,)
        Rows of the training data that carry a coefficient in any of the binary problems.
    support_vectors_ : ndarray of shape (n_support, n_features)
        Those rows.
    dual_coef_ : ndarray of shape (n_outputs, n_support)
        Signed coefficients ``alpha * y``; one row when binary, one per pair of classes (in the
        order (0,1), (0,2), …, (1,2), …) for one-vs-one, one per class for one-vs-rest. A positive
        value of pair (i, j) speaks for class i; the single row of a binary problem speaks for
        ``classes_[1]``.
    intercept_ : ndarray of shape (n_outputs,)
        Biases in the same order.
    fit_report_ : FitReport
        Times and sizes.
    diagnostics_ : Diagnostics
        Quality of the dual solutions.
    """

    classes_: NDArray[Any]
    n_features_in_: int
    support_: NDArray[np.intp]
    support_vectors_: NDArray[np.float64]
    dual_coef_: NDArray[np.float64]
    intercept_: NDArray[np.float64]
    fit_report_: FitReport
    diagnostics_: Diagnostics

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Any:
        """Train on ``X`` of shape (n, d) and labels ``y`` of shape (n,)."""
        ...

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the label of every row."""
        ...

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return (n,) values when binary (positive: ``classes_[1]``), else (n, n_classes)."""
        ...

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy."""
        ...

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's parameters."""
        ...

    def set_params(self, **params: Any) -> Any:
        """Set constructor parameters."""
        ...


@runtime_checkable
class HasFitReport(Protocol):
    """Tells where the time of its fit went: ensembles sum it, tables show it."""

    fit_report_: FitReport


@runtime_checkable
class HasDiagnostics(Protocol):
    """Tells how good its dual solutions are."""

    diagnostics_: Diagnostics


@runtime_checkable
class OffersNullControls(Protocol):
    """Names the classifiers that tell what its optimiser contributed.

    Every run and comparison fits them beside it. Such a classifier is never fitted for a warm-up,
    since its samples may cost money.
    """

    def null_controls(self) -> dict[str, Any]:
        """Return unfitted classifiers by name, such as ``random_alpha`` and ``exact_all``."""
        ...


@runtime_checkable
class FitsTogether(Protocol):
    """Fits clones of itself on several data sets at once: one submission instead of many."""

    def fit_many(
        self,
        datasets: Sequence[Dataset],
        seeds: Sequence[int],
        *,
        progress: Callable[[int, int], None],
    ) -> list[Any]:
        """Return one fitted clone per data set (X, y, weights or None), seeded with ``seeds``."""
        ...


@runtime_checkable
class Collective(Protocol):
    """Is fitted by all MPI ranks together: every one of them has to call ``fit``."""

    collective: ClassVar[bool]


@runtime_checkable
class TellsProgress(Protocol):
    """Its ``fit`` takes ``progress``, a keyword that is called with (items done, items in all)."""

    tells_progress: ClassVar[bool]

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        progress: Callable[[int, int], None],
    ) -> Any:
        """Train."""
        ...


@runtime_checkable
class HasExpansion(Protocol):
    """Is a kernel expansion, which an ensemble fuses with others into one.

    Attributes
    ----------
    outputs : {"ovo", "ovr"}
        Whether its outputs stand for pairs of classes or for classes
        (:mod:`bridges.svm.multiclass`); two classes have one output always.
    """

    @property
    def outputs(self) -> Any:
        """What the outputs stand for."""
        ...

    def expansion(self) -> Any:
        """Return the fitted model as a :class:`bridges.svm.expansion.KernelExpansion`."""
        ...


@runtime_checkable
class HasLabeller(Protocol):
    """Chooses classes by a rule on one kernel expansion, which maps do in compiled loops."""

    def labeller(self) -> Any:
        """Return a :class:`bridges.svm.labels.Labeller`, or None where this instance has none."""
        ...


@runtime_checkable
class HasMembers(Protocol):
    """Is an ensemble of fitted members."""

    estimators_: Sequence[Any]


@runtime_checkable
class HasOutOfBagScore(Protocol):
    """Knows its accuracy on training samples that its members did not see, or None."""

    oob_score_: float | None


@runtime_checkable
class GivesOutOfBagOutputs(Protocol):
    """Has members that did not see all training samples, and tells what those make of the rest."""

    def out_of_bag_outputs(self, X: NDArray[np.float64], merged: Any) -> tuple[Any, Any]:
        """Return which distinct samples some member has not seen, and the outputs for them.

        Parameters
        ----------
        X : ndarray of shape (n, d)
            Training samples.
        merged : MergedRows
            The distinct ones among them.
        """
        ...


@runtime_checkable
class HasEnergies(Protocol):
    """Tells the energies of the samples behind it, for histograms.

    Attributes
    ----------
    energies_ : ndarray of shape (n_duals, 4)
        Exact optimum, model, best sample and all-zero energy of every dual.
    sample_energies_ : sequence of ndarray
        Energies of all distinct samples of every dual, ascending.
    """

    energies_: NDArray[np.float64]
    sample_energies_: Sequence[NDArray[np.float64]]


@runtime_checkable
class HasSamplerTiming(Protocol):
    """Tells the seconds that its sampler spent, by kind."""

    sampler_timing_: Mapping[str, float]


@runtime_checkable
class HasNotes(Protocol):
    """Says what was decided in a fit and the user should know.

    Attributes
    ----------
    notes_ : sequence of str
        A sentence each.
    """

    notes_: Sequence[str]


@runtime_checkable
class HasSearch(Protocol):
    """Searched for its parameters, and tells how in plain values for ``metrics.json``."""

    search_: Mapping[str, Any]


@runtime_checkable
class HasFurtherMetrics(Protocol):
    """Tells more than the numbers that all classifiers have: groups of them, by name.

    Attributes
    ----------
    further_metrics_ : mapping
        Plain values for ``metrics.json``, such as ``{"hybrid": {…}}``.
    """

    further_metrics_: Mapping[str, Any]


@runtime_checkable
class HasSections(Protocol):
    """Has sections of its own in the report of a run."""

    def report_sections(self) -> Sequence[Any]:
        """Return :class:`bridges.report.page.Section` objects."""
        ...


@runtime_checkable
class WritesFiles(Protocol):
    """Leaves files of its own in the folder of a run."""

    def write_files(self, folder: Any) -> None:
        """Write them into a :class:`bridges.run.folder.RunFolder`."""
        ...


ABILITIES: tuple[type, ...] = (
    HasFitReport,
    HasDiagnostics,
    OffersNullControls,
    FitsTogether,
    Collective,
    TellsProgress,
    HasExpansion,
    HasLabeller,
    HasMembers,
    HasOutOfBagScore,
    GivesOutOfBagOutputs,
    HasEnergies,
    HasSamplerTiming,
    HasSearch,
    HasFurtherMetrics,
    HasSections,
    WritesFiles,
    HasNotes,
)
"""Everything that a classifier may offer beside :class:`KernelClassifier`."""


def is_collective(estimator: Any) -> bool:
    """Return whether all MPI ranks fit this estimator together."""
    return isinstance(estimator, Collective) and estimator.collective


def null_controls_of(estimator: Any) -> dict[str, Any]:
    """Return the unfitted null controls of an estimator; none where it offers none."""
    return dict(estimator.null_controls()) if isinstance(estimator, OffersNullControls) else {}


def notes_of(estimator: Any) -> list[str]:
    """Return what a fitted classifier has to say, and its members; every sentence once."""
    speakers = [estimator, *members_of(estimator)]
    heard = [speaker.notes_ for speaker in speakers if isinstance(speaker, HasNotes)]
    return list(dict.fromkeys(note for notes in heard for note in notes))


def members_of(estimator: Any) -> Sequence[Any]:
    """Return the fitted members of an ensemble; of anything else, itself."""
    return estimator.estimators_ if isinstance(estimator, HasMembers) else [estimator]


def fit_telling(
    estimator: Any, X: ArrayLike, y: ArrayLike, progress: Callable[[int, int], None]
) -> Any:
    """Fit an estimator, with ``progress`` where it tells any."""
    if isinstance(estimator, TellsProgress) and estimator.tells_progress:
        return estimator.fit(X, y, progress=progress)
    return estimator.fit(X, y)
