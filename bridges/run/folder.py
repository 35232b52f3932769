"""The folder of a run: every file whole or not there, and the whole run or nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bridges.errors import UsageError
from bridges.machine.files import atomic_target, write_json, write_text

PRODUCTS = (
    "metrics.json", "model.skops", "model_card.md", "map.tif", "map.qml", "map.json", "map.png",
    "confidence.tif", "report.html", "run.json", "scene",
)  # fmt: skip
"""What a training run makes; with ``overwrite``, products of an earlier run do not outlive it."""


class RunFolder:
    """The output folder of one run, a context manager.

    Files are collected in a hidden folder beside it and appear together when the block ends well;
    when it raises (Ctrl-C and a full disk included) nothing is left.

    Parameters
    ----------
    path : path-like, optional
        The folder; by default ``runs/<time>``.
    overwrite : bool
        Whether an existing folder may be written into: files of the same name are replaced, the
        products of an earlier run that this one does not make are removed, all else stays.

    Attributes
    ----------
    path : Path
        The folder.

    Raises
    ------
    UsageError
        If the folder exists and ``overwrite`` is False, or it is a file.

    Examples
    --------
    >>> with RunFolder("runs/first") as run:  # doctest: +SKIP
    ...     run.write_json("metrics.json", {"accuracy": 0.9})
    ...     with run.target("map.png") as temporary:
    ...         figure.savefig(temporary)
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, overwrite: bool = False
    ) -> None:
        self.path = Path(path) if path is not None else timestamped_folder()
        if self.path.exists():
            self._check_existing(overwrite)
        self._made = _make_parents(self.path.parent)
        prefix = f".{self.path.name}.partial-"
        self._staging = Path(tempfile.mkdtemp(prefix=prefix, dir=self.path.parent))
        self._staging.chmod(0o777 & ~_umask())

    def _check_existing(self, overwrite: bool) -> None:
        if not self.path.is_dir():
            raise UsageError(f"{self.path} is a file.", "Choose another folder with --out DIR.")
        if not overwrite and any(self.path.iterdir()):
            raise UsageError(
                f"The output folder {self.path} exists.",
                "Choose another with --out DIR, or add --overwrite.",
            )

    @contextlib.contextmanager
    def target(self, name: str) -> Iterator[Path]:
        """Give a temporary path that becomes the file ``name`` if the block succeeds."""
        with atomic_target(self._staging / name) as temporary:
            yield temporary

    def subfolder(self, name: str) -> Path:
        """Make a folder for files of this run; until the block ends, it lies in the hidden one."""
        folder = self._staging / name
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def scene(self) -> Path:
        """Where the built-in scene of this run goes; whoever writes it makes the folder."""
        return self._staging / "scene"

    def write_text(self, name: str, text: str) -> None:
        """Write a UTF-8 text file."""
        write_text(self._staging / name, text)

    def write_json(self, name: str, value: Any) -> None:
        """Write a JSON file; NaN raises, since JSON has none."""
        write_json(self._staging / name, value)

    def file(self, name: str) -> Path:
        """Return where a file of this run lies now; until the block ends, in the hidden folder."""
        staged = self._staging / name
        return staged if staged.exists() else self.path / name

    def commit(self) -> None:
        """Make the files appear in :attr:`path`."""
        if not self.path.exists():
            self._staging.rename(self.path)
            return
        new = {p.name for p in self._staging.iterdir()}
        earlier = {
            p.name
            for p in self.path.glob("*-[0-9]*.*")
            if p.stem.startswith(("map-", "confidence-"))
        }  # of several images
        for name in set(PRODUCTS) | earlier | new:
            _make_way(self.path / name, replaced=name in new)
        for name in sorted(new):
            (self._staging / name).replace(self.path / name)
        self._staging.rmdir()

    def discard(self) -> None:
        """Remove everything that this run has written, and the folders made for it."""
        shutil.rmtree(self._staging, ignore_errors=True)
        for folder in self._made:
            with contextlib.suppress(OSError):  # not empty: somebody else uses it by now
                folder.rmdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.discard()


def _make_way(path: Path, *, replaced: bool) -> None:
    """Remove what an earlier run left; a file that is replaced in one step may stay until then."""
    if path.is_dir():
        shutil.rmtree(path)
    elif not replaced:
        path.unlink(missing_ok=True)


def timestamped_folder() -> Path:
    """Return ``runs/<time>``, a folder that does not exist yet."""
    base = Path("runs") / time.strftime("%Y%m%d-%H%M%S")
    path, count = base, 1
    while path.exists():
        count += 1
        path = base.with_name(f"{base.name}-{count}")
    return path


def _make_parents(folder: Path) -> list[Path]:
    """Make a folder and its parents; return those made, innermost first."""
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
