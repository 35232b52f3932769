"""The compiled annealer behind dimod's own interface, for any binary quadratic model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dimod
import numpy as np

from qsvm.problem.dual_problem import DualProblem
from qsvm.samplers.dense.annealer import DenseAnnealer

if TYPE_CHECKING:
    from numpy.typing import NDArray


class DenseSampler(dimod.Sampler):
    """Anneal any binary quadratic model with the kernels of :class:`DenseAnnealer`.

    The model is held as one dense matrix; each read ends in a local optimum of single flips and
    of pairs. SVM duals are better given to :class:`DenseAnnealer`, which sees coefficients where
    this sees bits.

    Examples
    --------
    >>> import dimod
    >>> from qsvm.samplers.dense.as_dimod import DenseSampler
    >>> model = dimod.BinaryQuadraticModel({"a": 1, "b": -1}, {"ab": 2}, "SPIN")
    >>> DenseSampler().sample(model, num_reads=5, seed=1).first.energy
    -4.0
    """

    @property
    def parameters(self) -> dict[str, list[str]]:
        """Parameters of :meth:`sample`, as dimod wants them."""
        names = ("num_reads", "num_sweeps", "beta_range", "descent", "diversity", "seed")
        return {name: [] for name in names}

    @property
    def properties(self) -> dict[str, Any]:
        """Nothing is fixed."""
        return {}

    def sample(
        self,
        bqm: dimod.BinaryQuadraticModel,
        *,
        num_reads: int | None = None,
        num_sweeps: int | None = None,
        beta_range: tuple[float, float] | None = None,
        descent: bool = True,
        diversity: bool = False,
        seed: int | None = None,
    ) -> dimod.SampleSet:
        """Sample a model.

        Parameters
        ----------
        bqm : dimod.BinaryQuadraticModel
            Model of either vartype.
        num_reads, num_sweeps, beta_range, descent, diversity
            As for :class:`DenseAnnealer`.
        seed : int, optional
            Makes the samples repeatable, whatever the number of threads.

        Returns
        -------
        dimod.SampleSet
            Distinct samples in the vartype of ``bqm``, lowest energy first.
        """
        annealer = DenseAnnealer(
            num_reads=num_reads,
            num_sweeps=num_sweeps,
            beta_range=beta_range,
            descent=descent,
            diversity=diversity,
        )
        order = list(bqm.variables)
        if not order:
            return dimod.SampleSet.from_samples([], energy=[], vartype=bqm.vartype)
        binary = bqm.change_vartype("BINARY", inplace=False)
        number = int(np.random.SeedSequence(seed).generate_state(1)[0]) if seed is None else seed
        batch = annealer.sample([as_problem(binary, order)], [number])[0]
        bits = batch.x.astype(np.int8)
        found = dimod.SampleSet.from_samples_bqm(
            (bits, order), binary, num_occurrences=batch.occurrences, sort_labels=False
        )
        found.info.update(batch.info)
        return found.change_vartype(bqm.vartype, energy_offset=0.0, inplace=False)


def as_problem(binary: dimod.BinaryQuadraticModel, order: list[Any]) -> DualProblem:
    """Return a model of vartype BINARY as a problem of one bit per coefficient."""
    linear, (rows, columns, values), _ = binary.to_numpy_vectors(variable_order=order)
    n = len(order)
    hessian: NDArray[np.float64] = np.zeros((n, n))
    np.add.at(hessian, (rows, columns), values)
    np.add.at(hessian, (columns, rows), values)
    return DualProblem(hessian, linear, np.zeros(n), np.ones(n), np.ones(1), label="bqm")
