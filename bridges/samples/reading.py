"""How a file of labels is to be read, where it does not say itself."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class LabelReading:
    """What a user may say about labels beside naming the file.

    Attributes
    ----------
    group_field : str or None
        Field of a vector file whose values say which features belong together (of one plot, one
        farm); by default every feature is a group of its own.
    all_touched : bool
        Whether features label every pixel that they touch, not only those whose centre they cover.
    xy : (str, str) or None
        Columns of a table of points that hold their coordinates.
    crs : str or None
        Coordinate system of the labels, for a file that names none or a wrong one.
    allow_missing : bool
        Whether to go on where a class has labels but no usable pixel.
    least_classes : int
        Classes that are needed; 1 for one of several images.
    """

    group_field: str | None = None
    all_touched: bool = False
    xy: tuple[str, str] | None = None
    crs: str | None = None
    allow_missing: bool = False
    least_classes: int = 2

    def said(self) -> list[str]:
        """Return what is not as by default."""
        default = LabelReading()
        names = (field.name for field in fields(self))
        return [name for name in names if getattr(self, name) != getattr(default, name)]


AS_IT_STANDS = LabelReading()
"""Nothing is said."""
