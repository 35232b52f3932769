"""What a run writes about a descent: numbers, files and a section of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridges.report.page import Section
    from bridges.run.folder import RunFolder


class TellsOfDescent:
    """What the common run asks of a classifier that has more to tell than others.

    Attributes
    ----------
    hybrid_ : dict
        From :func:`classical.hybrid.account.account`.
    """

    hybrid_: dict[str, Any]

    @property
    def further_metrics_(self) -> dict[str, Any]:
        """What ``metrics.json`` holds of the descent, under ``hybrid``."""
        return {"hybrid": self.hybrid_}

    def write_files(self, folder: RunFolder) -> None:
        """Write ``convergence.csv`` and ``convergence.png``: the gap of every dual by steps."""
        from bridges.report.plots import save_figure
        from classical.hybrid.figures import convergence_csv, convergence_figure

        folder.write_text("convergence.csv", convergence_csv(self.hybrid_))
        with folder.target("convergence.png") as target:
            save_figure(convergence_figure(self.hybrid_), target)

    def report_sections(self) -> list[Section]:
        """Return the report's section on the descent."""
        from classical.hybrid.figures import section

        return [section(self.hybrid_)]
