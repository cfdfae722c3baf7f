"""Stand-ins for what a cluster of Flink or Spark brings: a jar's outside, a Java, and Flink's REST interface."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MAIN = "org.apache.beam.runners.{0}.{1}JobServerDriver"


def write_jar(path: Path, engine: str = "flink", properties: str = "", main: str | None = None) -> Path:
    """A file that says of itself what a job server's jar does; it holds no class."""
    main = MAIN.format(engine, engine.capitalize()) if main is None else main
    with zipfile.ZipFile(path, "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", f"Manifest-Version: 1.0\r\nMain-Class: {main}\r\n\r\n")
        if properties:
            jar.writestr("org/apache/beam/sdk/sdk.properties", properties)
    return path


def write_java(home: Path, version: str, script: str = "exit 9") -> Path:
    """A `java` that says its version, and otherwise runs a shell script."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    said = f'openjdk version "{version}" 2025-04-15'
    program.write_text(
        f"#!/bin/sh\nif [ \"$1\" = -version ]; then echo '{said}' >&2; exit; fi\n{script}\n", encoding="utf-8"
    )
    program.chmod(0o755)
    return program


class FlinkRest:
    """Answers as Flink 1.19's documentation says, and keeps what it was told to cancel."""

    def __init__(self, version: str = "1.19.3", slots: int = 2) -> None:
        self.overview = {"taskmanagers": 2, "slots-total": slots, "flink-version": version}
        self.jobs: list[dict[str, Any]] = []
        self.cancelled: list[str] = []

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        """Yields its URL."""
        rest = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = {"/overview": rest.overview, "/jobs/overview": {"jobs": rest.jobs}}
                self._answer(known.get(self.path))

            def do_PATCH(self) -> None:
                rest.cancelled.append(self.path)
                self._answer({})

            def _answer(self, value: Any) -> None:
                body = json.dumps(value).encode()
                self.send_response(404 if value is None else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
