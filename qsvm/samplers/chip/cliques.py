"""Disjoint cliques on a working graph, found once and kept on disk.

The polynomial clique search of ``minorminer.busclique`` needs milliseconds on a perfect chip, but
seconds to minutes where internal couplers are missing, because it then tries random ways around
them. Giving up one qubit of every missing internal coupler beforehand costs well under one per cent
of the qubits and makes the search about twenty times faster; the whole graph is tried only where
that fails.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bridges.errors import EmbeddingError
from bridges.machine.files import from_cache
from qsvm.samplers.chip.chips import Chip, _topology, orthogonal

Chains = list[list[int]]
"""One chain of qubits per variable."""

FORMAT = 2
"""Part of every file name: another way of searching must not meet old answers."""

ZEPHYR_HANGS = range(5, 9)
"""Clique sizes for which the search of minorminer 0.2.22 does not return on Zephyr graphs; a
clique of 9 is searched instead and part of it used."""

SEED = 0
"""Of the clique search, so that the same chip always gives the same embedding."""

log = logging.getLogger(__name__)


def cache_directory() -> Path:
    """Return the user's cache directory for embeddings (``XDG_CACHE_HOME`` is respected)."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "annealsvm" / "cliques"


class CliqueFinder:
    """Finds disjoint cliques on one chip, in a fixed order, and remembers them.

    Parameters
    ----------
    chip : Chip
        The working graph.
    directory : Path, optional
        Where to keep what was found; :func:`cache_directory` by default.
    """

    def __init__(self, chip: Chip, directory: Path | None = None) -> None:
        self.chip = chip
        self._file = (directory or cache_directory()) / f"{chip.fingerprint}-{FORMAT}.json"
        self._known: dict[str, Chains | None] | None = None
        self._dirty = False

    def fill(self, sizes: Sequence[int]) -> list[Chains | None]:
        """Place cliques one after the other on the empty chip.

        Parameters
        ----------
        sizes : sequence of int
            Variables of each clique; put large ones first.

        Returns
        -------
        list of chains or None
            None where no room was left; later cliques are still tried if they are smaller.
        """
        placed: list[int] = []
        free = _Free(self)
        found: list[Chains | None] = []
        too_large = None
        for size in sizes:
            chains = None
            if too_large is None or size < too_large:
                chains = self._next(tuple(placed), size, free)
            if chains is None:
                too_large = size if too_large is None else min(size, too_large)
            else:
                placed.append(size)
                free.take(chains)
            found.append(chains)
        self._save()
        return found

    def improve(self, size: int) -> tuple[int, int]:
        """Search the whole graph for disjoint cliques of one size, and keep them if they are more.

        This takes minutes where couplers are missing; what it finds is used by every later run.

        Returns
        -------
        tuple of int
            Cliques that the quick search finds, and cliques known now.
        """
        quick = sum(chains is not None for chains in self.fill([size] * self.chip.size))
        graph = self.graph(thorough=True).copy()
        found = []
        while (chains := self._search(size, graph)) is not None:
            found.append(chains)
            graph.remove_nodes_from([q for chain in chains for q in chain])
        if len(found) <= quick:
            return quick, quick
        known = self._load()
        for key in [key for key in known if key.startswith(f"{size}x")]:
            del known[key]  # placed beside cliques that are replaced now
        for count, chains in enumerate([*found, None]):
            known[f"{_runs((size,) * count)}|{size}"] = chains
        self._dirty = True
        self._save()
        return quick, len(found)

    def largest(self, *, thorough: bool = False) -> int:
        """Return the size of the largest clique known.

        Parameters
        ----------
        thorough : bool
            Search the whole graph once (minutes where couplers are missing) instead of the part
            that the quick search sees. Size and chains are kept on disk either way.
        """
        known = self._load()
        key = "largest of the whole graph" if thorough else "largest"
        if key not in known:
            from minorminer.busclique import busgraph_cache

            graph = self.graph(thorough=thorough)
            chains = _sorted_chains(busgraph_cache(graph, seed=SEED).largest_clique())
            known[key] = [[len(chains)]]
            alone = f"{_runs(())}|{len(chains)}"
            if not known.get(alone):  # others may have been placed beside the one that is known
                known[alone] = chains
            self._dirty = True
            self._save()
        found = (known.get(name) for name in ("largest", "largest of the whole graph"))
        return max(size[0][0] for size in found if size)

    def _next(self, placed: tuple[int, ...], size: int, free: _Free) -> Chains | None:
        known = self._load()
        key = f"{_runs(placed)}|{size}"
        if key not in known:
            chains = self._search(size, free.graph())
            if chains is None and not placed:
                log.warning("Looking harder for a clique of %d on %s.", size, self.chip.name)
                chains = self._search(size, self.graph(thorough=True))
            known[key] = chains
            self._dirty = True
        return known[key]

    def _search(self, size: int, graph: Any) -> Chains | None:
        from minorminer.busclique import find_clique_embedding

        if not graph:
            return None
        hangs = self.chip.kind == "zephyr" and size in ZEPHYR_HANGS
        wanted = ZEPHYR_HANGS.stop if hangs else size
        embedding = find_clique_embedding(wanted, g=graph, use_cache=False, seed=SEED)
        if not embedding:
            return None
        return _sorted_chains(embedding)[:size]

    @functools.lru_cache(maxsize=2)  # noqa: B019  (a finder lives as long as its sampler)
    def graph(self, thorough: bool) -> Any:
        """Return the working graph, without qubits beside missing couplers unless thorough."""
        graph = self.chip.graph()
        if not thorough:
            graph.remove_nodes_from(_beside_missing_couplers(self.chip, graph))
        return graph

    def _load(self) -> dict[str, Chains | None]:
        if self._known is None:
            self._known = from_cache(self._file, _read_cliques) or {}
        return self._known

    def _save(self) -> None:
        """Write what is known to a temporary file and rename it; a read-only cache is no error."""
        if not self._dirty:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", dir=self._file.parent, suffix=".tmp", delete=False
            ) as file:
                text = json.dumps(self._known)
                json.dump({"digest": _digest(text), "cliques": text}, file)
            os.replace(file.name, self._file)
            self._dirty = False
        except OSError as error:
            log.warning("Cannot keep embeddings in %s: %s", self._file.parent, error)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read_cliques(path: Path) -> dict[str, Chains | None]:
    """Return what a file of the cache holds; a chain with a wrong qubit would embed nothing."""
    content = json.loads(path.read_text())
    if content["digest"] != _digest(content["cliques"]):
        raise ValueError("its checksum is wrong")
    return dict(json.loads(content["cliques"]))


