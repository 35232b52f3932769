"""Scenes: bands on one grid, from files, Landsat products, or built in."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from bridges.scene.built_in import write_scene as write_scene
    from bridges.scene.opening import open_scene as open_scene
    from bridges.scene.scene import Scene as Scene

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "built_in": ["write_scene"],
        "opening": ["open_scene"],
        "scene": ["Scene"],
    },
)
