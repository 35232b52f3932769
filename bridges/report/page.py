"""One self-contained HTML page: style and pictures inside, nothing fetched, printable."""

from __future__ import annotations

import base64
import dataclasses
import io
import os
import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from bridges.machine.files import write_text
from bridges.report.plots import save_figure

if TYPE_CHECKING:
    from jinja2 import Template
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of a report.

    Attributes
    ----------
    columns : sequence of str
        Headings.
    rows : sequence of sequences
        Cells: text, numbers, or None for undefined.
    caption, note : str
        Above and below.
    strong, quiet : collection of int
        Rows in bold (the winner) and in italics (controls).
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    caption: str = ""
    note: str = ""
    strong: frozenset[int] = frozenset()
    quiet: frozenset[int] = frozenset()

    @property
    def text_columns(self) -> set[int]:
        """Columns that hold text, whose headings stand on the left."""
        return {i for row in self.rows for i, value in enumerate(row) if self.is_text(value)}

    @staticmethod
    def is_text(value: Any) -> bool:
        """Tell whether a cell holds words, not a number written out or nothing."""
        return isinstance(value, str) and not re.match(r"[-+]?\d|–", value)

    def row_class(self, i: int) -> str:
        """Return the style of a row."""
        return "strong" if i in self.strong else "quiet" if i in self.quiet else ""


@dataclasses.dataclass(frozen=True)
class Picture:
    """A figure with its caption, which is also its text for those who cannot see it.

    Attributes
    ----------
    figure : Figure
        The figure.
    caption : str
        What it shows.
    raster : bool
        A map: embedded as PNG instead of SVG, three in a row where there is room.
    """

    figure: Figure
    caption: str
    raster: bool = False

    @property
    def suffix(self) -> str:
        """Format of :attr:`content`, ``png`` or ``svg``."""
        return "png" if self.raster else "svg"

    @cached_property
    def content(self) -> bytes:
        """The picture, drawn once."""
        buffer = io.BytesIO()
        save_figure(self.figure, buffer, format=self.suffix)
        return buffer.getvalue()

    def data_uri(self) -> str:
        """Return the picture as a data URI."""
        media = "image/png" if self.raster else "image/svg+xml"
        return f"data:{media};base64,{base64.b64encode(self.content).decode()}"


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of a report: text, then facts, tables and pictures."""

    title: str
    text: Sequence[str] = ()
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()


def cell(value: Any) -> str:
    """Return how a value is written in a report: four decimals, – for undefined."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        small = value != 0 and abs(value) < 1e-3
        return f"{value:.2e}" if small else f"{value:.4f}" if abs(value) < 100 else f"{value:,.1f}"
    if isinstance(value, list | tuple):
        return ", ".join(cell(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={cell(item)}" for key, item in value.items())
    return str(value)


def render_report(
    path: str | os.PathLike[str],
    title: str,
    sections: Sequence[Section],
    *,
    lead: str = "",
    footer: str = "",
) -> None:
    """Write a report as one HTML file that needs no network, whole or not at all.

    Parameters
    ----------
    path : path-like
        The file.
    title, lead, footer : str
        Heading, the sentence to read first, and the last line.
    sections : sequence of Section
        The content.
    """
    page = _template().render(title=title, lead=lead, sections=sections, footer=footer)
    write_text(path, page)


@cache
def _template() -> Template:
    import jinja2

    loader = jinja2.PackageLoader("bridges", "templates")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters["cell"] = cell
    return environment.get_template("report.html")
