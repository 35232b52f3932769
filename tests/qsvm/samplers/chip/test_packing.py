"""Chips, cliques, embedding, prices: against dimod, networkx and D-Wave's own functions."""

from __future__ import annotations

import dataclasses
import itertools
import json

import dimod
import numpy as np
import pytest
from handmade import make_dual
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.errors import BudgetError, DataError, EmbeddingError, SolverError, UsageError
from qsvm.problem.dual_problem import DualProblem, bit_weights, ising
from qsvm.samplers.chip.budget import AnnealSettings, Budget, access_time_us, split_reads
from qsvm.samplers.chip.embedding import descend, embed, torque_compensation, unembed

pytest.importorskip("dwave.cloud", reason="the extra 'leap' is not installed")

from qsvm.samplers.chip.chips import load_chip, named_chip, save_chip
from qsvm.samplers.chip.cliques import CliqueFinder, lay_out
from qsvm.samplers.chip.mock import MockQPU
from qsvm.samplers.chip.packing import make_plan


@pytest.fixture(scope="module")
def chip():
    return named_chip("advantage2-small")


@pytest.fixture(scope="module")
def finder(chip, tmp_path_factory):
    return CliqueFinder(chip, tmp_path_factory.mktemp("cliques"))


def test_chips_have_the_defects_of_real_ones():
    chip = named_chip("advantage")
    assert (len(chip.qubits), len(chip.couplers)) == (5627, 40279)
    assert named_chip("advantage", 1).fingerprint != chip.fingerprint
    with pytest.raises(UsageError, match="Unknown chip"):
        named_chip("abacus")


def test_a_saved_chip_is_the_same_chip(chip, tmp_path):
    save_chip(chip, tmp_path / "chip.json")
    again = load_chip(tmp_path / "chip.json")
    assert again.fingerprint == chip.fingerprint
    assert named_chip(str(tmp_path / "chip.json")).graph_id == chip.graph_id
    (tmp_path / "bad.json").write_text('{"properties": {"qubits": []}}')
    with pytest.raises(DataError):
        load_chip(tmp_path / "bad.json")


@pytest.mark.parametrize("size", [3, 6, 8, 12, 30])
def test_cliques_are_disjoint_connected_and_complete(size, chip, finder):
    graph = chip.graph()
    (filling, *_) = lay_out(finder, [size] * 3)
    used = [q for _, chains in filling for chain in chains for q in chain]
    assert len(used) == len(set(used))
    for _, chains in filling:
        assert len(chains) == size
        owner = {q: v for v, chain in enumerate(chains) for q in chain}
        pairs = {
            tuple(sorted((owner[a], owner[b])))
            for a, b in graph.subgraph(owner).edges
            if owner[a] != owner[b]
        }
        assert pairs == set(itertools.combinations(range(size), 2))
        for chain in chains:
            reached, edge = set(), [chain[0]]
            while edge:
                qubit = edge.pop()
                reached.add(qubit)
                edge.extend(set(graph[qubit]) & set(chain) - reached)
            assert reached == set(chain)


def test_cliques_are_kept_on_disk(chip, tmp_path, monkeypatch):
    first = lay_out(CliqueFinder(chip, tmp_path), [12] * 4)
    monkeypatch.setattr(CliqueFinder, "_search", None)
    assert lay_out(CliqueFinder(chip, tmp_path), [12] * 4) == first


def test_a_longer_search_is_kept_if_it_finds_more(chip, tmp_path, monkeypatch):
    finder = CliqueFinder(chip, tmp_path)
    search = CliqueFinder._search
    calls = []

    def scarce(self, size, graph):
        calls.append(size)
        return None if len(calls) == 2 else search(self, size, graph)

    monkeypatch.setattr(CliqueFinder, "_search", scarce)
    quick, known = finder.improve(40)
    assert quick == 1
    assert known >= 2
    monkeypatch.setattr(CliqueFinder, "_search", None)
    filled = CliqueFinder(chip, tmp_path).fill([40] * 9)
    assert sum(chains is not None for chains in filled) == known


def test_the_largest_clique_of_the_whole_graph_is_kept_with_its_chains(chip, tmp_path, monkeypatch):
    finder = CliqueFinder(chip, tmp_path)
    quick, known = finder.largest(), finder.largest(thorough=True)
    assert quick <= known
    monkeypatch.setattr(CliqueFinder, "_search", None)
    monkeypatch.setattr("minorminer.busclique.busgraph_cache", None)
    again = CliqueFinder(chip, tmp_path)
    assert again.largest() == known
    (chains,) = again.fill([known])
    assert len(chains) == known
    graph = chip.graph()
    joined = {frozenset((a, b)) for a in range(known) for b in range(a)}
    owner = {q: v for v, chain in enumerate(chains) for q in chain}
    met = {frozenset((owner[a], owner[b])) for a, b in graph.edges if a in owner and b in owner}
    assert joined <= met


