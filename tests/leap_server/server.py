"""The HTTP side: routes, authentication, faults."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
import time
import uuid
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from leap_server.faults import Fault, Schedule
from leap_server.jobs import Desk, Job
from leap_server.solvers import Refusal

PREFIX = "/sapi/v2/"
MEDIA = "application/vnd.dwave.sapi.{}+json; version=3.0.0"
LONG_POLL_S = 0.5
"""Longest that a status request is held open, whatever timeout it asks for."""


class LeapServer:
    """Serves the cloud client on 127.0.0.1.

    Parameters
    ----------
    solvers : list of dict
        Descriptions, see :mod:`leap_server.solvers`.
    token : str
        The only token that is let in.
    delay_s : float
        Seconds that a problem takes, at least.
    num_sweeps : int
        Sweeps of the local samplers.
    quota_us : float or None
        QPU microseconds that may be used.

    Attributes
    ----------
    faults : Schedule
        ``faults.add(Fault("submit", status=503))``.
    desk : Desk
        All problems: ``desk.paid()`` counts how often every request was accepted.

    Examples
    --------
    >>> with LeapServer([qpu("chip", properties)]) as server:
    ...     client = dwave.cloud.Client(endpoint=server.endpoint, token=server.token)
    """

    def __init__(
        self,
        solvers: list[dict[str, Any]],
        *,
        token: str = "LOCAL-0123456789abcdef0123456789abcdef",
        delay_s: float = 0.0,
        num_sweeps: int = 30,
        quota_us: float | None = None,
    ) -> None:
        self.token = token
        self.desk = Desk(solvers, delay_s, num_sweeps, quota_us)
        self.faults = Schedule()
        self.requests: list[tuple[str, str]] = []
        self._port = 0
        self._listen()

    @property
    def endpoint(self) -> str:
        """The URL to give as ``DWAVE_API_ENDPOINT``."""
        return f"http://127.0.0.1:{self._port}{PREFIX}"

    def environment(self) -> dict[str, str]:
        """Return the environment variables with which Ocean finds this server."""
        return {
            "DWAVE_API_ENDPOINT": self.endpoint,
            "DWAVE_API_TOKEN": self.token,
            "DWAVE_CACHE_ENABLED": "false",
        }

    def _listen(self) -> None:
        handler = type("Handler", (_Handler,), {"leap": self})
        self._http = _Http(("127.0.0.1", self._port), handler)
        self._port = self._http.server_address[1]
        self.desk.endpoint = self.endpoint
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def refuse(self, seconds: float) -> None:
        """Refuse connections for a while; problems go on."""

        def pause() -> None:
            self._http.shutdown()
            self._http.server_close()
            time.sleep(seconds)
            self._listen()

        threading.Thread(target=pause, daemon=True).start()

    def set_status(self, status: str) -> None:
        """Put all solvers ``ONLINE`` or ``OFFLINE``."""
        for solver in self.desk.solvers.values():
            solver["status"] = status

    def release(self) -> None:
        """Let problems that were told never to end come to their end."""
        for job in self.desk.jobs.values():
            job.hangs = False

    def close(self) -> None:
        """Stop serving."""
        self._http.shutdown()
        self._http.server_close()
        self.desk.close()

    def __enter__(self) -> LeapServer:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class _Http(ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent about connections that the client gave up."""


class _Drop(Exception):
    """End the connection without a reply."""


