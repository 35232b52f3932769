"""Solver descriptions, and the local samplers that answer in their place."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from typing import Any

import dimod
import numpy as np
from dwave.cloud.solver import StructuredSolver
from dwave.cloud.testing import mocks
from dwave.samplers import SimulatedAnnealingSampler

HYBRID_S = 0.01
"""How long a hybrid problem takes here, whatever time limit it asks for."""


def qpu(name: str, properties: dict[str, Any], graph_id: str = "graph-1") -> dict[str, Any]:
    """Return SAPI's description of a QPU with the given properties."""
    return {
        "identity": {"name": name, "version": {"graph_id": graph_id}},
        "status": "ONLINE",
        "description": "A QPU whose answers come from simulated annealing",
        "avg_load": 0.1,
        "properties": properties,
    }


def hybrid_bqm(name: str = "hybrid_binary_quadratic_model_version2p") -> dict[str, Any]:
    """Return SAPI's description of a hybrid BQM solver."""
    return mocks.hybrid_bqm_solver_data(name=name, avg_load=0.1, parameters=_parameters())


def hybrid_cqm(name: str = "hybrid_constrained_quadratic_model_version1p") -> dict[str, Any]:
    """Return SAPI's description of a hybrid CQM solver."""
    return mocks.hybrid_cqm_solver_data(name=name, avg_load=0.1, parameters=_parameters())


def _parameters() -> dict[str, None]:
    return {"time_limit": None, "label": None}


class Refusal(Exception):
    """A problem that the solver does not take; the text goes to the client."""


def access_time_us(solver: dict[str, Any], n_qubits: int, params: dict[str, Any]) -> float:
    """Return the QPU access time by D-Wave's timing model."""
    model = StructuredSolver(client=None, data=solver)
    known = ("num_reads", "annealing_time", "anneal_schedule", "programming_thermalization")
    asked = {key: params[key] for key in known if key in params}
    if "initial_state" in params:
        asked |= {"initial_state": [(0, 1)], "reinitialize_state": True}
    return float(model.estimate_qpu_access_time(num_qubits=n_qubits, **asked))


def decode_qp(
    solver: dict[str, Any], data: dict[str, Any]
) -> tuple[dict[int, float], dict[tuple[int, int], float]]:
    """Return fields and couplings of a problem in SAPI's ``qp`` format.

    Fields come for every qubit, NaN where inactive; couplings for those couplers, in the solver's
    order, whose two qubits are active.
    """
    properties = solver["properties"]
    lin = np.frombuffer(base64.b64decode(data["lin"]), dtype="<f8")
    quad = np.frombuffer(base64.b64decode(data["quad"]), dtype="<f8")
    qubits = np.asarray(properties["qubits"])
    if len(lin) != len(qubits):
        raise Refusal("Invalid problem: number of linear biases")
    active = ~np.isnan(lin)
    working = np.zeros(int(qubits.max()) + 1, dtype=bool)
    working[qubits[active]] = True
    couplers = np.asarray(properties["couplers"]).reshape(-1, 2)
    used = couplers[working[couplers].all(axis=1)]
    if len(quad) != len(used):
        raise Refusal("Invalid problem: number of quadratic biases")
    fields = dict(zip(qubits[active].tolist(), lin[active].tolist(), strict=True))
    return fields, dict(zip(map(tuple, used.tolist()), quad.tolist(), strict=True))


def check_ising(
    solver: dict[str, Any],
    fields: dict[int, float],
    couplings: dict[tuple[int, int], float],
    params: dict[str, Any],
) -> None:
    """Raise :class:`Refusal` where a real chip would refuse the problem."""
    properties = solver["properties"]
    unknown = set(params) - set(properties["parameters"])
    if unknown:
        raise Refusal(f"Unknown parameter {sorted(unknown)[0]}")
    if not params.get("auto_scale", True):
        _within("h", fields.values(), properties["h_range"])
        _within("J", couplings.values(), properties["extended_j_range"])
        total = dict.fromkeys(fields, 0.0)
        for (a, b), value in couplings.items():
            total[a] += value
            total[b] += value
        _within("coupling of a qubit", total.values(), properties["per_qubit_coupling_range"])
    limit = properties["problem_run_duration_range"][1]
    if access_time_us(solver, len(fields), params) > limit:
        raise Refusal(f"Problem run duration exceeds the limit of {limit} microseconds")


def _within(what: str, values: Any, limits: list[float]) -> None:
    slack = 1e-5
    if any(not limits[0] - slack <= value <= limits[1] + slack for value in values):
        raise Refusal(f"{what} out of range {limits}")


