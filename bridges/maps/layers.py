"""The layers that there are beside a map, by the names of ``--layers``."""

NAMES = ("confidence",)
