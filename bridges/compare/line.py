"""One line of the table of a data set."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the table of a data set.

    Attributes
    ----------
    label, role : str
        What it is.
    control_of : str or None
        The classifier that a control belongs to.
    n_rows, n_failed : int
        Finished and failed cells.
    scores : dict of str to float or None
        Mean over folds of each score.
    interval : tuple of float or None
        95 % confidence interval of the deciding score.
    by_fold : dict of int to float
        Deciding score per fold, averaged over seeds.
    costs : dict of str to float or None
        Median over cells of times, sizes and gaps.
    error, hint : str or None
        Of the first failed cell.
    """

    label: str
    role: str
    control_of: str | None
    n_rows: int
    n_failed: int
    scores: dict[str, float | None]
    interval: tuple[float, float] | None
    by_fold: dict[int, float]
    costs: dict[str, float | None]
    error: str | None
    hint: str | None

    @property
    def display(self) -> str:
        """The label in a table, where a control stands under its classifier."""
        if self.control_of is None:
            return self.label
        return f"↳ {self.label.removeprefix(f'{self.control_of} / ').replace('_', ' ')}"