class _Free:
    """The qubits that are still free, as a graph that is made when somebody asks for it."""

    def __init__(self, finder: CliqueFinder) -> None:
        self._finder = finder
        self._graph: Any = None
        self._taken: list[int] = []

    def take(self, chains: Chains) -> None:
        self._taken.extend(q for chain in chains for q in chain)

    def graph(self) -> Any:
        if self._graph is None:
            self._graph = self._finder.graph(thorough=False).copy()
        self._graph.remove_nodes_from(self._taken)
        self._taken.clear()
        return self._graph


def _sorted_chains(embedding: Any) -> Chains:
    """Return the chains of an embedding, short ones first."""
    return sorted((sorted(int(q) for q in c) for c in embedding.values()), key=_by_length)


def _by_length(chain: list[int]) -> tuple[int, list[int]]:
    return len(chain), chain


def _runs(sizes: tuple[int, ...]) -> str:
    """Write (80, 80, 40) as ``80x2,40x1``."""
    counts = Counter(sizes)
    return ",".join(f"{size}x{counts[size]}" for size in sorted(counts, reverse=True))


def _beside_missing_couplers(chip: Chip, graph: Any) -> list[int]:
    """Return qubits to give up so that no coupler between crossing qubits is missing."""
    make, _ = _topology(chip.kind)
    crossing = orthogonal(chip)
    missing = [
        (a, b)
        for a, b in make(*chip.shape).edges
        if a in graph and b in graph and not graph.has_edge(a, b) and crossing(a, b)
    ]
    # The search is fast where all crossings are complete. Giving up the qubit that most missing
    # ones share, over and over (greedy vertex cover), keeps nearly all qubits; the smaller number
    # decides between equals, so that a chip always gets the same embeddings.
    given_up = []
    while missing:
        ends = Counter(q for coupler in missing for q in coupler)
        worst = min(ends, key=lambda q: (-ends[q], q))
        given_up.append(worst)
        missing = [coupler for coupler in missing if worst not in coupler]
    return given_up


def lay_out(finder: CliqueFinder, sizes: Sequence[int]) -> list[list[tuple[int, Chains]]]:
    """Share problems of the given sizes out to as few chip fillings as greedy search needs.

    Parameters
    ----------
    finder : CliqueFinder
        Of the chip.
    sizes : sequence of int
        Variables of each problem.

    Returns
    -------
    list of list of (problem, chains)
        One inner list per submission; problems are indices into ``sizes``.

    Raises
    ------
    EmbeddingError
        If a problem does not even fit the empty chip.
    """
    waiting = sorted(range(len(sizes)), key=lambda i: (-sizes[i], i))
    fillings = []
    while waiting:
        chains = finder.fill([sizes[i] for i in waiting])
        if chains[0] is None:
            raise _too_large(finder, sizes[waiting[0]])
        filling = [(i, c) for i, c in zip(waiting, chains, strict=True) if c is not None]
        placed = {i for i, _ in filling}
        fillings.append(filling)
        waiting = [i for i in waiting if i not in placed]
    return fillings


def _too_large(finder: CliqueFinder, size: int) -> EmbeddingError:
    largest = finder.largest()
    return EmbeddingError(
        f"A fully connected problem of {size} variables does not fit on {finder.chip.name}: its "
        f"largest clique has about {largest}.",
        f"Use at most {largest} / n_bits samples per member (--member-size {largest // 2} with "
        f"--bits 2), fewer bits, or a larger chip (--solver).",
    )


def longest_chain(chains: Chains) -> int:
    """Return the number of qubits of the longest chain."""
    return int(np.max([len(chain) for chain in chains]))
