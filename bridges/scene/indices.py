"""Spectral indices by name: computed from bands, window by window, as further bands of a scene."""

from __future__ import annotations

import ast
import functools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bridges.errors import did_you_mean
from bridges.scene.index_formulas import CONSTANTS, FORMULAS, TASSELLED_CAP

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALL_FORMULAS = FORMULAS | TASSELLED_CAP

LETTERS = {
    "A": ("coastal",),
    "B": ("blue",),
    "G": ("green",),
    "R": ("red",),
    "RE1": ("rededge071", "rededge1"),
    "RE2": ("rededge075", "rededge2"),
    "RE3": ("rededge078", "rededge3"),
    "N": ("nir", "nir08"),
    "N2": ("nir08",),
    "S1": ("swir16",),
    "S2": ("swir22",),
    "T1": ("lwir11", "lwir"),
    "T2": ("lwir12",),
}
"""Common names (STAC's) of the bands that a letter of the catalogue stands for, the best first."""

OPERATIONS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
}


@dataclass(frozen=True)
class Index:
    """A spectral index over certain bands.

    Attributes
    ----------
    name : str
        As the catalogue writes it.
    inputs : tuple of (str, int)
        Letters of the formula, and which column each is.
    """

    name: str
    inputs: tuple[tuple[str, int], ...]

    def of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the index of pixels (…, n_columns); not finite where a divisor is zero."""
        return evaluate(self.name, {letter: values[..., column] for letter, column in self.inputs})


def evaluate(
    name: str, bands: Mapping[str, NDArray[np.float64]], **constants: float
) -> NDArray[np.float64]:
    """Return an index of bands by their letters; constants replace those of the formula."""
    known = dict(bands) | CONSTANTS.get(name, {}) | constants
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found = _value(_parsed(ALL_FORMULAS[name]), known)
    return np.asarray(found, dtype=np.float64)


@functools.cache
def _parsed(formula: str) -> ast.expr:
    return ast.parse(formula, mode="eval").body


def _value(node: ast.expr, known: Mapping[str, Any]) -> Any:
    """Return what arithmetic on names and numbers comes to; anything else is a KeyError."""
    if isinstance(node, ast.Name):
        return known[node.id]
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.UnaryOp):
        return OPERATIONS[type(node.op)](_value(node.operand, known))
    assert isinstance(node, ast.BinOp)
    parts = _value(node.left, known), _value(node.right, known)
    return OPERATIONS[type(node.op)](*parts)


@functools.cache
def letters_of(name: str) -> tuple[str, ...]:
    """Return the letters of the bands that an index needs, sorted."""
    nodes = ast.walk(_parsed(ALL_FORMULAS[name]))
    return tuple(sorted({node.id for node in nodes if isinstance(node, ast.Name)} & {*LETTERS}))


def index_name(wanted: str) -> str | None:
    """Return the catalogue's spelling of an index; None if it has no such index."""
    if wanted in ALL_FORMULAS:
        return wanted
    near = [name for name in ALL_FORMULAS if name.lower() == wanted.lower()]
    return near[0] if len(near) == 1 else None


def suggestion(wanted: str) -> str:
    """Return a question after an index that is called nearly so, "" if there is none."""
    return did_you_mean(wanted, ALL_FORMULAS)


@functools.cache
def needs_reflectance(name: str) -> bool:
    """Whether bands ten thousand times as large give neither the same index nor as many times it.

    Such an index means nothing on stored integers; ratios and linear ones do.
    """
    letters = letters_of(name)
    values = np.random.default_rng(0).uniform(0.05, 0.4, (len(letters), 8))
    once = evaluate(name, dict(zip(letters, values, strict=True)))
    often = evaluate(name, dict(zip(letters, 10_000 * values, strict=True)))
    return not (np.allclose(once, often) or np.allclose(10_000 * once, often))
