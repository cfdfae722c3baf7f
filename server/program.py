"""The program of the server: `python -m limbeck.server.program SERVING --port 8080 --grpc-port 8081 ...`.

It ends with code 2 and a sentence if no version can be loaded.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import logging
import os
import sys
import warnings
from pathlib import Path

from limbeck.server import sharing
from limbeck.server.batching import Batches
from limbeck.server.loading import load
from limbeck.server.recording import Recorder, Recording
from limbeck.server.student import Served
from limbeck.server.watching import Watcher

_STARTED_WITH_NOTHING = 2


def main(arguments: list[str]) -> int:
    """Serves until SIGTERM or SIGINT. Returns the exit code."""
    asked = _parsed(arguments)
    # KServe reads the command line when it is imported.
    sys.argv = [sys.argv[0]]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if asked.shared:
        sharing.end_with_parent()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    batches = Batches(asked.batch_size, asked.batch_wait_ms) if asked.batch_size > 1 else None
    recorder = Recorder(Recording(asked.record, asked.record_share)) if asked.record else None
    loading = functools.partial(load, batches=batches, answered=None if recorder is None else recorder.record)
    served = Served()
    watcher = Watcher(asked.serving, served, loading, asked.versions, asked.look_seconds)
    watcher.look()
    if not served.versions:
        why = "; ".join(f"version {number}: {text}" for number, text in served.refused.items())
        sys.stderr.write(f"error: no version in {asked.serving} can be loaded: {why or 'there is none'}\n")
        return _STARTED_WITH_NOTHING
    from limbeck.server.metrics import VersionGauges

    watcher.start(VersionGauges(served).tell)
    try:
        _serve(asked, served)
    finally:
        watcher.stop()
        if recorder is not None:
            recorder.close()
    return 0


def _serve(asked: argparse.Namespace, served: Served) -> None:
    import uvloop
    from kserve import ModelServer, model_server
    from kserve.model_server import app

    from limbeck.server import direct, metrics, repository, routes

    students = repository.Students(asked.name, served)
    app.add_middleware(repository.VersionPaths)
    routes.add(app, students, served)
    if asked.shared:
        metrics.add_sum(app)
        model_server.RESTServer = sharing.rest_server()
    # What uvicorn runs: KServe's application by its name, or the application that comes before it.
    model_server.FASTAPI_APP_IMPORT_STRING = direct.InferencePaths(app, students)
    # Switches off the logs that have several lines for each request.
    for name in ("kserve.trace", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="fastapi")
    server = ModelServer(
        http_port=asked.port,
        grpc_port=asked.grpc_port,
        registered_models=students,
        enable_grpc=asked.grpc_port > 0,
        enable_latency_logging=False,
        grace_period=10,
    )
    # uvicorn would take it, and KServe starts the loop ahead of uvicorn.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.set_event_loop(asyncio.new_event_loop())
    server.start([])


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="limbeck.server.program")
    parser.add_argument("serving", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--grpc-port", type=int, required=True)
    parser.add_argument("--versions", type=int, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--batch-wait-ms", type=float, required=True)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--record-share", type=float, default=1.0)
    parser.add_argument("--shared", action="store_true")
    parser.add_argument("--look-seconds", type=float, default=1.0)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
