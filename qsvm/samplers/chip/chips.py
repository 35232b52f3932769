"""Working graphs of annealers: from the cloud, from a saved file, or made up with defects."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import DataError, SolverError, UsageError
from bridges.machine.digest import array_digest

if TYPE_CHECKING:
    import networkx as nx
    from numpy.typing import NDArray

EXTRA_HINT = "pip install 'annealsvm[leap]' (D-Wave's Ocean SDK, 637 MB)."

MODELS = {
    "advantage": ("pegasus", 16, 5627, 40279),
    "advantage2": ("zephyr", 12, 4589, 41729),
    "advantage2-small": ("zephyr", 6, 1204, 10571),
}
"""Topology, size, working qubits and working couplers of real chips (Advantage_system4.1,
Advantage2_system1.10, Advantage2_system4.1); which ones are missing is drawn at random."""

_IDEAL = re.compile(r"(pegasus|zephyr):(\d+)")


@dataclasses.dataclass(frozen=True, eq=False)
class Chip:
    """A working graph and the properties that planning needs.

    Attributes
    ----------
    name : str
        The solver's name.
    graph_id : str
        Identifies the working graph: other qubits or couplers, other identifier.
    kind : {"pegasus", "zephyr", "chimera"}
        The topology.
    shape : tuple of int
        Its size parameters.
    qubits : ndarray of shape (n_qubits,), int64
        Working qubits, sorted.
    couplers : ndarray of shape (n_couplers, 2), int64
        Working couplers.
    properties : dict
        The solver's properties as the cloud states them.
    """

    name: str
    graph_id: str
    kind: str
    shape: tuple[int, ...]
    qubits: NDArray[np.int64]
    couplers: NDArray[np.int64]
    properties: dict[str, Any]

    @property
    def size(self) -> int:
        """Return the nominal number of qubits, working or not (at least the largest index + 1)."""
        return max(int(self.properties.get("num_qubits", 0)), int(self.qubits.max()) + 1)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Return a digest of topology, qubits and couplers: the key of everything cached."""
        couplers = np.sort(self.couplers, axis=1)
        arrays = (self.qubits, couplers[np.lexsort(couplers.T)])
        return array_digest((self.kind, self.shape), arrays)[:24]

    def graph(self) -> nx.Graph:
        """Return the working graph with the coordinates that clique search needs."""
        make, _ = _topology(self.kind)
        return make(*self.shape, node_list=self.qubits.tolist(), edge_list=self.couplers.tolist())


def _topology(kind: str) -> tuple[Any, Any]:
    """Return (graph maker, coordinates class) of a topology."""
    require_extra()
    import dwave.graphs as graphs

    found = {
        "pegasus": (graphs.pegasus_graph, graphs.pegasus_coordinates),
        "zephyr": (graphs.zephyr_graph, graphs.zephyr_coordinates),
        "chimera": (graphs.chimera_graph, graphs.chimera_coordinates),
    }.get(kind)
    if found is None:
        raise SolverError(
            f"Clique embeddings on the topology '{kind}' are not known.",
            "Choose a solver with Pegasus or Zephyr topology, e.g. --solver Advantage2_system1.",
        )
    return found


def orthogonal(chip: Chip) -> Any:
    """Return a function telling whether two qubits of a chip are orthogonal (cross)."""
    _, coordinates = _topology(chip.kind)
    shape = chip.shape
    made = coordinates(*shape)
    linear = getattr(made, f"linear_to_{chip.kind}")
    where = 2 if chip.kind == "chimera" else 0
    return lambda a, b: linear(a)[where] != linear(b)[where]


def require_extra() -> None:
    """Raise a :class:`SolverError` if D-Wave's libraries are not installed."""
    try:
        found = all(
            importlib.util.find_spec(p) for p in ("dwave.cloud", "dwave.graphs", "minorminer")
        )
    except (ImportError, ValueError):
        found = False
    if not found:
        raise SolverError(
            "D-Wave's Ocean SDK, which this sampler needs, is not installed.", EXTRA_HINT
        )


def chip_from_properties(
    name: str, properties: dict[str, Any], graph_id: str | None = None
) -> Chip:
    """Make a chip from a solver's properties.

    Parameters
    ----------
    name : str
        The solver's name.
    properties : dict
        With ``qubits``, ``couplers`` and ``topology``, as SAPI states them.
    graph_id : str, optional
        The cloud's identifier of the working graph; a digest of the graph by default.

    Raises
    ------
    DataError
        If one of those keys is missing.
    """
    try:
        topology = properties["topology"]
        kind, shape = str(topology["type"]), tuple(int(s) for s in topology["shape"])
        qubits = np.sort(np.asarray(properties["qubits"], dtype=np.int64))
        couplers = np.asarray(properties["couplers"], dtype=np.int64).reshape(-1, 2)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"The properties of '{name}' are not those of a quantum annealer ({error!r}).",
            "They need topology, qubits and couplers: choose a QPU, or save the file again with "
            "python -m qsvm.plan --save-solver FILE.",
        ) from error
    chip = Chip(name, graph_id or "", kind, shape, qubits, couplers, properties)
    return chip if graph_id else dataclasses.replace(chip, graph_id=chip.fingerprint)


