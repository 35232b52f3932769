"""Ensembles of annealed SVMs under one name, with flat parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from bridges import registry
from bridges.ensemble.bagging import KernelEnsemble
from bridges.ensemble.bags import Sampling, Stratify
from bridges.ensemble.fusion import Fusion
from bridges.errors import UsageError, did_you_mean
from qsvm.classifier import QuboSVC
from qsvm.fitting.penalty import AUTO
from qsvm.held import NESTED, SamplerHolder

OF_MEMBER = {"n_keep": "keep"}
OF_ENSEMBLE = {"n_members": "members"}
"""What is called otherwise here: name in :class:`QuboSVC` or :class:`KernelEnsemble` to name."""

OF_SAMPLER = ("num_reads", "num_sweeps")
"""Options of the sampler that are parameters here."""

FEW_LARGE, MANY_SMALL = (5, 320), (15, 80)
"""Members and the pixels of each: where one bit is enough and no chip bounds them, and elsewhere.
On six data sets the large ones were better, in less time (docs/samples.md)."""

ONE_PER_PIXEL = ("ovo", "ovr")
"""Formulations that have at most one coefficient for each pixel of a member. One for each pixel and
class makes large members sixteen times as slow as small ones."""


PARTS = ("estimator__", *NESTED)
"""Prefixes by which scikit-learn names the parameters of parts; here all stand side by side."""


def _flat(item: tuple[str, Any]) -> tuple[str, Any]:
    """Return a parameter by its flat name: ``estimator__C`` is ``C``."""
    name, value = item
    for prefix in PARTS:
        name = name.removeprefix(prefix)
    return name, value


class QuboEnsemble(SamplerHolder, KernelEnsemble):
    """Bagged :class:`qsvm.classifier.QuboSVC`, all its parameters side by side.

    The same model as :class:`bridges.ensemble.bagging.KernelEnsemble` around a ``QuboSVC``, whose
    parameters ``GridSearchCV`` tunes without prefixes. Options of the sampler are kept in
    ``sampler_params``; ``set_params``, and so every search, takes them by their own names too, or
    as ``sampler__beta_range``, and so does :meth:`with_options`, which ``bridges.make`` calls.

    Parameters
    ----------
    C : float or "encoding"
        Upper bound of the coefficients.
    members, member_size : int or "auto"
        Number of members, and pixels of each; ``"auto"`` is 5 of 320 where the hull of many samples
        makes one bit enough (``neal``, ``dense``, with ``ovo`` or ``ovr``), and 15 of 80 elsewhere:
        on a chip, of an average, of refined samples; at most as many pixels as there are.
    n_bits : int or "auto"
        Bits per coefficient; ``"auto"`` is one for such a hull, and that of a member elsewhere.
    sampling, stratify, combine, map
        See :class:`bridges.ensemble.bagging.KernelEnsemble`.
    base, encoding, penalty, kernel, gamma, degree, coef0, multiclass, class_weight, sampler, \
refine_rounds, combination, bias, precision, proof_seconds
        See :class:`qsvm.classifier.QuboSVC`.
    num_reads, num_sweeps : int or None
        Samples drawn per QUBO, and sweeps of each; None leaves it to the sampler.
    sampler_params : dict or None
        Other options of the sampler.
    keep : int or None
        How many of the lowest distinct samples are combined; None for all in a hull and 20 in an
        average.
    n_jobs : int or None
        Threads; None for all cores.
    random_state : int, RandomState or None
        Draws one seed per member first.

    Attributes
    ----------
    classes_, n_features_in_, fit_report_, diagnostics_, support_, support_vectors_, dual_coef_, \
