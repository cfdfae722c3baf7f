"""An HTTP server on the loopback interface whose answers a test decides, faults included."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclasses.dataclass
class Asked:
    """One request, as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclasses.dataclass
class Answer:
    """What is sent back; `cut` closes the connection instead, and `hang` leaves it open until the event is set."""

    body: Any = dataclasses.field(default_factory=dict)
    status: int = 200
    kind: str = "application/json"
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    cut: bool = False
    hang: threading.Event | None = None


@dataclasses.dataclass
class Fault:
    """An answer in the place of the real one, to the first request that fits.

    `served` has the request take effect before: only its answer is lost.
    """

    method: str
    path: str
    answer: Answer
    served: bool = False

    def fits(self, asked: Asked) -> bool:
        return asked.method == self.method and re.search(self.path, asked.path) is not None


Serve = Callable[[Asked], Answer]


class Loopback:
    """Serves with a function, keeps every request, and plays its faults, each once, in order."""

    def __init__(self, serve: Serve) -> None:
        self.requests: list[Asked] = []
        self.faults: list[Fault] = []
        self.errors: list[BaseException] = []
        self._serve = serve
        self._lock = threading.Lock()

    def made(self, method: str, path: str) -> list[Asked]:
        return [one for one in self.requests if one.method == method and re.search(path, one.path)]

    def answer(self, asked: Asked) -> Answer:
        with self._lock:
            self.requests.append(asked)
            fault = next((one for one in self.faults if one.fits(asked)), None)
            if fault is not None:
                self.faults.remove(fault)
                if fault.served:
                    self._serve(asked)
                return fault.answer
            try:
                return self._serve(asked)
            except BaseException as error:
                # A body that the API would not take fails the test, not only the request.
                self.errors.append(error)
                return Answer({"message": f"the test's server: {error!r}"}, 400)


@contextlib.contextmanager
def serving(loopback: Loopback) -> Iterator[str]:
    """Yields the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            is_json = "json" in self.headers.get("Content-Type", "")
            body = json.loads(raw) if raw and is_json else raw
            headers = {key.lower(): value for key, value in self.headers.items()}
            answer = loopback.answer(Asked(self.command, url.path, query, headers, body))
            if answer.hang is not None:
                answer.hang.wait()
            if answer.cut or answer.hang is not None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(text.encode())))
            for key, value in answer.headers.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_DELETE = handle_one  # noqa: N815

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert not loopback.errors, loopback.errors


def unused() -> str:
    """A URL at which nothing listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"