class _Status(Exception):
    """Reply with an error."""

    def __init__(self, status: int, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.retry_after = retry_after


class _Handler(BaseHTTPRequestHandler):
    leap: LeapServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for headers and body: else every reply waits 40 ms for an ACK

    def log_message(self, *args: Any) -> None:
        """Write no access log: it would mix with the output of tests."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self._body()
        try:
            if self.headers.get("X-Auth-Token") != self.leap.token:
                raise _Status(401, "Invalid token or access denied")
            media, reply = self._route(body)
            self._reply(200, media, reply)
        except _Drop:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        except _Status as error:
            text = json.dumps({"error_code": error.status, "error_msg": str(error)})
            self._reply(error.status, "application/json", text.encode(), error.retry_after)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            body = b"".join(chunks)
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return zlib.decompress(body) if self.headers.get("Content-Encoding") == "deflate" else body

    def _reply(self, status: int, media: str, body: bytes, retry: float | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        if retry is not None:
            self.send_header("Retry-After", f"{retry:g}")
        self.end_headers()
        self.wfile.write(body)

    def _route(self, body: bytes) -> tuple[str, bytes]:
        url = urlsplit(self.path)
        path = url.path.removeprefix(PREFIX).strip("/").split("/")
        query = dict(parse_qsl(url.query))
        self.leap.requests.append((self.command, url.path))
        routes: dict[tuple[str, str], Callable[[], tuple[str, Any]]] = {
            ("GET", "solvers"): lambda: self._solvers(path[2:]),
            ("POST", "problems"): lambda: self._submit(json.loads(body)),
            ("GET", "problems"): lambda: self._problems(path[1:], query),
            ("DELETE", "problems"): lambda: self._cancel(path[1:], body),
            ("POST", "bqm"): lambda: self._upload(path[2:], body),
            ("PUT", "bqm"): lambda: self._upload(path[2:], body),
            ("GET", "bqm"): lambda: self._upload(path[2:], body),
        }
        route = routes.get((self.command, path[0]))
        if route is None:
            raise _Status(404, "Not found")
        kind, reply = route()
        plain = "application/octet-stream" if isinstance(reply, bytes) else "application/json"
        media = MEDIA.format(kind) if kind else plain
        return media, reply if isinstance(reply, bytes) else json.dumps(reply).encode()

    def _strike(self, where: str) -> Fault | None:
        """Commit the faults that happen before a request takes effect; return the others."""
        fault = self.leap.faults.next(where)
        if fault is None:
            return None
        if fault.kind == "status":
            raise _Status(fault.status, f"Injected {fault.status}", fault.retry_after)
        if fault.kind == "drop-before":
            raise _Drop
        if fault.kind == "refuse":
            self.leap.refuse(fault.seconds)
            raise _Drop
        if fault.kind == "offline":
            self.leap.set_status("OFFLINE")
        return fault

    def _solvers(self, name: list[str]) -> tuple[str, Any]:
        fault = self._strike("solvers")
        if fault and fault.kind == "malformed":
            return "solver-definition-list", b"[{"
        if not name:
            return "solver-definition-list", list(self.leap.desk.solvers.values())
        solver = self.leap.desk.solvers.get(name[0])
        if solver is None:
            raise _Status(404, "Solver does not exist or apitoken does not have access")
        return "solver-definition", solver

    def _submit(self, requests: Any) -> tuple[str, Any]:
        fault = self._strike("submit")
        kind = fault.kind if fault else ""
        refusals = {
            "quota": "Problem not accepted because user has insufficient remaining solver access "
            "time in project DEV",
            "too-large": "Problem exceeds the maximum size accepted by the solver",
        }
        replies = []
        for request in requests if isinstance(requests, list) else [requests]:
            try:
                if kind in refusals:
                    raise Refusal(refusals[kind])
                job = self.leap.desk.submit(request, hangs=kind == "never")
                replies.append(self.leap.desk.describe(job))
            except Refusal as refusal:
                replies.append({"error_code": 400, "error_msg": str(refusal)})
        if kind == "drop-after":
            raise _Drop
        if kind == "malformed":
            return "problems", b'[{"id": "'
        if kind == "no-id":
            replies = [{k: v for k, v in reply.items() if k != "id"} for reply in replies]
        return "problems", replies if isinstance(requests, list) else replies[0]

    def _problems(self, path: list[str], query: dict[str, str]) -> tuple[str, Any]:
        if path[1:] == ["answer", "data"]:
            return "", self._data(path[0])
        if path:
            return self._answer(path[0])
        fault = self._strike("poll")
        kind = fault.kind if fault else ""
        found = self._wait(query)
        replies = [self.leap.desk.describe(job) for job in found]
        if kind == "drop-after":
            raise _Drop
        if kind == "malformed":
            return "problems", b"[[["
        if kind == "no-id":
            replies = [{k: v for k, v in reply.items() if k != "id"} for reply in replies]
        return "problems", replies

    def _wait(self, query: dict[str, str]) -> list[Job]:
        """Hold a status request open until one of its problems has ended, for a while."""
        until = time.monotonic() + min(float(query.get("timeout", 0)), LONG_POLL_S)
        while True:
            found = self.leap.desk.find(query)
            ended = any(job.status not in ("PENDING", "IN_PROGRESS") for job in found)
            if ended or time.monotonic() >= until:
                return found
            time.sleep(0.005)

    def _answer(self, problem: str) -> tuple[str, Any]:
        fault = self._strike("answer")
        kind = fault.kind if fault else ""
        found = self.leap.desk.find({"id": problem})
        if not found:
            raise _Status(404, "Problem does not exist or apitoken does not have access")
        message = self.leap.desk.describe(found[0], answer=True)
        if kind == "drop-after":
            raise _Drop
        if kind == "no-id":
            del message["id"]
        if kind == "malformed":
            return "problem", json.dumps(message).encode()[:-40]
        if kind == "garbled" and "solutions" in message.get("answer", {}):
            message["answer"] = message["answer"] | {"solutions": "AAAA"}
        return "problem", message

    def _data(self, problem: str) -> bytes:
        """Return the binary data of an answer."""
        fault = self._strike("answer-data")
        found = self.leap.desk.find({"id": problem})
        data = self.leap.desk.data(found[0]) if found else b""
        if not data:
            raise _Status(404, "Problem does not exist or has no answer data")
        if fault and fault.kind == "drop-after":
            raise _Drop
        return data[: len(data) // 2] if fault and fault.kind == "garbled" else data

    def _cancel(self, path: list[str], body: bytes) -> tuple[str, Any]:
        self._strike("cancel")
        wanted = path or json.loads(body)
        jobs = self.leap.desk.find({"id": ",".join(wanted)})
        replies = [self.leap.desk.describe(self.leap.desk.cancel(job)) for job in jobs]
        return ("problem", replies[0]) if path else ("problems", replies)

    def _upload(self, path: list[str], body: bytes) -> tuple[str, Any]:
        self._strike("upload")
        uploads = self.leap.desk.uploads
        if not path:
            name = str(uuid.uuid4())
            uploads[name] = {}
            return "", {"id": name}
        parts = uploads[path[0]]
        if path[1] == "part":
            digest = base64.b64encode(hashlib.md5(body).digest()).decode()
            if digest != self.headers.get("Content-MD5"):
                raise _Status(400, "Checksum mismatch")
            parts[int(path[2])] = body
            return "", {}
        if path[1] == "status":
            sums = [
                {"part_number": number, "checksum": hashlib.md5(part).hexdigest()}
                for number, part in parts.items()
            ]
            status = "UPLOAD_IN_PROGRESS"
            return "", {"status": status, "parts": sums}
        return "", {}
