"""A grid search as a table and as a heat map of accuracy and time, as in the piSVM papers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


def grid_csv(results: dict[str, Any]) -> str:
    """Return one line per cell: C, γ, mean and deviation of accuracy, rank, minutes, stopped."""
    lines = ["C,gamma,mean_accuracy,std_accuracy,rank,core_minutes,stopped"]
    for k, params in enumerate(results["params"]):
        lines.append(
            f"{params['C']:g},{params['gamma']:g},{results['mean_test_score'][k]:.6f},"
            f"{results['std_test_score'][k]:.6f},{results['rank_test_score'][k]},"
            f"{results['minutes'][k]:.6f},{int(results['stopped'][k])}"
        )
    return "\n".join(lines) + "\n"


def as_matrix(
    results: dict[str, Any], key: str
) -> tuple[NDArray[np.float64], list[float], list[float]]:
    """Return a column of the table as a matrix over C (rows) and γ (columns), and both axes."""
    costs = sorted({params["C"] for params in results["params"]})
    gammas = sorted({params["gamma"] for params in results["params"]})
    matrix = np.full((len(costs), len(gammas)), np.nan)
    for params, value in zip(results["params"], results[key], strict=True):
        matrix[costs.index(params["C"]), gammas.index(params["gamma"])] = value
    return matrix, costs, gammas


def grid_figure(results: dict[str, Any]) -> Figure:
    """Return accuracy and core minutes of every cell side by side; (…) if it was given up."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    panels = (("mean_test_score", "accuracy", "{:.4f}"), ("minutes", "minutes of a core", "{:.3g}"))
    for ax, (key, title, form) in zip(figure.subplots(1, 2), panels, strict=True):
        matrix, costs, gammas = as_matrix(results, key)
        stopped, _, _ = as_matrix(results, "stopped")
        image = ax.imshow(matrix, cmap="cividis", aspect="auto")
        ax.set_xticks(range(len(gammas)), [f"{gamma:g}" for gamma in gammas])
        ax.set_yticks(range(len(costs)), [f"{cost:g}" for cost in costs])
        ax.set(xlabel="γ", ylabel="C", title=title)
        middle = 0.5 * (np.nanmin(matrix) + np.nanmax(matrix))
        for (row, column), value in np.ndenumerate(matrix):
            colour = "black" if value > middle else "white"
            text = form.format(value)
            text = f"({text})" if stopped[row, column] else text
            ax.text(column, row, text, ha="center", va="center", color=colour)
        figure.colorbar(image, ax=ax)
    return figure
