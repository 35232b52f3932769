"""A sampler object among the parameters of an estimator: cloned, pickled, set option by option."""

from __future__ import annotations

import copy
import pickle
from typing import Any, Self

from sklearn.base import BaseEstimator, clone

from bridges import registry
from bridges.errors import UsageError
from qsvm.samplers.base import is_analog

NESTED = ("sampler__", "sampler_params__")
"""What stands before an option of the sampler among the names of parameters."""


class Absent:
    """Stands for a sampler that could not be pickled.

    Parameters
    ----------
    name : str
        Its type.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def parameters(self) -> dict[str, Any]:
        """Refuse to be asked.

        Raises
        ------
        UsageError
            Telling to set a sampler.
        """
        raise UsageError(
            f"The sampler, a {self.name}, could not be kept in the pickle of this model.",
            "Set it again before fitting: model.set_params(sampler=…).",
        )

    def sample(self, *arguments: Any, **options: Any) -> Any:
        """Refuse as well."""
        return self.parameters


class SamplerHolder(BaseEstimator):
    """Behaviour of estimators with the parameters ``sampler`` and ``sampler_params``."""

    sampler: Any
    sampler_params: dict[str, Any] | None

    def sampler_kind(self) -> object:
        """Return the class of a sampler that is named, or the live sampler."""
        named = isinstance(self.sampler, str)
        return registry.load(self.sampler, registry.SAMPLERS) if named else self.sampler

    def on_a_chip(self) -> bool:
        """Tell whether the sampler works on a chip."""
        return is_analog(self.sampler_kind())

    def __sklearn_clone__(self) -> Self:
        """Return an unfitted copy that shares the sampler: a live connection cannot be copied."""
        params = {
            name: value if name == "sampler" else clone(value, safe=False)
            for name, value in self.get_params(deep=False).items()
        }
        made = type(self)(**params)
        for kept in ("_metadata_request", "_sklearn_output_config"):
            if hasattr(self, kept):
                setattr(made, kept, copy.deepcopy(getattr(self, kept)))
        return made

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: all but a sampler that cannot be."""
        state = dict(super().__getstate__())
        if not isinstance(self.sampler, str | Absent):
            try:
                pickle.dumps(self.sampler)
            except Exception:  # whatever a foreign object raises, it cannot be pickled
                state["sampler"] = Absent(type(self.sampler).__name__)
        return state

    def set_params(self, **params: Any) -> Self:
        """Set parameters; ``sampler__num_reads`` is the option ``num_reads`` of the sampler."""
        options = {}
        for prefix in NESTED:
            for name in [key for key in params if key.startswith(prefix)]:
                options[name.removeprefix(prefix)] = params.pop(name)
        super().set_params(**params)
        if options:
            self.sampler_params = {**(self.sampler_params or {}), **options}
        return self
