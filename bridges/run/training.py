"""The run behind ``qsvm.train`` and ``classical.train``: from data to model, map and report."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bridges.classifier import fit_telling, is_collective, notes_of, null_controls_of
from bridges.errors import DataError
from bridges.machine import comm as mpi
from bridges.report.text import score_table
from bridges.run.config import recorded
from bridges.run.console import Narrator
from bridges.run.folder import RunFolder
from bridges.run.load import Inputs, load_inputs
from bridges.run.record import Clock
from bridges.samples.scaling import make_scaler

if TYPE_CHECKING:
    import argparse

    from numpy.typing import NDArray


def train(
    args: argparse.Namespace,
    make_model: Callable[[argparse.Namespace], Any],
    describe: Callable[[Any, NDArray[Any], NDArray[Any]], str],
    facts: dict[str, Any],
) -> int:
    """Train, score, map and report as the options say.

    Parameters
    ----------
    args : Namespace
        Options of :mod:`bridges.run.options`.
    make_model : callable
        Returns the unfitted classifier for the options.
    describe : callable
        ``describe(model, X, y)`` returns what ``--dry-run`` prints.
    facts : dict
        Further entries of ``metrics.json``, such as the sampler's name.

    Returns
    -------
    int
        Exit code.
    """
    comm = mpi.resolve()
    narrator = Narrator(-1 if args.quiet else args.verbose, silent=comm.rank > 0)
    if args.dry_run:
        mpi.on_root(comm, lambda: _dry_run(args, make_model, describe))
        return 0
    folder = mpi.on_root(comm, lambda: RunFolder(args.out, overwrite=args.overwrite))
    with folder if comm.rank == 0 else contextlib.nullcontext():
        metrics = _run(args, make_model, facts, folder, narrator, comm)
    if metrics is not None:
        narrator.say(f"written: {folder.path}/")
        print(json.dumps(metrics, indent=2) if args.json else score_table(metrics), flush=True)
    return 0


def _run(
    args: argparse.Namespace,
    make_model: Callable[[argparse.Namespace], Any],
    facts: dict[str, Any],
    folder: RunFolder,
    narrator: Narrator,
    comm: mpi.Communicator,
) -> dict[str, Any] | None:
    """Do a run on all ranks; return the metrics on the first."""
    clock = Clock()
    model = make_model(args)  # a wrong name or option is an error before anything is read
    loaded: list[Inputs] = []

    def load() -> tuple[Any, Any, dict[int, str]]:
        inputs = _load(args, folder)
        loaded.append(inputs)
        _say_inputs(inputs, narrator)
        return (*inputs.train, inputs.data.class_names)

    X, y, names = mpi.on_root(comm, load)
    clock.lap("load")
    scaler = make_scaler(args.scale).fit(X)
    with named_classes(names), narrator.progress("training") as progress:
        fit_telling(model, scaler.transform(X), y, progress)
    for note in notes_of(model):
        narrator.note(note)
    clock.lap("fit")
    controls = _fit_controls(model, scaler.transform(X), y, narrator, comm)
    clock.lap("controls")
    if comm.rank > 0:
        return None
    from bridges.run.outcome import score, write_outcome

    inputs = loaded[0]
    metrics = score(model, controls, scaler, inputs, {**facts, "seed": args.seed})
    metrics["notes"] = narrator.notes
    clock.lap("score")
    write_outcome(model, scaler, inputs, metrics, recorded(args), folder, narrator, clock)
    return metrics


@contextlib.contextmanager
def named_classes(names: Mapping[int, str]) -> Iterator[None]:
    """Let errors call the classes by their names; models know codes only."""
    try:
        yield
    except DataError as error:
        message = re.sub(
            r"Class '(\d+)'", lambda found: f"Class '{names[int(found[1])]}'", error.message
        )
        raise DataError(message, error.hint) from error


def _load(args: argparse.Namespace, folder: RunFolder) -> Inputs:
    def make_scene() -> Any:
        from bridges.scene.built_in import write_scene

        return write_scene(folder.subfolder("scene"), seed=args.seed)

    return load_inputs(args, make_scene)


def _say_inputs(inputs: Inputs, narrator: Narrator) -> None:
    data, split = inputs.data, inputs.split
    masked = f", {data.n_masked} more are masked" if data.n_masked else ""
    narrator.say(
        f"{len(data.y)} labelled samples of {len(data.class_names)} classes "
        f"({', '.join(data.class_names.values())}){masked}"
    )
    for note in data.notes:
        narrator.note(note)
    narrator.say(f"{len(split.train)} train, {len(split.test)} test: {split.note}")


def _fit_controls(
    model: Any, X: NDArray[Any], y: NDArray[Any], narrator: Narrator, comm: mpi.Communicator
) -> dict[str, Any]:
    """Fit the null controls: those that ranks build together on all, the others on the first."""
    controls = null_controls_of(model)
    for number, (name, control) in enumerate(controls.items(), start=1):
        narrator.say(f"null control {number} of {len(controls)}: {name}")
        if comm.rank == 0 or is_collective(control):
            control.fit(X, y)
    return controls


def _dry_run(
    args: argparse.Namespace,
    make_model: Callable[[argparse.Namespace], Any],
    describe: Callable[[Any, NDArray[Any], NDArray[Any]], str],
) -> None:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as scratch:

        def make_scene() -> Any:
            from bridges.scene.built_in import write_scene

            return write_scene(Path(scratch), seed=args.seed)

        inputs = load_inputs(args, make_scene)
        X, y = inputs.train
        X = make_scaler(args.scale).fit_transform(X)
        with named_classes(inputs.data.class_names):
            print(describe(make_model(args), X, y))
