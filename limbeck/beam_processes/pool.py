"""Starts workers for an engine that asks for them: `python -m limbeck.beam_processes.pool --address HOST:PORT`.

Beam's own pool starts an interpreter for each worker, which imports TensorFlow for two seconds while the engine waits.
It never waits for the end of its workers, so each worker leaves a zombie. It does not read their output, so a worker
with much output blocks. Here a spare process has imported everything before it is needed. It is not a fork of the pool,
because the pool's gRPC server has threads.

A worker runs as long as the pool holds the other end of its standard input open. So no worker outlives the pool,
however the pool ended.
"""

from __future__ import annotations

import argparse
import collections
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc
from apache_beam.utils import thread_pool_executor

from limbeck.beam_processes import ready
from limbeck.errors import ConfigError
from limbeck.trainer.process import interpreter, lifeline

_COMMAND = (sys.executable, "-m", "limbeck.beam_processes.boot", "--wait")
_LOGGER = logging.getLogger(__name__)


class Spares:
    """Processes that wait for an order. They are started in advance. Whenever one is taken, another is started."""

    def __init__(
        self, count: int, environment: Mapping[str, str], start: Callable[..., Any] = subprocess.Popen
    ) -> None:
        """Starts the processes.

        Args:
          count: how many processes wait at a time.
          environment: variables of the processes.
          start: starts a process, like `subprocess.Popen`.
        """
        self._environment, self._start = environment, start
        self._waiting = collections.deque(self._new() for _ in range(count))
        self._lock = threading.Lock()

    def take(self, arguments: Sequence[str]) -> Any:
        """Passes the arguments to a waiting process, and returns it.

        Raises:
          OSError: if that process has died.
        """
        with self._lock:
            self._waiting.append(self._new())
            process = self._waiting.popleft()
        process.stdin.write((json.dumps(list(arguments)) + "\n").encode())
        process.stdin.flush()
        return process

    def end(self) -> None:
        """Ends the waiting processes."""
        with self._lock:
            waiting = [*self._waiting]
            self._waiting.clear()
        for process in waiting:
            end(process)

    def _new(self) -> Any:
        return self._start(_COMMAND, env=self._environment, stdin=subprocess.PIPE)


class Pool(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):
    """The service that engines ask for workers."""

    def __init__(self, spares: Spares) -> None:
        """Takes its processes from `spares`."""
        self._spares = spares
        self._working: dict[str, Any] = {}
        self._lock = threading.Lock()

    def StartWorker(self, request: Any, context: Any = None) -> Any:  # noqa: N802
        """Starts a worker. Called by the engine."""
        arguments = [
            f"--id={request.worker_id}",
            f"--provision_endpoint={request.provision_endpoint.url}",
            f"--control_endpoint={request.control_endpoint.url}",
            f"--logging_endpoint={request.logging_endpoint.url}",
        ]
        try:
            process = self._spares.take(arguments)
        except OSError as error:
            return beam_fn_api_pb2.StartWorkerResponse(
                error=f"the worker process that was to start died before: {error}; see the log of the pool"
            )
        with self._lock:
            # `poll` also reads the exit code from the kernel. Without it, a zombie would stay.
            self._working = {name: one for name, one in self._working.items() if one.poll() is None}
            self._working[request.worker_id] = process
        _LOGGER.info("worker %s starts", request.worker_id)
        return beam_fn_api_pb2.StartWorkerResponse()

    def StopWorker(self, request: Any, context: Any = None) -> Any:  # noqa: N802
        """Ends a worker. Called by the engine."""
        with self._lock:
            process = self._working.pop(request.worker_id, None)
        if process is not None:
            end(process)
        return beam_fn_api_pb2.StopWorkerResponse()

    @property
    def working(self) -> tuple[str, ...]:
        """The names of the workers that are running."""
        return tuple(self._working)

    def end(self) -> None:
        """Ends all workers. An engine may still ask for the end of one: the service ends no call that has begun."""
        self._spares.end()
        with self._lock:
            working, self._working = [*self._working.values()], {}
        for process in working:
            end(process)


def end(process: Any) -> None:
    """Ends a worker at once, because results that it has not sent are useless."""
    process.kill()
    process.stdin.close()
    process.wait()


def serve(pool: Pool, address: str) -> tuple[grpc.Server, str]:
    """Starts the service. Returns it, and the address with the port that it took.

    Raises:
      ConfigError: if the address cannot be taken.
    """
    server = grpc.server(
        thread_pool_executor.shared_unbounded_instance(),
        # Without the last option, two pools could share a port.
        options=[
            ("grpc.http2.max_pings_without_data", 0),
            ("grpc.http2.max_ping_strikes", 0),
            ("grpc.so_reuseport", 0),
        ],
    )
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise ConfigError(f"a worker pool cannot listen at {address}: give another address ({error})") from None
    server.start()
    return server, f"{address.rpartition(':')[0]}:{port}"


def main(arguments: Sequence[str]) -> int:
    """Runs a pool until SIGTERM or SIGINT. Returns the exit code of the process."""
    parser = argparse.ArgumentParser(prog="python -m limbeck.beam_processes.pool", description=__doc__)
    parser.add_argument("--address", default="127.0.0.1:0", help="HOST:PORT; port 0 takes a free one")
    parser.add_argument("--spares", type=int, default=1, help="processes that wait for work")
    parser.add_argument("--parent", type=int, help="process whose death ends the pool")
    parser.add_argument("--ready-descriptor", type=int)
    given = parser.parse_args(arguments)
    if given.parent is not None:
        lifeline.die_with_parent(given.parent)
    logging.basicConfig(level=logging.INFO)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    pool = Pool(Spares(given.spares, interpreter.environment(os.environ)))
    try:
        server, address = serve(pool, given.address)
        _LOGGER.info("worker pool at %s", address)
        ready.tell(given.ready_descriptor, address)
        ended.wait()
        server.stop(0)
    except ConfigError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    finally:
        pool.end()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
