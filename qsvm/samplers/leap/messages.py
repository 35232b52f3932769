"""What is sent to a solver, and how its answer is read."""

from __future__ import annotations

import base64
import dataclasses
from datetime import datetime
from typing import Any

import numpy as np

from qsvm.samplers.chip.packing import Request
from qsvm.samplers.chip.reading import Answer


def describe(request: Request) -> dict[str, Any]:
    """Return what a run store keeps of a request: enough to read its answer anew."""
    submission = request.submission
    return {
        "placements": [dataclasses.asdict(place) for place in submission.placements],
        "n_reads": submission.n_reads,
        "gauge": submission.gauge,
    }


def encode(solver: Any, request: Request) -> dict[str, Any]:
    """Return a request in SAPI's ``qp`` format."""
    from dwave.cloud.coders import encode_problem_as_qp

    return dict(
        encode_problem_as_qp(solver, request.fields, request.couplings, undirected_biases=True)
    )


def decode_answer(
    message: dict[str, Any], request: Request, turnaround_s: float | None = None
) -> Answer:
    """Decode a QPU's answer in SAPI's ``qp`` format.

    Parameters
    ----------
    message : dict
        What ``GET problems/<id>`` returns.
    request : Request
        What was asked.
    turnaround_s : float, optional
        Seconds between sending and having the answer, as seen from here.

    Raises
    ------
    ValueError
        If the answer does not fit the request.
    """
    answer = message["answer"]
    qubits = np.frombuffer(base64.b64decode(answer["active_variables"]), dtype="<i4")
    counts = np.frombuffer(base64.b64decode(answer["num_occurrences"]), dtype="<i4")
    packed = np.frombuffer(base64.b64decode(answer["solutions"]), dtype=np.uint8)
    width = -(-len(qubits) // 8)
    if set(qubits.tolist()) != set(request.fields) or len(packed) != len(counts) * width:
        raise ValueError("the answer does not fit the request")
    if counts.sum() != request.submission.n_reads:
        raise ValueError("the answer has another number of reads than was asked")
    bits = np.unpackbits(packed.reshape(len(counts), width), axis=1)[:, : len(qubits)]
    return Answer(
        qubits.astype(np.int64),
        (2 * bits.astype(np.int8) - 1),
        counts.astype(np.int64),
        seconds(message, turnaround_s),
    )


def seconds(message: dict[str, Any], turnaround_s: float | None = None) -> dict[str, float]:
    """Return where the time of an answer went, in seconds.

    ``queue`` is what passed in the cloud besides the QPU's work, ``network`` what passed between
    here and the cloud; ``run`` and ``charge`` are those of a hybrid solver.
    """
    timing = message["answer"].get("timing", {})
    names = {
        "qpu_access_time": "qpu_access",
        "qpu_programming_time": "qpu_programming",
        "qpu_sampling_time": "qpu_sampling",
        "total_post_processing_time": "post_processing",
        "run_time": "run",
        "charge_time": "charge",
    }
    found = {name: float(timing[key]) / 1e6 for key, name in names.items() if key in timing}
    if message.get("submitted_on") and message.get("solved_on"):
        begun, ended = (
            datetime.fromisoformat(message[key]) for key in ("submitted_on", "solved_on")
        )
        in_cloud = (ended - begun).total_seconds()
        found["queue"] = max(0.0, in_cloud - found.get("qpu_access", 0.0))
        if turnaround_s is not None:
            found["network"] = max(0.0, turnaround_s - in_cloud)
    return found
