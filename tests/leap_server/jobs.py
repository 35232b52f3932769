"""Problems that were submitted: their states, answers and prices."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from leap_server.nonlinear import solve_nl
from leap_server.solvers import (
    Refusal,
    access_time_us,
    check_ising,
    decode_qp,
    solve_bqm,
    solve_cqm,
    solve_ising,
)


@dataclasses.dataclass
class Job:
    """One submitted problem."""

    id: str
    request: dict[str, Any]
    digest: str
    price_us: float
    submitted: float
    future: Future[dict[str, Any]] | None = None
    status: str = "PENDING"
    error: str = ""
    solved: float = 0.0
    hangs: bool = False


class Desk:
    """Takes problems, has them solved, and keeps the books.

    Parameters
    ----------
    solvers : list of dict
        SAPI's descriptions.
    delay_s : float
        Seconds between submission and completion, at least.
    num_sweeps : int
        Sweeps of the local sampler.
    quota_us : float or None
        QPU microseconds that may be used.
    """

    def __init__(
        self, solvers: list[dict[str, Any]], delay_s: float, num_sweeps: int, quota_us: float | None
    ) -> None:
        self.solvers = {solver["identity"]["name"]: solver for solver in solvers}
        self.delay_s = delay_s
        self.num_sweeps = num_sweeps
        self.quota_us = quota_us
        self.endpoint = ""
        self.jobs: dict[str, Job] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self._lock = threading.RLock()
        self._pool = ThreadPoolExecutor(1)

    def submit(self, request: dict[str, Any], hangs: bool = False) -> Job:
        """Accept a problem.

        Raises
        ------
        Refusal
            If the solver is unknown or offline, the quota used up or the problem out of range.
        """
        solver = self.solvers.get(request["solver"]["name"])
        if solver is None:
            raise Refusal("Solver does not exist or apitoken does not have access")
        if solver["status"] != "ONLINE":
            raise Refusal("Problem not accepted because solver is offline")
        price = self._price(solver, request)
        with self._lock:
            if self.quota_us is not None and self.spent_us() + price > self.quota_us:
                raise Refusal(
                    "Problem not accepted because user has insufficient remaining solver access "
                    "time in project DEV"
                )
            core = {key: request[key] for key in ("data", "params", "type")}
            digest = hashlib.sha256(json.dumps(core, sort_keys=True).encode()).hexdigest()
            job = Job(str(uuid.uuid4()), request, digest, price, time.time(), hangs=hangs)
            self.jobs[job.id] = job
            job.future = self._pool.submit(self._solve, job, solver)
        return job

    def _price(self, solver: dict[str, Any], request: dict[str, Any]) -> float:
        if solver["properties"]["category"] != "qpu":
            return 20_000.0
        fields, couplings = decode_qp(solver, request["data"])
        check_ising(solver, fields, couplings, request["params"])
        return access_time_us(solver, len(fields), request["params"])

    def _solve(self, job: Job, solver: dict[str, Any]) -> dict[str, Any]:
        request = job.request
        kind, params = request["type"], request["params"]
        if kind in ("ising", "qubo"):
            return solve_ising(solver, request["data"], params, kind, self.num_sweeps)
        payload = self.payload(request["data"]["data"])
        solve = {"bqm": solve_bqm, "cqm": solve_cqm, "nl": solve_nl}[kind]
        return solve(payload, params, self.num_sweeps)

    def payload(self, upload: str) -> bytes:
        """Return an uploaded problem."""
        parts = self.uploads[upload]
        return b"".join(parts[number] for number in sorted(parts))

    def update(self, job: Job) -> Job:
        """Bring a job's status up to date."""
        with self._lock:
            if job.status in ("COMPLETED", "FAILED", "CANCELLED") or job.future is None:
                return job
            offline = self.solvers[job.request["solver"]["name"]]["status"] != "ONLINE"
            if offline:
                job.status, job.error = "FAILED", "Problem failed because solver is offline"
            elif job.hangs:
                job.status = "IN_PROGRESS"
            elif job.future.done() and time.time() >= job.submitted + self.delay_s:
                failure = job.future.exception()
                job.status = "FAILED" if failure else "COMPLETED"
                job.error = str(failure or "")
                job.solved = time.time()
        return job

    def cancel(self, job: Job) -> Job:
        """Cancel a job that has not ended."""
        with self._lock:
            if self.update(job).status in ("PENDING", "IN_PROGRESS"):
                job.status = "CANCELLED"
        return job

    def find(self, query: dict[str, str]) -> list[Job]:
        """Return jobs by ids, label, status and solver, the newest first."""
        with self._lock:
            found = [self.update(job) for job in self.jobs.values()]
        if "id" in query:
            wanted = query["id"].split(",")
            found = [job for job in found if job.id in wanted]
        if "label" in query:
            found = [job for job in found if job.request.get("label") == query["label"]]
        if "status" in query:
            found = [job for job in found if job.status == query["status"]]
        if "solver" in query:
            found = [job for job in found if job.request["solver"]["name"] == query["solver"]]
        found.sort(key=lambda job: -job.submitted)
        return found[: int(query.get("max_results", 1000))]

    def paid(self) -> Counter[str]:
        """Return how often every request was accepted and neither failed nor cancelled."""
        with self._lock:
            jobs = [self.update(job) for job in self.jobs.values()]
        return Counter(job.digest for job in jobs if job.status not in ("FAILED", "CANCELLED"))

    def spent_us(self) -> float:
        """Return the QPU time of everything that was accepted and neither failed nor cancelled."""
        return sum(
            job.price_us for job in self.jobs.values() if job.status not in ("FAILED", "CANCELLED")
        )

    def describe(self, job: Job, answer: bool = False) -> dict[str, Any]:
        """Return a job as SAPI describes it."""
        request = job.request
        message: dict[str, Any] = {
            "id": job.id,
            "type": request["type"],
            "solver": request["solver"],
            "label": request.get("label"),
            "status": job.status,
            "submitted_on": _iso(job.submitted),
        }
        if job.status == "COMPLETED":
            message["solved_on"] = _iso(job.solved)
            if answer and job.future is not None:
                message["answer"] = self._told(job, job.future.result())
        if job.status == "FAILED":
            message["error_message"] = job.error
        return message

    def _told(self, job: Job, answer: dict[str, Any]) -> dict[str, Any]:
        """Return an answer as it is told: large binary data stay behind an address."""
        if answer["format"] != "binary-ref":
            return answer
        told = {key: value for key, value in answer.items() if key != "data"}
        return told | {"url": f"{self.endpoint}problems/{job.id}/answer/data/"}

    def data(self, job: Job) -> bytes:
        """Return the binary data of a completed job's answer."""
        if self.update(job).status != "COMPLETED" or job.future is None:
            return b""
        return bytes(job.future.result().get("data", b""))

    def close(self) -> None:
        """Stop solving."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _iso(seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.isoformat().replace("+00:00", "Z")
