"""The one place where Leap is met: credentials stay with Ocean, errors become sentences."""

from __future__ import annotations

import base64
import json
import logging
from typing import TYPE_CHECKING, Any

from bridges.errors import SolverError
from qsvm.samplers.chip.chips import Chip, chip_from_properties, require_extra
from qsvm.samplers.leap.faults import Patience, Trouble, diagnose

if TYPE_CHECKING:
    from collections.abc import Callable

LOGIN_HINT = (
    "Run 'dwave config create' (or set DWAVE_API_TOKEN), then 'dwave ping'; choose another profile "
    "with --profile."
)


def hush() -> None:
    """Keep D-Wave's client from logging its configuration, which contains the token."""
    logger = logging.getLogger("dwave.cloud")
    if logger.level < logging.INFO:
        logger.setLevel(logging.INFO)


def configuration(profile: str | None = None, region: str | None = None) -> dict[str, Any]:
    """Return Ocean's configuration after checking that it has a token.

    Raises
    ------
    SolverError
        If the SDK is not installed, the profile unknown, or no token is configured.
    """
    require_extra()
    hush()
    from dwave.cloud.config import load_config

    given = {key: value for key, value in (("region", region),) if value}
    problem = ""
    try:
        config: dict[str, Any] = load_config(profile=profile, **given)
    except Exception as error:
        problem = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    if problem:
        raise SolverError(f"Ocean's configuration cannot be used ({problem}).", LOGIN_HINT)
    if not config.get("token"):
        raise SolverError("No Leap API token is configured.", LOGIN_HINT)
    return config


class Connection:
    """A solver of Leap and the means to talk to it.

    Parameters
    ----------
    kind : {"qpu", "bqm", "cqm", "nl"}
        What the solver must be.
    solver, region, profile : str, optional
        Choice of solver and account, as Ocean takes them; the first suitable solver by default.
    patience : Patience
        How long to bear with failures.
    """

    def __init__(
        self,
        kind: str,
        *,
        solver: str | None = None,
        region: str | None = None,
        profile: str | None = None,
        patience: Patience | None = None,
    ) -> None:
        config = configuration(profile, region)
        self._token = str(config["token"])
        self.patience = patience or Patience()
        self._client = self._make_client(config)
        self.solver = self._choose(kind, solver or config.get("solver"))
        self.name = str(self.solver.name)
        self._api: Any = None

    def __repr__(self) -> str:
        return f"Connection(solver={self.name!r})"

    def _make_client(self, config: dict[str, Any]) -> Any:
        from dwave.cloud import Client

        options = {k: v for k, v in config.items() if k not in ("client", "solver")}
        problem = ""
        try:
            return Client(**options | {"http_retry_total": 0, "cache_enabled": False})
        except Exception as error:
            problem = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        raise SolverError(f"No connection to Leap ({self.scrub(problem)}).", LOGIN_HINT)

    def scrub(self, text: str) -> str:
        """Return a text without the token."""
        return text.replace(self._token, "(token)")

    def _choose(self, kind: str, wanted: Any) -> Any:
        newest = {"supported_problem_types__contains": kind, "order_by": "-properties.version"}
        filters: dict[str, Any] = {"qpu": True} if kind == "qpu" else newest
        if isinstance(wanted, str) and wanted.lstrip().startswith("{"):
            wanted = json.loads(wanted)  # Ocean's configuration may hold features as JSON
        if isinstance(wanted, dict):
            filters |= wanted
        found = self.calmly(
            "looking for solvers", lambda: self._client.get_solvers(refresh=True, **filters)
        )
        if isinstance(wanted, str):
            found = [solver for solver in found if solver.name == wanted]
        if found:
            return found[0]
        others = self.calmly("looking for solvers", self._client.get_solvers)
        names = ", ".join(sorted(s.name for s in others)) or "none"
        raise SolverError(
            f"No solver of kind '{kind}'{f' named {wanted!r}' if wanted else ''} is online.",
            f"Online now: {names}. Choose one with --solver, another --region, or try later.",
        )

    def calmly(self, what: str, action: Callable[[], Any]) -> Any:
        """Do something harmless, again after failures that may pass.

        Raises
        ------
        SolverError
            When patience is at its end or the failure will not pass.
        """
        tries = 0
        while True:
            trouble = None
            try:
                return action()
            except Exception as error:
                trouble = diagnose(error)
            tries += 1
            if not trouble.passing or tries > self.patience.tries:
                raise self.complaint(what, trouble)
            self.patience.wait(tries, trouble.retry_after)

    def complaint(self, what: str, trouble: Trouble) -> SolverError:
        """Return the error that tells of a trouble, without the token."""
        hint = trouble.hint or LOGIN_HINT
        kind = trouble.error_type
        return kind(f"Leap failed while {what}: {self.scrub(trouble.text)}", self.scrub(hint))

    @property
    def api(self) -> Any:
        """The synchronous resource for problems (:class:`dwave.cloud.api.Problems`)."""
        if self._api is None:
            from dwave.cloud import api

            self._api = api.Problems.from_config(self._client.config)
        return self._api

    def chip(self) -> Chip:
        """Return the solver's working graph."""
        return chip_from_properties(self.name, dict(self.solver.properties), self.solver.graph_id)

    def job(self, data: dict[str, Any], kind: str, parameters: dict[str, Any], label: str) -> Any:
        """Return a problem in the form that :attr:`api` submits."""
        from dwave.cloud.api import models

        return models.ProblemJob(
            data=data, params=parameters, solver=self.solver.identity, type=kind, label=label
        )

    def answer(self, problem_id: str) -> dict[str, Any]:
        """Return an answer in SAPI's form, binary data that it refers to (base64) included."""
        message = self.api.get_problem(problem_id)
        told: dict[str, Any] = message.model_dump(mode="json")
        answer = told.get("answer") or {}
        if answer.get("format") == "binary-ref":
            with self.api.get_answer_data(message.answer.root) as data:
                answer["data"] = base64.b64encode(data.read()).decode()
            del answer["url"]  # an address may hold a signature, and expires
        return told

    def upload(self, payload: Any) -> str:
        """Upload a hybrid problem and return its reference."""
        return str(
            self.calmly(
                "uploading a problem",
                lambda: self._client.upload_problem_encoded(payload).result(),
            )
        )

    def close(self) -> None:
        """End the client's threads."""
        if self._api is not None:
            self._api.close()
        self._client.close(wait=False)
