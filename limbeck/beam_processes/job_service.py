"""Beam's job service in Python, extended so that it can be an engine: `python -m limbeck.beam_processes.job_service`.

Beam's own program (`local_job_service_main`) always uses one worker, cannot start workers by a command, and waits for
ever for a worker that has died. Its jobs cannot be cancelled: only their state changes, and they still write their
files. Here a job has as many workers as its options say, the end of a worker is reported with its exit code, and
cancelling a job ends its workers.

It runs on one machine, and keeps all data between two stages in memory. Clusters have their own job services.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

import grpc
from apache_beam.options.pipeline_options import DirectOptions
from apache_beam.portability import common_urns
from apache_beam.portability.api import (
    beam_fn_api_pb2,
    beam_fn_api_pb2_grpc,
    beam_job_api_pb2,
    beam_runner_api_pb2,
)
from apache_beam.runners.portability import local_job_service
from apache_beam.runners.portability.fn_api_runner import fn_runner, worker_handlers

from limbeck import temporary
from limbeck.beam_processes import ready
from limbeck.launchers.failure import describe
from limbeck.trainer.process import lifeline

_CANCELLED = beam_job_api_pb2.JobState.CANCELLED
_LOOPBACK = ("localhost", "127.", "[::1]")
_ABORT_SECONDS = 0.2
_LOGGER = logging.getLogger(__name__)


class Job(local_job_service.BeamJob):
    """A job with several workers, which can be cancelled."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # Beam gives this object to every worker of the job, so a worker knows its job by it.
        self._provision_info.limbeck_workers = []
        self._provision_info.limbeck_cancelled = threading.Event()
        # Beam makes a new one for an environment that has files of its own.
        self._provision_info.for_environment = functools.partial(_for_environment, self._provision_info)

    def cancel(self) -> None:
        """Ends the job's workers, so that nothing is written from now on."""
        if self.is_terminal_state(self.state):
            return
        self.set_state(_CANCELLED)
        self._provision_info.limbeck_cancelled.set()
        for worker in list(self._provision_info.limbeck_workers):
            worker.kill()

    def set_state(self, new_state: Any) -> None:
        """Sets the state. A job that was cancelled does not fail because its workers are gone."""
        if self.state != _CANCELLED:
            super().set_state(new_state)

    def _invoke_runner(self) -> Any:
        self.set_state(beam_job_api_pb2.JobState.RUNNING)
        options = self.pipeline_options()
        runner = fn_runner.FnApiRunner(provision_info=self._provision_info)
        # Options are texts.
        runner._num_workers = int(options.view_as(DirectOptions).direct_num_workers)
        try:
            return runner.run_via_runner_api(self._pipeline_proto, options)
        except Exception as error:
            # The worker's own error has a traceback. "Channel closed prematurely" would explain nothing.
            if "Traceback" in str(error):
                raise
            deaths = [worker.death for worker in self._provision_info.limbeck_workers if worker.death]
            if deaths:
                raise RuntimeError(f"a Beam worker {deaths[0]} before its work was done") from None
            if "Channel closed" in str(error):
                raise RuntimeError("a Beam worker of the pool ended before its work was done") from None
            raise


