"""The command: plan, compute what is missing, conclude, write the report."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bridges import registry
from bridges.compare.options import OPTIONS, make_settings
from bridges.machine import comm as mpi
from bridges.machine.files import plain, write_json
from bridges.run import options
from bridges.run.command import Command
from bridges.run.config import recorded
from bridges.run.console import Narrator
from bridges.run.folder import timestamped_folder
from bridges.run.record import run_record

FAILED_CELLS = 1
SUMMARY = "classifiers on data sets in one table, with null controls, statistics and a report."
EPILOG = """\
One row per classifier, data set and fold. A comparison that was stopped goes on where it was when
the same command is started again.

exit codes: 0 ok, 1 some cells failed (they are rows with their errors), 2 usage, 3 data,
4 something to install, 130 interrupted (start again to go on)"""


def _body(args: argparse.Namespace) -> int:
    comm = mpi.resolve()
    if args.list_classifiers:
        if comm.rank == 0:
            print("\n".join(registry.names()))
        return 0
    from bridges.compare.statistics import require_statsmodels

    settings = make_settings(args)
    require_statsmodels()
    narrator = Narrator(-1 if args.quiet else args.verbose, silent=comm.rank > 0)
    folder = Path(args.out) if args.out else mpi.on_root(comm, timestamped_folder)
    return compare(
        settings,
        folder,
        comm,
        narrator,
        arguments=recorded(args),
        overwrite=args.overwrite,
        retry_failed=args.retry_failed,
        dry_run=args.dry_run,
        as_json=args.json,
    )


COMMAND = Command("bridges.compare", SUMMARY, options.of("compare", OPTIONS), _body, EPILOG)
make_parser, main = COMMAND.make_parser, COMMAND.main


def compare(
    settings: Any,
    folder: Path,
    comm: mpi.Communicator,
    narrator: Narrator,
    *,
    arguments: Mapping[str, Any],
    overwrite: bool = False,
    retry_failed: bool = False,
    dry_run: bool = False,
    as_json: bool = False,
) -> int:
    """Compute what is missing of a comparison and write its products.

    Parameters
    ----------
    settings : Settings
        What is compared.
    folder : Path
        Where; a folder with an earlier comparison goes on.
    comm : Communicator
        From :func:`bridges.machine.comm.resolve`.
    narrator : Narrator
        Tells on stderr.
    arguments : mapping
        For the record of the run.
    overwrite, retry_failed, dry_run, as_json : bool
        See ``--help``.

    Returns
    -------
    int
        0, or 1 if cells failed.
    """
    from bridges.compare import store as stores
    from bridges.compare.plan import make_plan
    from bridges.compare.schedule import missing, run_missing

    with contextlib.ExitStack() as held:
        if not dry_run:
            mpi.on_root(comm, lambda: stores.open_folder(folder, overwrite=overwrite))
            if comm.rank == 0:
                held.enter_context(stores.locked(folder))
            comm.barrier()
        with _scenes(settings, folder, comm, dry_run=dry_run) as ready:
            sources = load_sources(ready)
            for source in sources:
                for note in source.notes:
                    narrator.say(f"note: {source.spec.name}: {note}")
            plan = make_plan(ready, sources, comm.size)
            if dry_run:
                _print_plan(plan, comm)
                return 0
            names = [name for s in sources for name in s.class_names.values()]
            store = stores.RowStore(folder, list(dict.fromkeys(names)), comm.rank)
            done = mpi.on_root(comm, store.rows)
            todo = missing(plan, done, retry_failed=retry_failed)
            if comm.rank == 0:
                record = {**run_record(arguments, settings.seed, {}), "ranks": comm.size}
                stores.record_session(folder, record)
                store.start_table(list(done.values()))
            kept = len({cell.key for cell in plan}) - len(todo)
            narrator.say(f"{folder}: {len(todo)} cells to compute, {kept} kept from earlier runs.")
            run_missing(todo, store, settings.scale, comm, narrator, settings.jobs)
            return mpi.on_root(comm, lambda: conclude(ready, sources, plan, store, as_json=as_json))


@contextlib.contextmanager
def _scenes(settings: Any, folder: Path, comm: mpi.Communicator, *, dry_run: bool) -> Any:
    """Write the built-in scene where it is asked for; yield settings with its files."""
    if not any(spec.synthetic for spec in settings.data):
        yield settings
        return
    import tempfile

    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary) if dry_run else folder / "data"

        def write() -> Any:
            return tuple(spec.with_scene_in(target, settings.seed) for spec in settings.data)

        yield dataclasses.replace(settings, data=mpi.on_root(comm, write))


def load_sources(settings: Any) -> list[Any]:
    """Load all data sets of a comparison."""
    from bridges.compare.sources import load_source

    return [load_source(spec, settings) for spec in settings.data]


def _print_plan(plan: Sequence[Any], comm: mpi.Communicator) -> None:
    if comm.rank:
        return
    for cell in plan:
        point = f", {cell.entry.curve}={cell.entry.value}" if cell.entry.curve else ""
        where = f"{cell.source.spec.name}, fold {cell.fold}, seed {cell.seed}"
        print(f"{cell.key}  {where}: {cell.entry.label}{point}")


def conclude(
    settings: Any, sources: Sequence[Any], plan: Sequence[Any], store: Any, *, as_json: bool
) -> int:
    """Write table, summary and report from the rows of a plan; print the result."""
    from bridges.compare import tables
    from bridges.compare.across import across
    from bridges.compare.page import Results, write_products
    from bridges.compare.store import sessions_of
    from bridges.compare.summary import summarise

    main_rows, curve_rows = ordered_rows(plan, store.rows())
    store.finish_table([*main_rows, *curve_rows])
    verdicts = summarise(main_rows, store.arrays, settings)
    failed = [row for row in (*main_rows, *curve_rows) if row["status"] != "ok"]
    over_all = across(verdicts, settings.rope, settings.level, settings.seed)
    summary = {
        "data": [_verdict_json(v) for v in verdicts],
        "across": None if over_all is None else _verdict_json(over_all),
        "n_failed": len(failed),
    }
    write_json(store.folder / "summary.json", summary)
    sessions = sessions_of(store.folder)
    results = Results(settings, sources, main_rows, curve_rows, verdicts, over_all)
    write_products(store.folder, results, store.arrays, sessions)
    if as_json:
        print(json.dumps(summary, indent=2, allow_nan=False, default=plain))
    else:
        print(tables.markdown(verdicts, over_all))
        print(f"report: {store.folder / 'report.html'}")
    if failed:
        print(f"{len(failed)} cells failed; see {store.folder / 'report.html'}", file=sys.stderr)
    return FAILED_CELLS if failed else 0


def ordered_rows(
    plan: Sequence[Any], stored: Mapping[str, Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of the main table and of the curves in the order of the plan.

    Labels are those of the plan. Points of the curve over MPI ranks from earlier runs of the same
    classifiers on the same data are added.
    """
    from bridges.compare.cell import describe

    rows = [{**stored[cell.key], **describe(cell)} for cell in plan if cell.key in stored]
    main = [row for row in rows if row["curve"] is None]
    curves = [row for row in rows if row["curve"] is not None]
    same = ("data", "classifier", "parameters", "split", "fold", "seed")
    known = {tuple(row[name] for name in same) for row in curves if row["curve"] == "ranks"}
    keys = {row["key"] for row in rows}
    earlier = [
        dict(row)
        for row in stored.values()
        if row["curve"] == "ranks"
        and row["key"] not in keys
        and tuple(row[name] for name in same) in known
    ]
    places = {pair: i for i, pair in enumerate(dict.fromkeys(map(_place, rows)))}
    earlier.sort(key=lambda r: (r["curve_value"], places[_place(r)], r["fold"], r["seed"]))
    return main, curves + earlier


def _place(row: Mapping[str, Any]) -> tuple[Any, Any]:
    return row["data"], row["classifier"]


def _verdict_json(verdict: Any) -> dict[str, Any]:
    content = dataclasses.asdict(verdict)
    return {**content, "sentences": verdict.sentences()}
