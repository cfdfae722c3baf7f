"""The custom jobs of Vertex AI on a port of this machine: bodies are parsed strictly, and processes really run.

It does what the documentation says of a job without retries: the first process that fails ends all, and the message
tells its exit code. Faults are what a test puts in: answers that never come from the real handler.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud.aiplatform_v1 import JobServiceClient
from google.cloud.aiplatform_v1.services.job_service.transports.rest import JobServiceRestTransport
from google.cloud.aiplatform_v1.types import CustomJob
from google.protobuf import json_format

from limbeck.launchers.vertex.api import Api
from limbeck.launchers.vertex.body import COMMAND
from limbeck.trainer.process import lifeline

PARENT = "projects/lab/locations/us-central1"
REPLICA = Path(__file__).parent / "replica.py"
PROJECT = Path(__file__).parents[3]
_GRACE_SECONDS = 2.0
_ROLES = ("chief", "worker", "ps")
Json = dict[str, Any]


class Service:
    """All jobs, and what was asked.

    Attributes:
      asked: `METHOD path` of each request.
      bodies: of the jobs that were created.
      faults: by method and last word of the path (such as `POST customJobs`): answers to give first, each a status
        with a message; status 0 does what was asked, and loses the answer.
      jobs: by resource name.
    """

    def __init__(self, command: list[str], ports: Iterator[int]) -> None:
        self.asked: list[str] = []
        self.bodies: list[Json] = []
        self.faults: dict[str, list[tuple[int, str]]] = {}
        self.jobs: dict[str, _Job] = {}
        self._command, self._ports = command, ports
        self.changed = threading.Condition()

    def handle(self, method: str, path: str, body: bytes) -> tuple[int, Json]:
        """Answers one request."""
        plain = path.partition("?")[0].removeprefix("/v1/")
        with self.changed:
            self.asked.append(f"{method} {re.sub(r'/[0-9]+', '', plain).removeprefix(PARENT + '/')}")
            faults = self.faults.get(self.asked[-1], [])
            self.changed.notify_all()
        fault = faults.pop(0) if faults else None
        if fault is not None and fault[0]:
            return fault[0], _error(*fault)
        status, answer = self._do(method, plain, body)
        return (502, _error(502, "the answer was lost")) if fault is not None else (status, answer)

    def _do(self, method: str, plain: str, body: bytes) -> tuple[int, Json]:
        if plain == f"{PARENT}/customJobs":
            return self._create(json.loads(body)) if method == "POST" else (200, self._list())
        name, _, verb = plain.partition(":")
        if name not in self.jobs:
            return 404, _error(404, f"there is no {name}")
        job = self.jobs[name]
        if method == "DELETE":
            if not job.ended:
                return 400, _error(400, "the job has not ended")
            del self.jobs[name]
            return 200, {"name": f"{PARENT}/operations/1", "done": True}
        if verb == "cancel":
            job.end("JOB_STATE_CANCELLED", signal.SIGTERM)
            return 200, {}
        return 200, job.resource()

    def _create(self, body: Json) -> tuple[int, Json]:
        json_format.ParseDict(body, CustomJob.pb(CustomJob()))
        self.bodies.append(body)
        name = f"{PARENT}/customJobs/{len(self.bodies)}"
        self.jobs[name] = _Job(name, body, self._command, self._ports)
        return 200, self.jobs[name].resource()

    def _list(self) -> Json:
        return {"customJobs": [job.resource() for job in self.jobs.values()]}

    def stop(self) -> None:
        """Ends all processes."""
        for job in list(self.jobs.values()):
            job.end("JOB_STATE_CANCELLED", signal.SIGKILL)


class _Job:
    def __init__(self, name: str, body: Json, command: list[str], ports: Iterator[int]) -> None:
        self._name, self._body = name, body
        self._lock = threading.Lock()
        self.state, self._error = "JOB_STATE_RUNNING", ""
        pools = body["jobSpec"]["workerPoolSpecs"]
        cluster = {
            _ROLES[number]: [f"127.0.0.1:{next(ports)}" for _ in range(int(pool["replicaCount"]))]
            for number, pool in enumerate(pools)
        }
        self.processes: dict[tuple[int, int], subprocess.Popen[bytes]] = {}
        self._commands = {
            (number, index): (
                [*command, *pools[number]["containerSpec"]["args"]],
                {"cluster": cluster, "environment": "cloud", "job": "{}", "task": {"type": role, "index": index}},
            )
            for number, role in enumerate(_ROLES[: min(2, len(pools))])
            for index in range(len(cluster[role]))
        }
        started = threading.Event()
        threading.Thread(target=self._run, args=(started,), daemon=True).start()
        started.wait()

    @property
    def ended(self) -> bool:
        return self.state != "JOB_STATE_RUNNING"

    def resource(self) -> Json:
        found = {**self._body, "name": self._name, "state": self.state}
        return {**found, "error": {"code": 3, "message": self._error}} if self._error else found

    def end(self, state: str, how: signal.Signals, error: str = "") -> None:
        with self._lock:
            if self.ended:
                return
            for process in self.processes.values():
                process.send_signal(how)
            for process in self.processes.values():
                # Who is asked to end gets a moment, and one that stands still does not hear it.
                try:
                    process.wait(_GRACE_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            self.state, self._error = state, error

    def _run(self, started: threading.Event) -> None:
        """Lives as long as the processes do, whose lifeline is the thread that starts them."""
        for place, (command, config) in self._commands.items():
            own = {
                "TF_CONFIG": json.dumps(config),
                "PYTHONPATH": str(PROJECT),
                lifeline.ENVIRONMENT: str(os.getpid()),
            }
            self.processes[place] = subprocess.Popen(command, env={**os.environ, **own}, cwd=PROJECT)
        started.set()
        threads = [threading.Thread(target=self._watch, args=(each,), daemon=True) for each in self.processes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with self._lock:
            if not self.ended:
                self.state = "JOB_STATE_SUCCEEDED"

    def _watch(self, place: tuple[int, int]) -> None:
        code = self.processes[place].wait()
        if code:
            status = 128 - code if code < 0 else code
            name = f"workerpool{place[0]}-{place[1]}"
            message = f"The replica {name} exited with a non-zero status of {status}. Termination reason: Error."
            self.end("JOB_STATE_FAILED", signal.SIGKILL, message)


def _error(status: int, message: str) -> Json:
    return {"error": {"code": status, "message": message, "status": "X"}}


@contextlib.contextmanager
def serving(behaviour: str | None, ports: Iterator[int]) -> Iterator[Service]:
    """Serves; processes do as a behaviour of `tests/launchers/worker.py`, or train, and listen on `ports`."""
    program = [*COMMAND[1:]] if behaviour is None else [str(REPLICA), behaviour]
    service = Service([sys.executable, *program], ports)

    class Handler(http.server.BaseHTTPRequestHandler):
        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer = service.handle(self.command, self.path, body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_DELETE = _do  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    service.address = f"127.0.0.1:{server.server_address[1]}"  # type: ignore[attr-defined]
    try:
        yield service
    finally:
        service.stop()
        server.shutdown()
        server.server_close()


def api_of(service: Service, **arguments: Any) -> Api:
    """An Api that asks the service by Google's own client."""
    transport = JobServiceRestTransport(
        host=service.address,  # type: ignore[attr-defined]
        credentials=AnonymousCredentials(),
        url_scheme="http",
    )
    client = JobServiceClient(transport=transport)
    return Api("lab", "us-central1", client=client, pause=lambda _: None, **arguments)
