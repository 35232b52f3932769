"""The kernel SVM whose dual is sampled as a QUBO."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar

from sklearn.base import clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from bridges import registry
from bridges.errors import UsageError
from bridges.machine.progress import Progress, no_progress
from bridges.svm.base import KernelModel
from bridges.svm.kernels import NAMES, Kernel
from bridges.svm.multiclass import MultiClass
from qsvm.fitting.controls import controls_of
from qsvm.fitting.duals import ModelDuals, build_duals
from qsvm.fitting.looks import LOOKS
from qsvm.fitting.penalty import AUTO, SMALL
from qsvm.fitting.telling import notes_on, warn_of
from qsvm.fitting.together import Fitted, Sampling, fit_together
from qsvm.formulations.base import FITTED, PAPERS, Encoding, Formulation, make_formulation
from qsvm.formulations.bias import BIAS_RULES
from qsvm.formulations.combination import COMBINATIONS, HULL
from qsvm.formulations.solution import Rules
from qsvm.held import SamplerHolder
from qsvm.problem.dual_problem import bit_weights
from qsvm.samplers.base import (
    SuitsHull,
    WholeNumbers,
    is_analog,
    is_null_control,
    may_ask_again,
    options_for_hull,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from qsvm.samplers.base import DualSampler


class QuboSVC(SamplerHolder, KernelModel):
    r"""Kernel SVM trained by sampling its dual as a QUBO.

    The dual min ½ Σ α_n α_m y_n y_m k(x_n, x_m) − Σ α_n + (ξ/2)(Σ α_n y_n)², 0 ≤ α_n ≤ C_n, is
    written on a lattice α_n = C_n / S · Σ_k B^k a_nk of bits and sampled [1]_. Every distinct
    sample becomes a column: the model is the lowest point of their convex hull, all-zero
    coefficients included, with Σ α_n y_n = 0 kept exactly (:mod:`qsvm.formulations.mixture`). The
    papers' rule, the mean of the 20 lowest samples, is ``combination="mean"``.

    Parameters
    ----------
    C : float or "encoding"
        Upper bound of the coefficients. ``"encoding"`` is S = Σ_k B^k, the papers' choice.
    base : float
        Base B of the encoding.
    n_bits : int or "auto"
        Bits K per coefficient; ``"auto"`` is one on a chip, what a sampler of whole numbers says
        (``hybrid-nl``: seven, 128 levels), and two elsewhere.
    encoding : {"fitted", "papers"}
        ``"papers"``: the lattice runs from 0 to C_n. ``"fitted"``: where the hull of its samples
        stays more than 5 % above the optimum (linear kernels, large C, copies of a sample), a
        sampler on this machine looks again on intervals around it (:mod:`qsvm.fitting.looks`).
    penalty : float, "auto" or "small"
        ξ; adding ξ to every kernel value is the same. ``"auto"`` is the mean k(x, x), on a chip
        ``"small"``: the least that keeps the optimum near the plane
        (:mod:`qsvm.fitting.penalty`).
    kernel : {"rbf", "linear", "poly", "sigmoid", "precomputed"} or callable
        Kernel; a callable takes (X, Z) and returns the matrix of shape (n, m).
    gamma : float, "scale" or "auto"
        Kernel coefficient of rbf, poly and sigmoid.
    degree : int
        Degree of poly.
    coef0 : float
        Constant of poly and sigmoid.
    multiclass : str
        Registered name of a formulation: ``"ovo"``, one dual per pair of classes; ``"ovr"``, one
        per class; ``"crammer-singer"``, one problem for all classes.
    class_weight : dict, "balanced" or None
        Weight of each class; acts on the box, C_n = C · w_n.
    sampler : str or object
        Registered name of a sampler, or a sampler object: any of dimod's, such as
        ``DWaveSampler()``, or a :class:`qsvm.samplers.base.DualSampler`. A clone shares the object;
        a pickle keeps it if it can be pickled, else predicts without it.
    sampler_params : dict or None
        The sampler's own options; ``sampler__num_reads`` sets one of them.
    refine_rounds : int
        Rounds of refinement: intervals shrink around the best sample, precision without bits.
    n_keep : int or None
        How many of the lowest distinct samples are combined; None for all in a hull and 20 in an
        average.
    combination : str
        How they are combined; see :mod:`qsvm.formulations.combination`.
    bias : str
        Rule for the bias; see :mod:`qsvm.formulations.combination`.
    precision : {"double", "single"}
        float64 or float32 kernel matrices in training.
    proof_seconds : float
        Seconds of one thread that may go into proving the optima of the duals' lattices, with which
        the diagnostics tell the lattice's share of a gap from the sampler's; counted in nodes at a
        nominal speed, so that the diagnostics depend on no machine. 0 for no proofs.
    n_jobs : int or None
        Threads; None for all cores. The model does not depend on it.
    random_state : int, RandomState or None
        Seed of the sampler.

    Attributes
    ----------
    classes_, n_features_in_, support_, support_vectors_, dual_coef_, intercept_, fit_report_, \
