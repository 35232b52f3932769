"""The run behind ``qsvm.train`` and ``classical.train``: from data to model, map and report."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridges.classifier import fit_telling, is_collective, notes_of, null_controls_of
from bridges.errors import DataError, ToldWarning
from bridges.machine import comm as mpi
from bridges.report.text import score_table
from bridges.run.calibrating import applicability, calibrate, groups_of
from bridges.run.config import recorded
from bridges.run.console import Narrator
from bridges.run.drawing import Wishes
from bridges.run.folder import RunFolder
from bridges.run.label_options import label_reading
from bridges.run.load import DataSpec, Inputs, load_inputs, scenes_of
from bridges.run.record import Clock, Run
from bridges.run.table_options import table_roles
from bridges.samples.scaling import make_scaler

if TYPE_CHECKING:
    import argparse

    from numpy.typing import NDArray

    from bridges.calibration.learning import Method


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
    job = Job(
        data_spec(args),
        args.test_size,
        args.seed,
        args.scale,
        partial(make_model, args),
        facts,
        args.calibrate or ("sigmoid" if args.layers or args.smooth else None),
        Wishes(args.layers is not None, args.smooth, args.sieve),
    )
    if args.dry_run:
        mpi.on_root(comm, lambda: _dry_run(job, describe, narrator))
        return 0
    folder = mpi.on_root(comm, lambda: RunFolder(args.out, overwrite=args.overwrite))
    run = Run(folder, narrator, Clock(), recorded(args))
    with folder if comm.rank == 0 else contextlib.nullcontext():
        metrics = _run(job, run, comm)
    if metrics is not None:
        narrator.say(f"written: {folder.path}/")
        print(json.dumps(metrics, indent=2) if args.json else score_table(metrics), flush=True)
    return 0


@dataclasses.dataclass(frozen=True)
class Job:
    """What is trained on what.

    Attributes
    ----------
    data : DataSpec
        The labelled samples.
    test_size : float
        Share of them to test on.
    seed : int
        Of the split, and of the built-in scene.
    scale : str
        Scaling of the features.
    make_model : callable
        Returns the unfitted classifier.
    facts : dict
        Further entries of ``metrics.json``.
    calibrate : str or None
        How the model gets probabilities; None for not at all.
    wishes : Wishes
        What is asked of the map.
    """

    data: DataSpec
    test_size: float
    seed: int
    scale: str
    make_model: Callable[[], Any]
    facts: dict[str, Any]
    calibrate: Method | None = None
    wishes: Wishes = dataclasses.field(default_factory=Wishes)

    def load(self, folder: Path) -> Inputs:
        """Read the data; the built-in scene is written into the folder."""
        data = self.data.with_scene_in(folder, self.seed)
        return load_inputs(data, test_size=self.test_size, seed=self.seed)


def data_spec(args: argparse.Namespace) -> DataSpec:
    """Return the data set that the options name; without any, the built-in scene."""

    def listed(values: list[str] | None) -> tuple[str, ...] | None:
        return None if values is None else tuple(values)

    first, *more = scenes_of(args.image, args.labels, args.groups)
    image, labels, groups = first
    spec = DataSpec(
        table=args.table,
        image=image,
        labels=labels,
        groups=groups,
        more=tuple(more),
        label_field=args.label_field,
        reading=label_reading(args),
        classes=listed(args.classes),
        bands=listed(args.bands),
        mask=args.mask,
        nodata=args.nodata,
        split=args.split,
        block_size=args.block_size,
        regions=args.regions,
        buffer=args.buffer,
        space=args.space,
        roles=table_roles(args),
    )
    return spec if spec.names_anything else dataclasses.replace(spec, synthetic=True)


def _run(job: Job, run: Run, comm: mpi.Communicator) -> dict[str, Any] | None:
    """Do a run on all ranks; return the metrics on the first."""
    model = job.make_model()  # a wrong name or option is an error before anything is read
    loaded: list[Inputs] = []

    def load() -> tuple[Any, Any, dict[int, str], Any]:
        inputs = job.load(run.folder.scene)
        loaded.append(inputs)
        _say_inputs(inputs, run.narrator)
        _require_a_map_of(inputs)
        groups = _groups(job, inputs, run.narrator) if job.calibrate else None
        return (*inputs.train, inputs.data.class_names, groups)

    X, y, names, groups = mpi.on_root(comm, load)
    run.clock.lap("load")
    scaler = make_scaler(job.scale).fit(X)
    told: list[str] = []
    with named_classes(names), run.narrator.progress("training") as progress, as_notes(told):
        fit_telling(model, scaler.transform(X), y, progress)
    for note in dict.fromkeys([*notes_of(model), *told]):
        run.narrator.note(note)
    run.clock.lap("fit")
    calibrated = None
    if job.calibrate is not None:
        with named_classes(names):
            scaled = scaler.transform(X)
            calibrated = calibrate(model, job.calibrate, scaled, y, groups, job.seed)
        for note in calibrated.notes_[len(notes_of(model)) :]:
            run.narrator.note(note)
        run.narrator.say(f"probabilities: {job.calibrate}, learnt on {calibrated.calibrated_on_}")
        run.clock.lap("calibrate")
    controls = _fit_controls(model, scaler.transform(X), y, run.narrator, comm)
    run.clock.lap("controls")
    n_maps = comm.bcast(len(loaded[0].by_scene()) if loaded else 0)
    if comm.rank > 0:
        for _ in range(n_maps):
            from bridges.maps.classify import assist

            assist(comm)
        return None
    from bridges.run.outcome import score, write_outcome

    inputs = loaded[0]
    facts = {**job.facts, "seed": job.seed}
    metrics = score(model, controls, scaler, inputs, facts, calibrated)
    metrics["notes"] = run.narrator.notes
    run.clock.lap("score")
    known = None
    if calibrated is not None and inputs.scene is not None:
        known = applicability(scaler.transform(X), groups)
    write_outcome(model, scaler, inputs, metrics, run, comm, calibrated, known, job.wishes)
    return metrics


def _groups(job: Job, inputs: Inputs, narrator: Narrator) -> NDArray[Any] | None:
    """Return the groups of folds on which probabilities are learnt; tell what was decided."""
    train = inputs.data.take(inputs.split.train)
    groups, told = groups_of(train, inputs.split.kind, job.data.block_size)
    if told:
        narrator.note(told)
    return groups


def _require_a_map_of(inputs: Inputs) -> None:
    """Refuse, before the work, classes that no map can hold after it."""
    from bridges.maps.classify import storage

    if inputs.scene is not None:
        storage(inputs.data.class_names)


@contextlib.contextmanager
def as_notes(told: list[str]) -> Iterator[None]:
    """Add the texts of warnings that are to be told as notes; others are shown afterwards."""
    heard: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always", ToldWarning)
            yield
    finally:
        for one in heard:
            if issubclass(one.category, ToldWarning):
                told.append(str(one.message))
            else:
                warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


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


def _say_inputs(inputs: Inputs, narrator: Narrator) -> None:
    data, split = inputs.data, inputs.split
    masked = f", {data.n_masked} more are masked" if data.n_masked else ""
    narrator.say(
        f"{len(data.y)} labelled samples of {len(data.class_names)} classes "
        f"({', '.join(data.class_names.values())}){masked}"
    )
    for note in inputs.notes:
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
            with as_notes([]):  # what the model tells is told; controls are no models
                control.fit(X, y)
    return controls


def _dry_run(
    job: Job, describe: Callable[[Any, NDArray[Any], NDArray[Any]], str], narrator: Narrator
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        inputs = job.load(Path(scratch))
        _say_inputs(inputs, narrator)
        X, y = inputs.train
        X = make_scaler(job.scale).fit_transform(X)
        with named_classes(inputs.data.class_names):
            print(describe(job.make_model(), X, y))