@worker_handlers.WorkerHandler.register_environment(
    common_urns.environments.PROCESS.urn, beam_runner_api_pb2.ProcessPayload
)
class ProcessWorker(worker_handlers.GrpcWorkerHandler):
    """A worker that a command starts, as under Flink and Spark: with two arguments, and without output."""

    def __init__(self, payload: Any, state: Any, provision_info: Any, server: Any) -> None:
        super().__init__(state, provision_info, server)
        self._payload = payload
        self._stopped = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self.death: str | None = None
        _remember(provision_info, self)

    def start_worker(self) -> None:
        """Runs the command. Raises RuntimeError if there is no such program, or if the job was cancelled."""
        command = [
            self._payload.command,
            f"--id={self.worker_id}",
            f"--provision_endpoint={self.control_address}",
        ]
        try:
            process = self._process = subprocess.Popen(
                command,
                env={**os.environ, **self._payload.env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise RuntimeError(f"no Beam worker could be started by {command[0]}: {error}") from None
        threading.Thread(target=self._watch, args=(process,), daemon=True).start()
        _assert_wanted(self)

    def stop_worker(self) -> None:
        """Ends the worker. Records its death if it had already died."""
        self._stopped.set()
        if self._process is None:
            return
        self._process.terminate()
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
        else:
            self.death = None if code in (0, -signal.SIGTERM) else describe(code)

    def kill(self) -> None:
        """Ends the worker, which counts as its death."""
        if self._process is not None:
            self._process.kill()

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        # Repeated, because further requests to the dead worker would wait for ever.
        while not self._stopped.wait(_ABORT_SECONDS):
            self.death = describe(code)
            # Threads that wait for elements check the channel. Threads that wait for an answer check the request.
            self.data_conn.close()
            # The runner may be adding a request.
            with contextlib.suppress(RuntimeError):
                self.control_conn.abort(RuntimeError(f"a Beam worker {self.death}"))


@worker_handlers.WorkerHandler.register_environment(
    common_urns.environments.EXTERNAL.urn, beam_runner_api_pb2.ExternalPayload
)
class PoolWorker(worker_handlers.ExternalWorkerHandler):
    """A worker of a pool. A pool on this machine need not go through its network."""

    # Only the pool knows this.
    death = None

    def __init__(self, payload: Any, state: Any, provision_info: Any, server: Any) -> None:
        self._on_loopback = payload.endpoint.url.startswith(_LOOPBACK)
        super().__init__(payload, state, provision_info, server)
        _remember(provision_info, self)

    def host_from_worker(self) -> str:
        """Returns the name of this machine, as the worker finds it."""
        return "localhost" if self._on_loopback else super().host_from_worker()

    def start_worker(self) -> None:
        """Asks the pool to start a worker. Raises RuntimeError if it cannot, or if the job was cancelled."""
        super().start_worker()
        _assert_wanted(self)

    def stop_worker(self) -> None:
        """Asks the pool to end the worker."""
        with grpc.insecure_channel(self._external_payload.endpoint.url) as channel:
            stub = beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolStub(channel)
            try:
                stub.StopWorker(beam_fn_api_pb2.StopWorkerRequest(worker_id=self.worker_id), timeout=5)
            except grpc.RpcError as error:
                _LOGGER.warning("the worker pool did not end %s: %s", self.worker_id, error)

    kill = stop_worker


def _for_environment(provision_info: Any, environment: Any) -> Any:
    """Returns what workers of an environment are told, as Beam does; they know the job by it, too."""
    told = fn_runner.ExtendedProvisionInfo.for_environment(provision_info, environment)
    told.limbeck_workers = provision_info.limbeck_workers
    told.limbeck_cancelled = provision_info.limbeck_cancelled
    return told


def _remember(provision_info: Any, worker: Any) -> None:
    getattr(provision_info, "limbeck_workers", []).append(worker)


def _assert_wanted(worker: Any) -> None:
    """Raises RuntimeError if a job was cancelled before its worker had started: `Job.cancel` may have missed it."""
    cancelled = getattr(worker.provision_info, "limbeck_cancelled", None)
    if cancelled is not None and cancelled.is_set():
        worker.kill()
        raise RuntimeError("the job was cancelled before its work began")


def main(arguments: Sequence[str]) -> int:
    """Runs a job service until SIGTERM or SIGINT. Returns the exit code of the process."""
    parser = argparse.ArgumentParser(prog="python -m limbeck.beam_processes.job_service", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on localhost; 0 takes a free one")
    parser.add_argument("--parent", type=int, help="process whose death ends the service")
    parser.add_argument("--ready-descriptor", type=int)
    given = parser.parse_args(arguments)
    if given.parent is not None:
        lifeline.die_with_parent(given.parent)
    logging.basicConfig(level=logging.INFO)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with temporary.folder() as staging:
        service = local_job_service.LocalJobServicer(str(staging), beam_job_type=Job)
        try:
            port = service.start_grpc_server(given.port)
        except RuntimeError as error:
            sys.stderr.write(
                f"error: a job service cannot listen at port {given.port}: give another one ({error})\n"
            )
            return 2
        ready.tell(given.ready_descriptor, f"localhost:{port}")
        ended.wait()
    # Threads of jobs and of clients may wait for ever.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