def test_a_damaged_cache_is_made_anew(chip, tmp_path):
    first = lay_out(CliqueFinder(chip, tmp_path), [12])
    (file,) = tmp_path.iterdir()
    file.write_text("{")
    assert lay_out(CliqueFinder(chip, tmp_path), [12]) == first


def test_what_does_not_fit_is_said_with_the_largest_that_does(finder):
    with pytest.raises(EmbeddingError) as caught:
        lay_out(finder, [90])
    assert caught.value.exit_code == 5
    assert str(finder.largest()) in caught.value.message


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 5), n_bits=st.integers(1, 3), seed=st.integers(0, 10_000))
def test_ising_energies_are_those_of_the_problem(n, n_bits, seed):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, n))
    problem = DualProblem(
        a @ a.T, rng.normal(size=n), rng.random(n), rng.random(n), bit_weights(2, n_bits)
    )
    h, j = ising(problem)
    model = dimod.BinaryQuadraticModel(h, np.triu(j), "SPIN")
    bits = rng.integers(0, 2, size=(4, n * n_bits))
    energies = np.asarray(model.energies(2 * bits - 1))
    expected = problem.energies(problem.decode(bits))
    np.testing.assert_allclose(energies - energies[0], expected - expected[0], atol=1e-9)


def test_chain_strength_is_oceans():
    from dwave.embedding.chain_strength import uniform_torque_compensation

    problem = make_dual(12, n_bits=2)
    h, j = ising(problem)
    model = dimod.BinaryQuadraticModel(h, np.triu(j), "SPIN")
    assert torque_compensation(j) == pytest.approx(uniform_torque_compensation(model))


def test_embedded_energy_is_the_logical_energy_up_to_scale(chip, finder):
    problem = make_dual(10, n_bits=2, seed=3)
    chains = lay_out(finder, [20])[0][0][1]
    placed = embed(problem, chains, chip)
    physical = dimod.BinaryQuadraticModel(placed.fields, placed.couplings, "SPIN")
    bits = np.random.default_rng(0).integers(0, 2, size=(6, 20))
    qubits = [q for chain in chains for q in chain]
    spins = np.repeat(2 * bits - 1, [len(c) for c in chains], axis=1)
    energies = np.asarray(physical.energies((spins, qubits))) / placed.scale
    expected = problem.energies(problem.decode(bits))
    np.testing.assert_allclose(energies - energies[0], expected - expected[0], atol=1e-3)
    properties = chip.properties
    values = np.array(list(placed.couplings.values()))
    fields = np.abs(list(placed.fields.values()))
    assert values.min() >= properties["extended_j_range"][0] - 1e-6
    assert values.max() <= properties["j_range"][1] + 1e-6
    assert fields.max() <= properties["h_range"][1] + 1e-6
    full = [values.min() / -2, values.max(), fields.max() / 4]
    total = dict.fromkeys(qubits, 0.0)
    for (a, b), value in placed.couplings.items():
        total[a] += value
        total[b] += value
    low, high = properties["per_qubit_coupling_range"]
    full += [min(total.values()) / low, max(total.values()) / high]
    assert max(full) == pytest.approx(1.0, abs=1e-5)


def test_couplers_of_a_group_share_a_limit(chip, finder):
    from dwave.system.coupling_groups import coupling_groups

    problem = make_dual(10, n_bits=2, seed=3)
    chains = lay_out(finder, [20])[0][0][1]
    limits = {"per_group_coupling_range": [-1.5, 1.0]}
    tight = dataclasses.replace(chip, properties=chip.properties | limits)
    placed = embed(problem, chains, tight)
    value = placed.couplings | {(b, a): v for (a, b), v in placed.couplings.items()}
    totals = [sum(value.get(p, 0.0) for p in group) for group in coupling_groups(chip.graph())]
    assert max(min(totals) / -1.5, max(totals) / 1.0) == pytest.approx(1.0, abs=1e-4)
    assert placed.scale < embed(problem, chains, chip).scale


def test_broken_chains_are_counted_and_read_by_majority():
    problem = make_dual(3)
    chains = [[0, 1, 2], [3, 4], [5]]
    spins = np.array([[1, 1, -1, 1, 1, -1], [1, 1, 1, -1, -1, 1]])
    counts = np.array([3, 1])
    bits, kept, broken = unembed(spins, counts, chains, problem)
    assert bits.tolist() == [[1, 1, 0], [1, 0, 1]]
    assert kept.all()
    assert broken == pytest.approx(0.25)
    assert unembed(spins, counts, chains, problem, "discard")[1].tolist() == [False, True]
    with pytest.raises(UsageError):
        unembed(spins, counts, chains, problem, "guess")


def test_descent_ends_where_no_single_flip_helps():
    problem = make_dual(6, n_bits=2, seed=4)
    start = np.random.default_rng(1).integers(0, 2, size=(5, 12)).astype(np.int8)
    end = descend(problem, start)
    before = problem.energies(problem.decode(start))
    after = problem.energies(problem.decode(end))
    assert np.all(after <= before + 1e-12)
    for row, energy in zip(end, after, strict=True):
        flipped = np.repeat(row[None], 12, axis=0) ^ np.eye(12, dtype=np.int8)
        assert np.all(problem.energies(problem.decode(flipped)) >= energy - 1e-9)


