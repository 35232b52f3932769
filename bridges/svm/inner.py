r"""What solves the subproblem of a decomposition: the contract that both wings share.

In signed coefficients :math:`\beta_n = \alpha_n y_n` the dual of a C-SVC over a block of samples is

.. math:: \min_\beta \tfrac12 \beta^T K \beta + g^T \beta, \qquad
          \sum_n \beta_n = \text{const}, \quad l_n \le \beta_n \le u_n

where g holds the labels and the coefficients outside the block; its gradient is
:math:`f = K\beta + g`. A solver that keeps the contract below may take the place of any other by
its registered name (entry-point group ``bridges.subproblems``), because no step of it raises the
objective of the whole dual. :func:`bridges.testing.assert_inner_solver` tries whether one does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDING = 1e-9
"""Change of the sum of the coefficients, relative to their sizes, that counts as rounding."""


@runtime_checkable
class InnerSolver(Protocol):
    """Minimises a dual over a stored kernel block.

    One is made for every dual, by its registered name and its parameters, and is called for the
    blocks of that dual one after the other, on rank 0 of the ranks that share it and in one thread:
    it may keep state between calls, such as a random generator, without making results depend on
    ranks or threads. Solvers of other duals work in other threads at the same time.

    Notes
    -----
    A third party's class is found by name once its package announces it::

        [project.entry-points."bridges.subproblems"]
        mine = "my_package:MySolver"
    """

    def solve(
        self,
        K: NDArray[Any],
        f: NDArray[np.float64],
        beta: NDArray[np.float64],
        lower: NDArray[np.float64],
        upper: NDArray[np.float64],
        tol: float,
        max_steps: int,
    ) -> int:
        """Lower the objective as far as possible, in place.

        Parameters
        ----------
        K : ndarray of shape (q, q), float32 or float64
            Kernel block; must not be written to.
        f, beta : ndarray of shape (q,), float64
            Gradient and signed coefficients, both updated: f must stay the gradient of β. The
            coefficients handed in are feasible; the ones handed back must be, with the same sum,
            and the objective must not be higher.
        lower, upper : ndarray of shape (q,), float64
            Bounds; equal ones hold a coefficient fast. Must not be written to.
        tol : float
            The largest f that may shrink (β > lower) less the smallest that may grow (β < upper)
            to be left. A solver that cannot get there stops earlier.
        max_steps : int
            Steps, of whatever the solver counts, after which to stop.

        Returns
        -------
        int
            Steps taken; 0 where nothing was changed.
        """
        ...


def broken_promise(
    K: NDArray[Any],
    f: tuple[NDArray[np.float64], NDArray[np.float64]],
    beta: tuple[NDArray[np.float64], NDArray[np.float64]],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
) -> str | None:
    """Say what a step did that an inner solver must not do; None if it kept its promises.

    Parameters
    ----------
    K : ndarray of shape (q, q)
        Kernel block.
    f, beta : pair of ndarray of shape (q,)
        Gradient and coefficients before and after the step.
    lower, upper : ndarray of shape (q,)
        Bounds.
    """
    change = beta[1] - beta[0]
    size = float(np.abs(change).sum())
    if not ((beta[1] >= lower) & (beta[1] <= upper)).all():
        return "left the bounds of a coefficient"
    if not abs(float(change.sum())) <= ROUNDING * (size + float(np.abs(beta[1]).sum())):
        return "changed the sum of the coefficients"
    # the mean gradient times the change is the exact change of a quadratic objective
    rise = 0.5 * float((f[0] + f[1]) @ change)
    largest = max(float(np.abs(f[0]).max()), float(np.abs(f[1]).max()))
    largest += size * float(np.abs(K.diagonal()).max())
    if not rise <= float(np.finfo(K.dtype).eps) * largest * size:
        return "raised the objective"
    return None
