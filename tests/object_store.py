"""moto's S3 server on a loopback port, with faults that a test asks for.

The server is a real one: it has S3's listing with pages and delimiters, uploads in parts, and the codes of its errors.
What it cannot do by itself (a store that is busy, a connection that breaks) is done before it or after it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import boto3
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import make_server

KEYS = {"AWS_ACCESS_KEY_ID": "a-key", "AWS_SECRET_ACCESS_KEY": "a-secret"}


@dataclasses.dataclass(frozen=True)
class Request:
    """What a client asked: `path` is `/bucket/key`; `copies` tells a copy within the store from an upload."""

    method: str
    path: str
    query: str
    copies: bool

    def is_part(self) -> bool:
        """Whether it uploads a part."""
        return self.method == "PUT" and "partNumber=" in self.query


Matches = Callable[[Request], bool]
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


@dataclasses.dataclass
class Fault:
    """What happens instead of the first `times` answers to requests that match; `meet` is called at each of them."""

    matches: Matches
    answer: Callable[[dict[str, Any], Any, Application], Iterable[bytes]]
    times: int = 1
    met: threading.Event = dataclasses.field(default_factory=threading.Event)


class Server:
    """The running server."""

    def __init__(self) -> None:
        self._application = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True, request_handler=MotoRequestHandler)
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self.requests: list[Request] = []
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def environment(self) -> dict[str, str]:
        """The variables of a process that uses this store as `s3://` and as `minio://`."""
        return {
            **KEYS,
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "MINIO_ENDPOINT": self.endpoint,
            "MINIO_ACCESS_KEY": KEYS["AWS_ACCESS_KEY_ID"],
            "MINIO_SECRET_KEY": KEYS["AWS_SECRET_ACCESS_KEY"],
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def client(self, service: str = "s3") -> Any:
        """A client of boto3's, as somebody else would use it."""
        return boto3.session.Session(
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        ).client(service, endpoint_url=self.endpoint)

    def fill(self, bucket: str, keys: Iterable[str]) -> None:
        """Puts many small objects into a bucket, without a request for each."""
        backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        for key in keys:
            backend.put_object(bucket, key, b"")

    @contextlib.contextmanager
    def fault(self, fault: Fault) -> Iterator[Fault]:
        """Has a fault happen in the context."""
        self._faults.append(fault)
        try:
            yield fault
        finally:
            self._faults.remove(fault)

    @contextlib.contextmanager
    def checking_credentials(self) -> Iterator[None]:
        """Has the server check signatures and rights in the context, as it does not by default."""
        self._post("/moto-api/reset-auth", b"0")
        try:
            yield
        finally:
            self._post("/moto-api/reset-auth", b"inf")

    def stop(self) -> None:
        self._server.shutdown()

    def _post(self, path: str, content: bytes) -> None:
        headers = {"Content-Type": "application/octet-stream"}
        request = urllib.request.Request(f"{self.endpoint}{path}", content, headers, method="POST")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"],
            environ["QUERY_STRING"],
            "HTTP_X_AMZ_COPY_SOURCE" in environ,
        )
        with self._lock:
            self.requests.append(request)
            fault = next((one for one in self._faults if one.times > 0 and one.matches(request)), None)
            if fault:
                fault.times -= 1
        if fault is None:
            return self._application(environ, start_response)
        answer = fault.answer(environ, start_response, self._application)
        fault.met.set()
        return answer


def refuses(status: str, code: str) -> Callable[..., Iterable[bytes]]:
    """An answer such as `503 Service Unavailable` with a code of S3's."""

    def answer(environ: dict[str, Any], start_response: Any, _: Application) -> Iterable[bytes]:
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        body = f"<Error><Code>{code}</Code><Message>said so</Message></Error>".encode()
        start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    return answer


def breaks_off(after: int) -> Callable[..., Iterable[bytes]]:
    """An answer whose connection ends after some bytes of the body."""

    def answer(environ: dict[str, Any], start_response: Any, application: Application) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            return start_response(status, [*headers, ("Connection", "close")])

        whole = b"".join(application(environ, start))
        return [whole[:after]]

    return answer


def hangs(until: threading.Event) -> Callable[..., Iterable[bytes]]:
    """An answer that does not come before an event, and then is a refusal: nothing was done."""

    def answer(environ: dict[str, Any], start_response: Any, application: Application) -> Iterable[bytes]:
        def held() -> Iterator[bytes]:
            until.wait(300.0)
            yield from refuses("503 Slow Down", "SlowDown")(environ, start_response, application)

        return held()

    return answer


def use(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """Makes a bucket, and has this process find the server. Returns the name of the bucket."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "MINIO_"))]:
        monkeypatch.delenv(name)
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    bucket = f"bucket-{uuid.uuid4().hex[:12]}"
    server.client().create_bucket(Bucket=bucket)
    return bucket