def solve_ising(
    solver: dict[str, Any],
    data: dict[str, Any],
    params: dict[str, Any],
    problem_type: str,
    num_sweeps: int,
) -> dict[str, Any]:
    """Answer an Ising or QUBO problem in SAPI's ``qp`` format, the same way every time."""
    fields, couplings = decode_qp(solver, data)
    vartype = "SPIN" if problem_type == "ising" else "BINARY"
    model = dimod.BinaryQuadraticModel(fields, couplings, vartype)
    spin_model = model.change_vartype("SPIN", inplace=False)
    seed = _digest(data["lin"], data["quad"], params)
    reads = int(params.get("num_reads", 1))
    given: dict[str, Any] = {}
    if "initial_state" in params:
        start = {q: (1 if params["initial_state"][q] > 0 else -1) for q in fields}
        given = {"initial_states": start, "initial_states_generator": "tile"}
    samples = SimulatedAnnealingSampler().sample(
        spin_model,
        num_reads=reads,
        num_sweeps=num_sweeps,
        beta_range=(0.1, 10.0),
        seed=seed,
        **given,
    )
    return encode_qp(solver, model, samples, params)


def encode_qp(
    solver: dict[str, Any],
    model: dimod.BinaryQuadraticModel,
    samples: dimod.SampleSet,
    params: dict[str, Any],
) -> dict[str, Any]:
    """Encode samples as a QPU answers."""
    active = np.array(sorted(model.variables), dtype="<i4")
    column = {v: i for i, v in enumerate(samples.variables)}
    spins = samples.record.sample[:, [column[int(q)] for q in active]]
    counts = samples.record.num_occurrences
    if params.get("answer_mode", "histogram") == "histogram":
        spins, inverse = np.unique(spins, axis=0, return_inverse=True)
        counts = np.bincount(inverse.ravel(), weights=counts).astype(int)
    states = spins if model.vartype is dimod.SPIN else (spins + 1) // 2
    energies = model.energies((states, active.tolist()))
    order = np.argsort(energies, kind="stable")
    access = access_time_us(solver, len(active), params)
    reads = int(params.get("num_reads", 1))
    programming = solver["properties"]["problem_timing_data"]["typical_programming_time"] + 1000.0
    return {
        "format": "qp",
        "num_variables": int(solver["properties"]["num_qubits"]),
        "active_variables": _b64(active),
        "energies": _b64(energies[order].astype("<f8")),
        "num_occurrences": _b64(counts[order].astype("<i4")),
        "solutions": _b64(np.packbits(spins[order] > 0, axis=1)),
        "timing": {
            "qpu_access_time": access,
            "qpu_programming_time": programming,
            "qpu_sampling_time": access - programming,
            "qpu_anneal_time_per_sample": params.get("annealing_time", 20.0),
            "qpu_readout_time_per_sample": (access - programming) / reads - 40.0,
            "qpu_access_overhead_time": 1500.0,
            "total_post_processing_time": 500.0,
            "post_processing_overhead_time": 500.0,
        },
    }


def solve_bqm(payload: bytes, params: dict[str, Any], num_sweeps: int) -> dict[str, Any]:
    """Answer an uploaded BQM as a hybrid solver does: with its one best sample."""
    model = dimod.BinaryQuadraticModel.from_file(io.BytesIO(payload))
    samples = _anneal(model, payload, params, num_sweeps).truncate(1)
    samples.info.update(charges(params))
    return {"format": "bq", "data": samples.to_serializable(use_bytes=False)}


def solve_cqm(payload: bytes, params: dict[str, Any], num_sweeps: int) -> dict[str, Any]:
    """Answer an uploaded CQM: anneal it with penalties, then check the constraints."""
    model = dimod.ConstrainedQuadraticModel.from_file(io.BytesIO(payload))
    bqm, invert = dimod.cqm_to_bqm(model)
    samples = _anneal(bqm, payload, params, num_sweeps)
    states = [invert(sample) for sample in samples.samples(sorted_by="energy")]
    answer = dimod.SampleSet.from_samples_cqm(states, model)
    answer.info.update(charges(params))
    return {"format": "bq", "data": answer.to_serializable(use_bytes=False)}


def _anneal(
    model: dimod.BinaryQuadraticModel, payload: bytes, params: dict[str, Any], num_sweeps: int
) -> dimod.SampleSet:
    seed = _digest(hashlib.sha256(payload).hexdigest(), params)
    samples = SimulatedAnnealingSampler().sample(
        model, num_reads=20, num_sweeps=num_sweeps, seed=seed
    )
    return samples.slice(sorted_by="energy")


def charges(params: dict[str, Any]) -> dict[str, float]:
    """Return what a hybrid problem takes and costs, in microseconds."""
    limit = float(params.get("time_limit", 1.0))
    return {
        "run_time": HYBRID_S * 1e6,
        "charge_time": limit * 1e6,
        "qpu_access_time": 20_000.0,
    }


def _digest(*content: Any) -> int:
    text = json.dumps(content, sort_keys=True).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4]) % (2**31)


def _b64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