def test_prices_are_those_of_the_published_timing_model(chip):
    timing = chip.properties["problem_timing_data"]
    model = timing["readout_time_model_parameters"]
    at = 10 ** model[2]
    expected = (
        timing["typical_programming_time"]
        + timing["default_programming_thermalization"]
        + 50 * (30.0 + 10 ** model[8] + timing["qpu_delay_time_per_sample"])
    )
    found = access_time_us(chip, round(at), 50, AnnealSettings(annealing_time=30.0))
    assert found == pytest.approx(expected, rel=2e-3)


def test_reads_are_split_below_one_second(chip):
    slow = AnnealSettings(annealing_time=2000.0)
    parts = split_reads(chip, 800, 1000, slow)
    assert sum(parts) == 1000
    assert len(parts) == 3
    assert all(access_time_us(chip, 800, n, slow) <= 1e6 for n in parts)
    assert split_reads(chip, 800, 1000, AnnealSettings()) == [1000]
    with pytest.raises(SolverError, match="single read"):
        split_reads(chip, 800, 1, AnnealSettings(annealing_time=1e6))


def test_every_problem_gets_its_reads(chip, finder):
    sizes = [10, 30, 10, 12, 40, 8]
    plan = make_plan(chip, finder, sizes, 50, AnnealSettings(), n_gauges=3)
    reads = np.zeros(len(sizes), dtype=int)
    for submission in plan.submissions:
        for place in submission.placements:
            assert len(place.chains) == sizes[place.problem]
            reads[place.problem] += submission.n_reads
    assert reads.tolist() == [50] * len(sizes)
    json.dumps(plan.summary())
    with pytest.raises(UsageError, match="spin reversals"):
        make_plan(chip, finder, sizes, 2, AnnealSettings(), n_gauges=3)


def test_budget_counts_promises_and_spending():
    budget = Budget(1.0)
    budget.promise(600_000)
    with pytest.raises(BudgetError):
        budget.check(500_000, "more")
    budget.settle(600_000, 100_000)
    budget.check(500_000, "more")
    Budget(None).check(1e12, "anything")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chain_strength": "sweep"},
        {"spin_reversals": 3},
        {"unembedding": "descent"},
        {"reverse_schedule": [[0, 1], [5, 0.5], [10, 1]]},
    ],
)
def test_mock_samples_belong_to_their_problems(options):
    problems = [make_dual(8, n_bits=2, seed=s) for s in range(4)]
    sampler = MockQPU(chip="zephyr:4", num_reads=30, num_sweeps=100, **options)
    batches = sampler.sample(problems, [1, 2, 3, 4])
    again = sampler.sample(problems, [1, 2, 3, 4], n_jobs=1)
    for problem, batch, other in zip(problems, batches, again, strict=True):
        np.testing.assert_allclose(problem.energies(batch.x), batch.energies)
        np.testing.assert_array_equal(batch.x, other.x)
        assert batch.occurrences.sum() == (60 if "reverse_schedule" in options else 30)
        assert 0.0 <= batch.chain_break_fraction <= 1.0
        assert batch.qpu_s == 0.0
        json.dumps(batch.info)
        step = problem.span * problem.weights[0]
        np.testing.assert_allclose(batch.x / step, np.round(batch.x / step), atol=1e-9)


def test_mock_with_strong_chains_finds_the_ground_state():
    problem = make_dual(8, seed=2)
    sampler = MockQPU(chip="zephyr:4", num_reads=50, chain_strength=2.8, noise=0.0)
    (batch,) = sampler.sample([problem], [0])
    ground = dimod.ExactSolver().sample(problem.to_bqm()).first.energy
    assert batch.energies[0] == pytest.approx(ground)


def test_mock_refuses_what_the_budget_does_not_allow():
    sampler = MockQPU(chip="zephyr:4", max_qpu_seconds=0.01)
    with pytest.raises(BudgetError):
        sampler.sample([make_dual(8)], [0])


def test_precision_below_the_noise_is_said(caplog):
    problem = dataclasses.replace(make_dual(10), weights=bit_weights(10, 3))
    MockQPU(chip="zephyr:6", num_reads=5, num_sweeps=5).sample([problem], [0])
    assert "below the analogue error" in caplog.text


@pytest.mark.parametrize(
    "options",
    [
        {"num_reads": 0},
        {"chain_strength": -1.0},
        {"chain_strength": "strong"},
        {"unembedding": "guess"},
        {"annealing_time": 20.0, "anneal_schedule": [[0, 0], [20, 1]]},
        {"anneal_schedule": [[0, 1], [20, 1]]},
        {"reverse_schedule": [[0, 0], [20, 1]]},
    ],
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(UsageError):
        MockQPU(**options)
