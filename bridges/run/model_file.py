"""Model files: a skops archive with the estimator and a JSON description, and never a pickle."""

from __future__ import annotations

import dataclasses
import importlib
import io
import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from bridges.errors import DataError, UsageError
from bridges.machine.files import atomic_target, plain
from bridges.registry import CLASSIFIERS

FORMAT = "annealsvm-model"
FORMAT_VERSION = 1
SCHEMA = "schema.json"
PROJECT = ("bridges", "qsvm", "classical", "sklearn", "numpy")

MOVED = {
    ("bridges.classifier", "FitReport"): "bridges.fit_report",
    ("bridges.classifier", "Diagnostics"): "bridges.fit_report",
    ("bridges.ensemble", "KernelEnsemble"): "bridges.ensemble.bagging",
    ("classical.search", "GridSearch"): "classical.search.grid",
    ("classical.dealer", "Shift"): "bridges.machine.dealer",
}
"""Where types that older files name are found today: (module, type) to module."""


def save_model(
    model: Any,
    meta: Mapping[str, Any],
    path: str | os.PathLike[str],
    applicability: Mapping[str, Any] | None = None,
) -> None:
    """Write a fitted model and what belongs to it into one file, whole or not at all.

    Parameters
    ----------
    model : estimator
        Any estimator of this project or of scikit-learn, or a pipeline of them.
    meta : mapping
        Plain JSON values (class names, bands, scaling, scores, …). As always in JSON, keys come
        back as strings.
    path : path-like
        The file, by convention ``*.skops``.
    applicability : mapping, optional
        :meth:`bridges.accuracy.applicability.Applicability.state` of the training samples, which
        comes back as ``meta["applicability"]``.

    Raises
    ------
    UsageError
        If the model holds something that could not be loaded again without trusting foreign code,
        such as a callable kernel.
    """
    import skops.io

    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "meta": json.dumps(dict(meta), allow_nan=False, default=plain),
        "model": model,
        "applicability": None if applicability is None else dict(applicability),
    }
    hint = "Use kernels and samplers by name, not as Python objects, to save a model."
    try:
        data = skops.io.dumps(content, compression=zipfile.ZIP_DEFLATED)
    except (TypeError, NotImplementedError) as error:
        raise UsageError(f"The model cannot be written to a file ({error}).", hint) from error
    foreign = _foreign(skops.io.get_untrusted_types(data=data))
    if foreign:
        raise UsageError(
            f"The model holds {', '.join(foreign)}, which a model file may not contain.",
            hint,
        )
    with atomic_target(path) as temporary:
        temporary.write_bytes(data)


def load_model(path: str | os.PathLike[str]) -> tuple[Any, dict[str, Any]]:
    """Read a file of :func:`save_model`.

    Only estimators and dataclasses of this project, scikit-learn, NumPy and the installed packages
    that announce classifiers are made; no code from the file is run.

    Returns
    -------
    model : estimator
        The fitted estimator.
    meta : dict
        Its description.

    Raises
    ------
    DataError
        If the file is missing, damaged, no model file, of a newer format, or holds foreign types.
    """
    file = Path(path)
    if not file.is_file():
        raise DataError(
            f"There is no model file {file}.",
            "Give the model.skops of a run, for example runs/<time>/model.skops.",
        )
    content = _read(file)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DataError(
            f"{file} is a skops file, but not a model of this toolkit.",
            "Give the model.skops that qsvm.train or classical.train has written.",
        )
    if content["format_version"] > FORMAT_VERSION:
        raise DataError(
            f"{file} was written by a newer version of the toolkit.",
            "Update the toolkit, or train the model again with this version.",
        )
    meta = json.loads(content["meta"])
    known = content.get("applicability")
    return content["model"], meta if known is None else meta | {"applicability": known}


def _read(file: Path) -> Any:
    import skops.io

    hint = "Train the model again, or copy the file again from where it was made."
    try:
        data = _with_moved_types(file)
        needed = skops.io.get_untrusted_types(data=data)
    except Exception as error:
        raise DataError(f"{file} is damaged or no model file ({error}).", hint) from error
    foreign = _foreign(needed)
    if foreign:
        raise DataError(
            f"{file} asks for {', '.join(foreign)}, which are not types of this toolkit.",
            "Load only model files that the toolkit has written; this one was not opened.",
        )
    try:
        return skops.io.loads(data, trusted=needed)
    except Exception as error:
        raise DataError(f"{file} is damaged or does not fit this version ({error}).", hint) from (
            error
        )


def _with_moved_types(file: Path) -> bytes:
    """Return the bytes of a model file in which every type is named by today's address."""
    data = file.read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = json.loads(archive.read(SCHEMA))
        if not _readdress(schema):
            return data
        rewritten = io.BytesIO()
        with zipfile.ZipFile(rewritten, "w", zipfile.ZIP_DEFLATED) as target:
            for name in archive.namelist():
                held = json.dumps(schema).encode() if name == SCHEMA else archive.read(name)
                target.writestr(name, held)
    return rewritten.getvalue()


def _readdress(node: Any) -> bool:
    """Put today's module into every part of a skops schema whose type has moved; tell if any."""
    parts = list(node.values()) if isinstance(node, dict) else node
    if not isinstance(parts, list):
        return False
    changed = sum(map(_readdress, parts)) > 0
    if isinstance(node, dict):
        address = (str(node.get("__module__")), str(node.get("__class__")))
        if address in MOVED:
            node["__module__"] = MOVED[address]
            changed = True
    return changed


def _foreign(names: Iterable[str]) -> list[str]:
    """Return the type names that are neither estimators nor dataclasses of trusted packages."""
    announced = metadata.entry_points(group=CLASSIFIERS)
    packages = {*PROJECT, *(point.module.partition(".")[0] for point in announced)}
    return [name for name in names if not _is_ours(name, packages)]


def _is_ours(name: str, packages: set[str]) -> bool:
    from sklearn.base import BaseEstimator

    module, _, attribute = name.rpartition(".")
    if module.partition(".")[0] not in packages:
        return False
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return False
    # a class by which nothing but plain attributes is restored; functions could be called later
    return isinstance(found, type) and (
        issubclass(found, BaseEstimator) or dataclasses.is_dataclass(found)
    )
