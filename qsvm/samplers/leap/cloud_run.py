"""What every sampler that pays for answers shares: an account, a store, patience."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from bridges.errors import UsageError
from qsvm.samplers.leap.connection import Connection, configuration
from qsvm.samplers.leap.faults import Patience
from qsvm.samplers.leap.store import default_store


class CloudRun:
    """A run in Leap: the solver that it is sent to and the store that keeps it."""

    kind = ""
    stores_runs: ClassVar[bool] = True

    @classmethod
    def check_account(cls, profile: str | None, region: str | None) -> None:
        """Raise a SolverError if the SDK or a token is missing."""
        configuration(profile, region)

    def _set_run(
        self,
        *,
        solver: str | None,
        region: str | None,
        profile: str | None,
        store: str | None,
        resume: bool,
        deadline_s: float,
        tries: int,
        in_flight: int,
        label: str,
    ) -> None:
        """Check and keep the options of a run; credentials are looked for before anything slow.

        Raises
        ------
        UsageError
            If a run is to be resumed whose store is not named.
        SolverError
            If the SDK or a token is missing.
        """
        if resume and store is None:
            raise UsageError("resume needs a store.", "Name the run's folder: --resume RUN.")
        configuration(profile, region)
        self.solver = solver
        self.region = region
        self.profile = profile
        self.store = store
        self.resume = resume
        self.label = label
        self.in_flight = in_flight
        self.patience = Patience(tries=tries, deadline_s=deadline_s)
        self._path = Path(store) if store is not None else default_store()

    def _connect(self) -> Connection:
        return Connection(
            self.kind,
            solver=self.solver,
            region=self.region,
            profile=self.profile,
            patience=self.patience,
        )
