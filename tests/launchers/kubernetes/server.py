"""A loopback API server of Kubernetes, to which the official client talks: the real paths, and faults by order."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.launchers.kubernetes.controllers import JOBS, Controllers
from tests.launchers.kubernetes.store import Object, StatusError, Store

NAMESPACE = "team"
_PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/(?P<version>[^/]+)/namespaces/(?P<namespace>[^/]+)/(?P<plural>[a-z]+)"
    r"(?:/(?P<name>[^/]+))?(?P<log>/log)?"
)
_SERVED = {
    ("", "pods"),
    ("", "services"),
    ("batch", "jobs"),
    ("jobset.x-k8s.io", "jobsets"),
    ("kubeflow.org", "tfjobs"),
}
_LOOK_SECONDS = 0.02
_BOOKMARK_SECONDS = 0.2


@dataclasses.dataclass
class Fault:
    """What becomes of the next requests of a verb.

    Attributes:
      verb: as a role names it.
      plural: of what.
      answer: raised instead of an answer, or called by the server after it did the work.
      times: how often.
      after: whether the request is served before, and only the answer is lost.
    """

    verb: str
    plural: str
    answer: StatusError
    times: int = 1
    after: bool = False


class ApiServer:
    """A cluster with one namespace, `team`."""

    def __init__(self) -> None:
        self.store = Store(NAMESPACE)
        self.controllers = Controllers(self.store)
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        # Lines with their times, by the name of the pod.
        self.logs: dict[str, list[tuple[str, str]]] = {}
        # Raised by one to end all watches and logs that are open.
        self.cuts = 0
        # Whether a cut breaks off within a line, without the end that HTTP wants.
        self.rude = False
        handler = type("Handler", (_Handler,), {"api": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self.cuts += 1
        self._server.shutdown()
        self._server.server_close()

    def kubeconfig(self, folder: Path) -> str:
        """Writes a kubeconfig; returns its path."""
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "loopback",
            "contexts": [
                {"name": "loopback", "context": {"cluster": "here", "user": "runner", "namespace": NAMESPACE}}
            ],
            "clusters": [{"name": "here", "cluster": {"server": self.url}}],
            "users": [{"name": "runner", "user": {"token": "secret"}}],
        }
        file = folder / "kubeconfig"
        file.write_text(yaml.safe_dump(content))
        return str(file)

    def fail(self, verb: str, plural: str, code: int, message: str = "no", **further: Any) -> None:
        """Has the next requests fail. `headers`: of the answer; `times`, `after`: as `Fault` says."""
        headers = further.pop("headers", None)
        self.faults.append(Fault(verb, plural, StatusError(code, "Fault", message, headers), **further))

    def cut(self) -> None:
        """Ends all watches and followed logs that are open."""
        self.cuts += 1

    def forget(self) -> None:
        """Has the server know no version up to now."""
        with self.store.changed:
            self.store.forgotten = self.store.version + 1

    # What a kubelet would do, for tests without processes.

    def pod(self, rank: int) -> Object:
        """The pod of a rank."""
        [found] = [pod for pod in self.store.all("pods") if _rank(pod) == rank]
        return found

    def status(self, rank: int, phase: str, state: Object | None = None, **further: Any) -> None:
        pod = self.pod(rank)
        pod["status"] |= {"phase": phase} | further
        if state is not None:
            status = {"name": "tensorflow", "image": "i", "imageID": "i", "ready": True, "restartCount": 0}
            pod["status"]["containerStatuses"] = [status | {"state": state}]
        self.store.update("pods", pod)

    def start(self, *ranks: int) -> None:
        for rank in ranks:
            self.status(rank, "Running", {"running": {}})

    def end(self, rank: int, code: int, reason: str = "Error") -> None:
        phase = "Failed" if code else "Succeeded"
        self.status(rank, phase, {"terminated": {"exitCode": code, "reason": reason if code else "Completed"}})

    def disrupt(
        self, rank: int, reason: str = "PreemptionByScheduler", message: str = "a higher priority"
    ) -> None:
        condition = {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": message}
        pod = self.pod(rank)
        pod["status"]["conditions"] = [condition]
        self.store.update("pods", pod)

    def say(self, rank: int, *lines: str) -> None:
        """Writes to the log of a pod."""
        log = self.logs.setdefault(self.pod(rank)["metadata"]["name"], [])
        for line in lines:
            log.append((stamp(), line))

    def left(self) -> list[tuple[str, str]]:
        """What there still is, but for the pod of the step itself."""
        return [key for key in self.store.objects if key != ("pods", "step")]

    def await_pods(self, count: int, seconds: float = 30.0) -> list[Object]:
        """Waits for so many training pods."""
        return self.wait(lambda: len(self.training_pods()) == count and self.training_pods(), seconds)

    def training_pods(self) -> list[Object]:
        return [pod for pod in self.store.all("pods") if _rank(pod) is not None]

    def wait(self, condition: Callable[[], Any], seconds: float = 30.0) -> Any:
        """Waits until a condition of the store holds."""
        deadline = time.monotonic() + seconds
        with self.store.changed:
            while not (found := condition()):
                assert time.monotonic() < deadline, f"not so within {seconds} s; left: {self.left()}"
                self.store.changed.wait(0.05)
        return found


def stamp() -> str:
    """Now, to the nanosecond, as a kubelet writes it."""
    nanoseconds = time.time_ns()
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(nanoseconds // 10**9))
    return f"{seconds}.{nanoseconds % 10**9:09d}Z"


def _rank(pod: Object) -> int | None:
    index = pod["metadata"].get("annotations", {}).get("batch.kubernetes.io/job-completion-index")
    if index is not None:
        return int(index)
    labels = pod["metadata"].get("labels", {})
    kind = labels.get("training.kubeflow.org/replica-type")
    if kind is None:
        return None
    return 0 if kind == "chief" else 1 + int(labels["training.kubeflow.org/replica-index"])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: ApiServer

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"null")
        split = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(split.query))
        match = _PATH.fullmatch(split.path)
        try:
            if self.headers.get("Authorization") not in ("Bearer secret", "bearer secret"):
                raise StatusError(401, "Unauthorized", "Unauthorized")
            if match is None or (match["group"] or "", match["plural"]) not in _SERVED:
                raise StatusError(404, "NotFound", "the server could not find the requested resource")
            self._answer(method, match.groupdict(), query, body or {})
        except StatusError as error:
            self._send(error.code, error.body(), error.headers)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _answer(self, method: str, path: dict[str, str], query: dict[str, str], body: Object) -> None:
        plural, name = path["plural"], path["name"]
        verb = {"POST": "create", "DELETE": "delete"}.get(method, "get" if name else "list")
        verb = "watch" if query.get("watch") == "true" else verb
        resource = f"{plural}/log" if path["log"] else plural
        self.api.requests.append((verb, resource))
        self.api.store.check_right(verb, path["group"] or "", resource)
        if verb == "create" and path["namespace"] != NAMESPACE:
            raise StatusError(404, "NotFound", f'namespaces "{path["namespace"]}" not found')
        fault = next((each for each in self.api.faults if (each.verb, each.plural) == (verb, resource)), None)
        if fault is not None:
            fault.times -= 1
            if not fault.times:
                self.api.faults.remove(fault)
            if not fault.after:
                raise fault.answer
        if verb == "watch":
            self._watch(plural, query)
        elif path["log"]:
            self._log(name, query)
        else:
            answer = self._do(verb, path, query, body)
            if fault is not None:
                raise fault.answer
            self._send(201 if verb == "create" else 200, answer, {})

    def _do(self, verb: str, path: dict[str, str], query: dict[str, str], body: Object) -> Object:
        store, plural, name = self.api.store, path["plural"], path["name"]
        if verb == "create":
            answer = store.create(plural, body)
        elif verb == "delete":
            self.api.controllers.delete(plural, name, body)
            answer = {"apiVersion": "v1", "kind": "Status", "status": "Success"}
        elif verb == "get":
            answer = store.get(plural, name)
        else:
            with store.changed:
                items = store.all(plural, query.get("labelSelector", ""))
                for item in items:
                    # As in the lists of a real server.
                    del item["kind"], item["apiVersion"]
                answer = {"kind": "List", "metadata": {"resourceVersion": str(store.version)}, "items": items}
        return answer

    def _send(self, code: int, body: Object, headers: dict[str, str]) -> None:
        text = json.dumps(body).encode()
        self.send_response(code)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(text)),
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    @contextlib.contextmanager
    def _stream(self) -> Iterator[Callable[[bytes], None]]:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

        def write(data: bytes) -> None:
            # Each letter may come in two pieces.
            for piece in (data[: len(data) // 2], data[len(data) // 2 :]):
                if piece:
                    self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                    self.wfile.flush()

        yield write
        if self.api.rude:
            self.wfile.write(b'18\r\n{"type": "MODIFIED", "ob')
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _watch(self, plural: str, query: dict[str, str]) -> None:
        store, version, cuts = self.api.store, int(query["resourceVersion"]), self.api.cuts
        deadline = time.monotonic() + float(query["timeoutSeconds"])
        # A real server answers a version that is gone within the stream.
        with self._stream() as write:
            bookmark = time.monotonic()
            while time.monotonic() < deadline and self.api.cuts == cuts:
                try:
                    with store.changed:
                        events, latest = (
                            store.since(plural, version, query.get("labelSelector", "")),
                            store.version,
                        )
                except StatusError as gone:
                    write(json.dumps({"type": "ERROR", "object": gone.body()}).encode() + b"\n")
                    return
                for event in events:
                    version = event.version
                    write(json.dumps({"type": event.kind, "object": event.item}).encode() + b"\n")
                if time.monotonic() > bookmark + _BOOKMARK_SECONDS and query.get("allowWatchBookmarks") == "true":
                    bookmark, version = time.monotonic(), latest
                    kind = {"kind": "Bookmark", "metadata": {"resourceVersion": str(version)}}
                    write(json.dumps({"type": "BOOKMARK", "object": kind}).encode() + b"\n")
                with store.changed:
                    store.changed.wait(_LOOK_SECONDS)

    def _log(self, name: str, query: dict[str, str]) -> None:
        pod = self.api.store.get("pods", name)
        if not pod["status"].get("containerStatuses"):
            raise StatusError(400, "BadRequest", f'container "tensorflow" in pod "{name}" is waiting to start')
        cuts, shown = self.api.cuts, 0
        # Kubelets compare with the second.
        since = query.get("sinceTime", "")[:19]

        def line(stamped: tuple[str, str]) -> bytes:
            time_, text = stamped
            return f"{time_} {text}\n".encode() if query.get("timestamps") == "true" else f"{text}\n".encode()

        with self._stream() as write:
            while True:
                ended = self._has_ended(name)
                lines = self.api.logs.get(name, [])
                if "tailLines" in query:
                    lines = lines[-int(query["tailLines"]) :]
                for stamped in lines[shown:]:
                    shown += 1
                    if stamped[0][:19] >= since:
                        write(line(stamped))
                if ended or query.get("follow") != "true" or self.api.cuts != cuts:
                    return
                time.sleep(_LOOK_SECONDS)

    def _has_ended(self, name: str) -> bool:
        """Whether the container has ended, which ends its log. The phase of the pod may follow later."""
        try:
            [container] = self.api.store.get("pods", name)["status"]["containerStatuses"]
        except StatusError:
            return True
        return "terminated" in container["state"]


__all__ = ["JOBS", "NAMESPACE", "ApiServer", "stamp"]