intercept_, estimators_, estimators_samples_, member_weights_, oob_score_
        See :class:`bridges.ensemble.bagging.KernelEnsemble`.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from qsvm import QuboEnsemble
    >>> X, y = make_blobs(60, centers=2, random_state=0)
    >>> QuboEnsemble(members=3, num_reads=20, random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{OF_MEMBER.get(k, k): v for k, v in QuboSVC._parameter_constraints.items()},
        **{
            OF_ENSEMBLE.get(name, name): allowed
            for name, allowed in KernelEnsemble._parameter_constraints.items()
            if name != "estimator"
        },
        **{name: [Interval(Integral, 1, None, closed="left"), None] for name in OF_SAMPLER},
        "members": [Interval(Integral, 1, None, closed="left"), StrOptions({AUTO})],
        "member_size": [Interval(Integral, 2, None, closed="left"), StrOptions({AUTO})],
    }

    def __init__(
        self,
        C: float | str = 3.0,
        *,
        members: int | str = AUTO,
        member_size: int | str = AUTO,
        sampling: Sampling = "bootstrap",
        stratify: Stratify = "sqrt",
        combine: Fusion = "mean",
        base: float = 2,
        n_bits: int | str = "auto",
        encoding: str = "fitted",
        penalty: float | str = "auto",
        kernel: str | Callable[..., Any] = "rbf",
        gamma: float | str = "scale",
        degree: int = 3,
        coef0: float = 0.0,
        multiclass: str = "ovo",
        class_weight: dict[Any, float] | str | None = None,
        sampler: str | Any = "neal",
        num_reads: int | None = None,
        num_sweeps: int | None = None,
        sampler_params: dict[str, Any] | None = None,
        refine_rounds: int = 0,
        keep: int | None = None,
        combination: str = "hull",
        bias: str = "free",
        precision: str = "double",
        proof_seconds: float = 0.1,
        map: str | Callable[..., Any] | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.C = C
        self.members = members
        self.member_size = member_size
        self.sampling = sampling
        self.stratify = stratify
        self.combine = combine
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
        self.num_reads = num_reads
        self.num_sweeps = num_sweeps
        self.sampler_params = sampler_params
        self.refine_rounds = refine_rounds
        self.keep = keep
        self.combination = combination
        self.bias = bias
        self.precision = precision
        self.proof_seconds = proof_seconds
        self.map = map
        self.n_jobs = n_jobs
        self.random_state = random_state

    @classmethod
    def with_options(cls, **params: Any) -> QuboEnsemble:
        """Return an ensemble with these parameters and options of its sampler.

        Raises
        ------
        UsageError
            If a name is neither.
        """
        return cls().set_params(**params)

    def set_params(self, **params: Any) -> QuboEnsemble:
        """Set parameters of the ensemble, and options of the sampler by their own names.

        Raises
        ------
        UsageError
            If a name is neither.
        """
        own = set(self._get_param_names())
        flat = dict(map(_flat, params.items()))
        params = {OF_MEMBER.get(name, name): value for name, value in flat.items()}
        super().set_params(**{key: value for key, value in params.items() if key in own})
        self._take({key: value for key, value in params.items() if key not in own})
        return self

    def _take(self, options: Mapping[str, Any]) -> None:
        """Keep options of the sampler."""
        named = dict(options)
        self._require_known(named)
        for name in named.keys() & set(OF_SAMPLER):
            setattr(self, name, named.pop(name))
        if named:
            self.sampler_params = {**(self.sampler_params or {}), **named}

    def _require_known(self, options: Mapping[str, Any]) -> None:
        """Refuse options that the sampler does not take; a live sampler refuses all when fitting.

        Raises
        ------
        UsageError
            With the nearest name among the ensemble's and the sampler's.
        """
        if not options or not isinstance(self.sampler, str):
            return
        takes = inspect.signature(registry.load(self.sampler, registry.SAMPLERS)).parameters
        if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in takes.values()):
            return
        for key in options:
            if key in takes:
                continue
            guess = did_you_mean(key, [*self._get_param_names(), *takes])
            raise UsageError(
                f"'qubo-ensemble' has no parameter '{key}', nor has its sampler '{self.sampler}'.",
                f"{guess}It takes: {', '.join(self._get_param_names())}; "
                f"its sampler: {', '.join(takes) or 'nothing'}.",
            )

    def _validate_params(self) -> None:
        """Check the parameters.

        Raises
        ------
        UsageError
            If an option of the sampler is given twice.
        """
        super()._validate_params()
        for name in self._reads().keys() & (self.sampler_params or {}).keys():
            raise UsageError(
                f"{name} is given twice, on its own and in sampler_params.", "Give it once."
            )

    def _reads(self) -> dict[str, int]:
        """Return the options of the sampler that are parameters of their own, if given."""
        given = {name: getattr(self, name) for name in OF_SAMPLER}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def n_members(self) -> int:  # type: ignore[override]  # a parameter of the base, derived here
        """Number of members, the one chosen where ``members`` is ``"auto"``."""
        return self._chosen()[0] if isinstance(self.members, str) else self.members

    def _places(self, n: int) -> int:
        """Return the pixels of a member: those given, or a choice of at most all ``n``."""
        if not isinstance(self.member_size, str):
            return self.member_size
        there = n // self.n_members if self.sampling == "slices" else n
        return min(self._chosen()[1], there)

    def _chosen(self) -> tuple[int, int]:
        """Return the number of members and the pixels of each that are chosen here."""
        large = self.estimator.draws_columns() and not self.on_a_chip()
        return FEW_LARGE if large and self.multiclass in ONE_PER_PIXEL else MANY_SMALL

    @property
    def estimator(self) -> QuboSVC:
        """The unfitted member."""
        options = {**(self.sampler_params or {}), **self._reads()}
        names = set(QuboSVC._get_param_names()) - {"sampler_params", "random_state"}
        params = {name: getattr(self, OF_MEMBER.get(name, name)) for name in names}
        member = QuboSVC(**params, sampler_params=options or None)
        if self.n_bits == AUTO and member.draws_columns():
            member.n_bits = 1
        return member

    def null_controls(self) -> dict[str, Any]:
        """Return the members' null controls in the same ensemble, with the same seeds."""
        names = set(KernelEnsemble._get_param_names()) - {"estimator"}
        params = {name: getattr(self, name) for name in names}
        drawn = getattr(self, "estimators_samples_", [])
        params["member_size"] = len(drawn[0]) if drawn else self._places(FEW_LARGE[1])
        member = getattr(self, "estimators_", [self.estimator])[0]
        return KernelEnsemble(member, **params).null_controls()
