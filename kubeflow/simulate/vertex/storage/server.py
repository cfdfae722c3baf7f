"""Cloud Storage on a port of this machine, in the two ways in which real clients reach it.

The address of Google is built into TensorFlow's client. But the client honours `https_proxy` and `CURL_CA_BUNDLE`. So
this server is a proxy, too: if a client asks for a tunnel to Cloud Storage, the server itself is the other end, with
its own certificate. It refuses tunnels to any other host. Google's Python client, and Beam with it, reads the address
from `STORAGE_EMULATOR_HOST`. Both ask the metadata server of their machine for their identity. This server answers
these requests, too.
"""

from __future__ import annotations

import contextlib
import http.server
import ssl
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

from limbeck.kubeflow.simulate.buckets import Buckets
from limbeck.kubeflow.simulate.vertex.storage import batch, certificate, identity
from limbeck.kubeflow.simulate.vertex.storage.api import HOSTS, Answer, Api, Request

CERTIFICATE = "/opt/storage"


@contextlib.contextmanager
def serving(buckets: Buckets, folder: Path) -> Iterator[dict[str, str]]:
    """Serves buckets during the context. Yields the variables by which a pod's clients find them.

    Args:
      buckets: the buckets to serve.
      folder: receives certificate and key. Only the certificate is copied into `folder/shown`, which a pod sees as
        `CERTIFICATE`.
    """
    shown = folder / "shown"
    shown.mkdir(parents=True)
    public, secret = certificate.write(folder)
    (shown / public.name).write_bytes(public.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, secret)
    server = _Server(Api(buckets), context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    here = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield {
            "STORAGE_EMULATOR_HOST": here,
            "https_proxy": here,
            "no_proxy": "127.0.0.1,localhost",
            "CURL_CA_BUNDLE": f"{CERTIFICATE}/{public.name}",
            "GCE_METADATA_HOST": here.removeprefix("http://"),
            "GCE_METADATA_IP": here.removeprefix("http://"),
        }
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: Api, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api, self.context = api, context

    def handle_error(self, request: object, client_address: object) -> None:
        """Logs nothing, because a pod that was killed leaves its connections open."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Otherwise the head of an answer would wait for the acknowledgement of earlier data.
    disable_nagle_algorithm = True
    server: _Server

    def do_CONNECT(self) -> None:
        host, _, port = self.path.partition(":")
        if host not in HOSTS or port != "443":
            self.send_error(403, f"only {' and '.join(HOSTS)} are simulated")
            return
        self.send_response(200, "tunnel")
        self.end_headers()
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        self.close_connection = False

    def _do(self) -> None:
        body = self._body()
        headers = {key.lower(): value for key, value in self.headers.items()}
        headers["x-scheme"] = "https" if isinstance(self.connection, ssl.SSLSocket) else "http"
        request = Request(self.command, self.path, headers, body)
        who = identity.answer(self.path) if headers["x-scheme"] == "http" else None
        if who is not None:
            self._send(who)
        elif self.path.partition("?")[0] == batch.PATH:
            self._send(batch.answer(request, self.server.api.answer))
        else:
            self._send(self.server.api.answer(request))

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _do  # noqa: N815  # names of the standard library

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(found)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing."""