diagnostics_
        See :class:`bridges.classifier.KernelClassifier`.
    notes_ : list of str
        That duals were looked at again, or that the lattice is too coarse.
    gamma_ : float
        γ as a number.
    energies_ : ndarray of shape (n_duals, 4)
        Exact optimum, model, best sample and all-zero energy of every dual.
    sample_energies_ : list of ndarray
        Energies of all distinct samples of every dual, ascending.
    sampler_timing_ : dict of str to float
        Seconds that the sampler tells of its own work (QPU access, programming, sampling, queue,
        network, …), summed over the duals; empty for samplers that tell none.

    References
    ----------
    .. [1] D. Willsch, M. Willsch, H. De Raedt, K. Michielsen, "Support vector machines on the
       D-Wave quantum annealer", Computer Physics Communications 248, 107006 (2020), eqs. 8-15.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from qsvm.classifier import QuboSVC
    >>> X, y = make_blobs(30, centers=2, random_state=0)
    >>> QuboSVC(random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """

    tells_progress: ClassVar[bool] = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "C": [Interval(Real, 0, None, closed="neither"), StrOptions({"encoding"})],
        "base": [Interval(Real, 1, None, closed="left")],
        "n_bits": [Interval(Integral, 1, 16, closed="both"), StrOptions({AUTO})],
        "encoding": [StrOptions({FITTED, PAPERS})],
        "penalty": [Interval(Real, 0, None, closed="left"), StrOptions({AUTO, SMALL})],
        "kernel": [StrOptions(set(NAMES)), callable],
        "gamma": [StrOptions({"scale", "auto"}), Interval(Real, 0, None, closed="neither")],
        "degree": [Interval(Integral, 1, None, closed="left")],
        "coef0": [Interval(Real, None, None, closed="neither")],
        "multiclass": [str],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "sampler": [str, HasMethods("sample"), HasMethods("__sklearn_clone__")],
        "sampler_params": [dict, None],
        "refine_rounds": [Interval(Integral, 0, None, closed="left")],
        "n_keep": [Interval(Integral, 1, None, closed="left"), None],
        "combination": [StrOptions(set(COMBINATIONS))],
        "bias": [StrOptions(set(BIAS_RULES))],
        "precision": [StrOptions({"double", "single"})],
        "proof_seconds": [Interval(Real, 0, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        C: float | str = 3.0,
        *,
        base: float = 2,
        n_bits: int | str = "auto",
        encoding: str = FITTED,
        penalty: float | str = "auto",
        kernel: str | Callable[..., Any] = "rbf",
        gamma: float | str = "scale",
        degree: int = 3,
        coef0: float = 0.0,
        multiclass: str = "ovo",
        class_weight: dict[Any, float] | str | None = None,
        sampler: str | Any = "neal",
        sampler_params: dict[str, Any] | None = None,
        refine_rounds: int = 0,
        n_keep: int | None = None,
        combination: str = "hull",
        bias: str = "free",
        precision: str = "double",
        proof_seconds: float = 0.1,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.C = C
        self.base = base
        self.n_bits = n_bits
        self.encoding = encoding
        self.penalty = penalty
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.multiclass = multiclass
        self.class_weight = class_weight
        self.sampler = sampler
        self.sampler_params = sampler_params
        self.refine_rounds = refine_rounds
        self.n_keep = n_keep
        self.combination = combination
        self.bias = bias
        self.precision = precision
        self.proof_seconds = proof_seconds
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        progress: Progress = no_progress,
    ) -> QuboSVC:
        """Build the QUBOs, sample them, and turn the samples into a model.

        Parameters
        ----------
        X : array-like of shape (n, d), or (n, n) for a precomputed kernel
            Training samples.
        y : array-like of shape (n,)
            Labels of two or more classes.
        sample_weight : array-like of shape (n,), optional
            Weights ≥ 0; C_n = C · w_n.
        progress : callable
            Called with (duals done, duals in all).

        Raises
        ------
        DataError
            If there are fewer than two classes.
        """
        model = self.plan(X, y, sample_weight)
        (fitted,) = fit_together([model], [self.random_state], self._sampling(), progress)
        return self._set(fitted)

    def fit_many(
        self,
        datasets: Sequence[tuple[ArrayLike, ArrayLike, ArrayLike | None]],
        seeds: Sequence[int],
        *,
        progress: Progress = no_progress,
    ) -> list[QuboSVC]:
        """Fit one clone per data set, all their duals in one call of the sampler.

        Parameters
        ----------
        datasets : sequence of (X, y, sample_weight or None)
            Training sets.
        seeds : sequence of int
            ``random_state`` of each clone, which makes it equal to one fitted on its own.
        progress : callable
            Called with (duals done, duals in all).
        """
        models = [clone(self).set_params(random_state=seed) for seed in seeds]
        plans = [model.plan(*data) for model, data in zip(models, datasets, strict=True)]
        fitted = fit_together(plans, seeds, self._sampling(), progress)
        return [model._set(values) for model, values in zip(models, fitted, strict=True)]

    def _sampling(self) -> Sampling:
        sampler = self.make_sampler()
        selective = not is_null_control(sampler)
        rules = Rules(self.n_keep, self.combination, self.bias, selective)
        proof_seconds = self.proof_seconds if selective else 0.0
        fitted = self.encoding == FITTED and self.combination == HULL and not self.refine_rounds
        looks = LOOKS if fitted and may_ask_again(sampler) else 0
        return Sampling(sampler, rules, self.refine_rounds, self.n_jobs, proof_seconds, looks)

    def _set(self, fitted: Fitted) -> QuboSVC:
        """Keep what a fit gave."""
        self.gamma_ = fitted.gamma
        self.support_ = fitted.support
        self.support_vectors_ = fitted.support_vectors
        self.dual_coef_ = fitted.coef
        self.intercept_ = fitted.intercept
        self.energies_ = fitted.energies
        self.sample_energies_ = fitted.sample_energies
        self.sampler_timing_ = fitted.timing
        self.diagnostics_ = fitted.diagnostics
        self.fit_report_ = fitted.report
        optimised = not is_null_control(self.sampler_kind())
        self.notes_ = notes_on(fitted.diagnostics) if optimised else []
        warn_of(self.notes_)
        return self

    @property
    def outputs(self) -> MultiClass:
        """Whether the rows of ``dual_coef_`` stand for pairs of classes or for classes."""
        return self._formulation().outputs  # type: ignore[return-value]  # checked there

    def _formulation(self) -> Formulation:
        """Return the formulation, which must be one of classes.

        Raises
        ------
        UsageError
            If the name is unknown, or that of a regression.
        """
        formulation = make_formulation(self.multiclass)
        if formulation.outputs == "number":
            raise UsageError(
                f"multiclass is '{self.multiclass}', which regresses numbers.",
                "Use 'ovo', 'ovr' or 'crammer-singer'.",
            )
        return formulation

    def plan(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> ModelDuals:
        """Return the duals that ``fit`` would sample, without sampling them."""
        samples, codes, weights, bounds = self._training_set(X, y, sample_weight)
        return build_duals(
            samples,
            codes,
            weights,
            bounds,
            Kernel(self.kernel, degree=self.degree, coef0=self.coef0),
            self.gamma,
            self._formulation(),
            self.resolved_encoding(),
            label="svm",
            penalty=self._penalty(),
        )

    def resolved_encoding(self) -> Encoding:
        """Return the encoding with C as a number."""
        n_bits = self.resolved_bits()
        scale = 1.0 / float(bit_weights(self.base, n_bits)[0])  # S = Σ B^k, as B^0 = 1
        C = scale if self.C == "encoding" else float(self.C)
        return Encoding(C, self.base, n_bits, 1.0, self.precision)

    def resolved_bits(self) -> int:
        """Return the bits per coefficient; by default they go by the kind of sampler."""
        if not isinstance(self.n_bits, str):
            return self.n_bits
        kind = self.sampler_kind()
        if isinstance(kind, WholeNumbers):
            return kind.whole_number_bits
        return 1 if is_analog(kind) else 2

    def draws_columns(self) -> bool:
        """Tell whether a hull takes many samples, so that ensembles need one bit."""
        hull = self.combination == HULL and not self.refine_rounds
        return hull and isinstance(self.sampler_kind(), SuitsHull)

    def _penalty(self) -> float | str:
        """Return ξ or its rule; ``auto`` is ``small`` on a chip."""
        return SMALL if self.penalty == AUTO and self.on_a_chip() else self.penalty

    def make_sampler(self) -> DualSampler:
        """Return the sampler, made by name unless a live one was given.

        Raises
        ------
        UsageError
            If the name or an option is unknown, or options come with a live sampler.
        """
        if isinstance(self.sampler, str):
            factory = registry.load(self.sampler, registry.SAMPLERS)
            suited = options_for_hull(factory) if self.combination == HULL else {}
            return registry.make_sampler(self.sampler, **{**suited, **(self.sampler_params or {})})
        from qsvm.samplers.local.any_dimod import as_dual_sampler

        return as_dual_sampler(self.sampler, self.sampler_params or {})

    def null_controls(self) -> dict[str, Any]:
        """Return unfitted classifiers that tell what the sampler contributed.

        Returns
        -------
        dict
            ``random_alpha`` and ``constant_alpha``: the same pipeline without optimisation;
            ``random_hull``, beside a hull: as many random lattice points as the sampler gives
            distinct samples, combined in the same way; ``exact_same_members`` and ``exact_all``:
            the exact SVM with the same kernel and C.
        """
        same = {"n_bits": self.resolved_bits(), "penalty": self._penalty()}
        return controls_of(self, self.resolved_encoding().C, same)