def load_chip(path: str | Path) -> Chip:
    """Read a chip from a saved file: a solver as SAPI describes it, in JSON.

    Raises
    ------
    DataError
        If the file is missing or is no solver description.
    """
    try:
        data = json.loads(Path(path).read_text())
        identity = data.get("identity", {})
        name = identity.get("name") or data.get("id") or Path(path).stem
        properties = data.get("properties", data)
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(
            f"Cannot read the solver file '{path}': {error}.",
            "Save one with python -m qsvm.plan --save-solver FILE.",
        ) from error
    return chip_from_properties(name, properties, (identity.get("version") or {}).get("graph_id"))


def save_chip(chip: Chip, path: str | Path) -> None:
    """Write a chip to a file that :func:`load_chip` reads; no credential is in it."""
    identity = {"name": chip.name, "version": {"graph_id": chip.graph_id}}
    target = Path(path)
    temporary = target.with_name(f".{target.name}.tmp")
    temporary.write_text(json.dumps({"identity": identity, "properties": chip.properties}))
    temporary.replace(target)


def named_chip(name: str, seed: int = 0) -> Chip:
    """Return a made-up chip, or read a saved one.

    Parameters
    ----------
    name : str
        ``advantage``, ``advantage2``, ``advantage2-small`` (a real chip's numbers of missing
        qubits and couplers), ``pegasus:M`` or ``zephyr:M`` (without defects), or the path of a
        saved solver file.
    seed : int
        Decides which qubits and couplers are missing.
    """
    ideal = _IDEAL.fullmatch(name)
    if name in MODELS:
        return _made_up(name, *MODELS[name], seed)
    if ideal:
        return _made_up(name, ideal[1], int(ideal[2]), None, None, seed)
    if Path(name).suffix == ".json":
        return load_chip(name)
    raise UsageError(
        f"Unknown chip '{name}'.",
        f"Use {', '.join(MODELS)}, pegasus:M, zephyr:M or a saved solver file (.json).",
    )


def _made_up(
    name: str, kind: str, size: int, n_qubits: int | None, n_couplers: int | None, seed: int
) -> Chip:
    make, _ = _topology(kind)
    graph = make(size)
    nominal = 24 * size * (size - 1) if kind == "pegasus" else 32 * size * size + 16 * size
    rng = np.random.default_rng(seed)
    if n_qubits is not None:
        missing = rng.choice(sorted(graph.nodes), len(graph) - n_qubits, replace=False)
        graph.remove_nodes_from(missing.tolist())
    edges = np.sort(np.asarray(sorted(map(sorted, graph.edges)), dtype=np.int64), axis=1)
    if n_couplers is not None and n_couplers < len(edges):
        edges = edges[np.sort(rng.choice(len(edges), n_couplers, replace=False))]
    properties = _typical_properties(kind) | {
        "topology": {"type": kind, "shape": [size] if kind == "pegasus" else [size, 4]},
        "num_qubits": nominal,
        "qubits": sorted(graph.nodes),
        "couplers": edges.tolist(),
    }
    return chip_from_properties(f"mock-{name}", properties)


def _typical_properties(kind: str) -> dict[str, Any]:
    """Return the ranges and times that real chips state, as D-Wave's own mock has them."""
    from dwave.cloud.testing.mocks import qpu_problem_timing_data

    parameters = (
        "anneal_schedule annealing_time answer_mode auto_scale initial_state label num_reads "
        "programming_thermalization readout_thermalization reduce_intersample_correlation "
        "reinitialize_state"
    )
    return {
        "category": "qpu",
        "tags": [],
        "supported_problem_types": ["ising", "qubo"],
        "parameters": dict.fromkeys(parameters.split()),
        "h_range": [-4.0, 4.0],
        "j_range": [-1.0, 1.0],
        "extended_j_range": [-2.0, 1.0],
        "per_qubit_coupling_range": [-18.0, 15.0] if kind == "pegasus" else [-27.0, 20.0],
        "num_reads_range": [1, 10000],
        "annealing_time_range": [0.5, 2000.0],
        "default_annealing_time": 20.0,
        "default_programming_thermalization": 1000.0,
        "default_readout_thermalization": 0.0,
        "problem_run_duration_range": [0.0, 1000000.0],
        "problem_timing_data": qpu_problem_timing_data("advantage"),
        "quota_conversion_rate": 1,
    }
