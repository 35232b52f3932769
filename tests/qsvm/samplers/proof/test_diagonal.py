"""The diagonal that is made exact, and the proof that what is left is definite."""

import numpy as np
import pytest
from lattices import make_dual

from bridges.machine.blas import one_blas_thread
from qsvm.samplers.proof.diagonal import is_definite, strengthen


@pytest.fixture(autouse=True)
def _one_thread():
    """As the search does: waking threads for such matrices takes longer than the work."""
    with one_blas_thread():
        yield


def test_definiteness_is_claimed_only_where_it_holds():
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.normal(size=(20, 20)))
    for least, expected in ((1e-3, True), (1e-10, True), (0.0, False), (-1e-10, False)):
        values = np.append(np.linspace(0.5, 2.0, 19), least)
        matrix = (basis * values) @ basis.T
        assert is_definite(0.5 * (matrix + matrix.T)) is expected
    assert not is_definite(np.zeros((3, 3)))


def test_two_coupled_coefficients_share_what_can_be_taken():
    hessian = np.array([[1.0, 0.8], [0.8, 1.0]])
    found = strengthen(hessian, np.ones(2), 0.0, np.full(2, 0.01))
    assert found == pytest.approx([0.2, 0.2], abs=5e-3)
    favoured = strengthen(hessian, np.array([1.0, 1e-6]), 0.0, np.full(2, 0.01))
    assert favoured[0] == pytest.approx(1.0 - 0.64, abs=0.02)


@pytest.mark.parametrize("floor", [0.0, -50.0])
@pytest.mark.parametrize("n", [5, 40])
def test_the_choice_is_feasible_and_no_feasible_one_is_much_better(n, floor):
    rng = np.random.default_rng(n)
    hessian = make_dual(n, seed=n).hessian
    weights = rng.uniform(0.1, 1.0, n)
    start = 0.1 * np.diag(hessian) * np.linalg.eigvalsh(hessian)[0] / np.diag(hessian).max()
    found = strengthen(hessian, weights, floor, start)
    assert is_definite(hessian - np.diag(found))
    assert np.all(found > floor)
    # weak duality: Σ w D ≤ ⟨H, X⟩ where X is semi-definite, its diagonal w, or above w if D ≥ 0
    inverse = np.linalg.inv(hessian - np.diag(found))
    scale = np.sqrt(weights / np.diag(inverse))
    if floor == 0.0:
        scale = np.full(n, scale.max())
    bound = float((hessian * (scale[:, None] * inverse * scale)).sum())
    assert 0.9 * bound <= weights @ found <= bound


def test_asked_to_stop_it_returns_what_it_has():
    hessian = make_dual(6).hessian
    start = np.full(6, 1e-3)
    assert strengthen(hessian, np.ones(6), 0.0, start, lambda: True).tolist() == start.tolist()
