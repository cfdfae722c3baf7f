"""Lets Beam's local runner fork its workers instead of starting them: `--runner=limbeck.beam_processes.forking.runner`.

For each pipeline, Beam's runner starts as many interpreters as it has workers, and each imports TensorFlow and TFX. A
run has a dozen pipelines, so two workers took 110 seconds of a core for imports alone. Here each worker is a fork of
one process that has imported them (`limbeck.beam_processes.fork_server`). If no fork is safe, Beam starts interpreters.

Beam's runner does not notice if a worker dies, and waits for its answer for ever. Here the runner gets an answer that
reports the death.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_fn_api_pb2, endpoints_pb2
from apache_beam.runners.direct.direct_runner import DirectRunner
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from google.protobuf import json_format, text_format

from limbeck.beam_processes import fork_server
from limbeck.launchers.failure import describe
from limbeck.launchers.local import environment
from limbeck.launchers.local.forks import Fork, Forks
from limbeck.trainer.fork_server import Request

_FORKS = Forks(fork_server.__name__)
_STANDARD_ERROR = 2
_ANSWER_SECONDS = 0.2
# The options of the running pipeline.
_deaths: list[str] = []


def runner() -> DirectRunner:
    """Returns Beam's own runner, extended so that it reports the death of a worker.

    It is not a subclass, because TensorFlow Transform chooses its number of threads by the exact type of the runner.
    """
    made = DirectRunner()
    made.run_pipeline = functools.partial(_run, made.run_pipeline)
    return made


def _run(run: Callable[..., Any], pipeline: Any, options: Any) -> Any:
    _deaths.clear()
    try:
        return run(pipeline, options)
    except Exception as error:
        # The worker's own error has a traceback. "Channel closed prematurely" would explain nothing.
        if "Traceback" in str(error) or not _deaths:
            raise
        raise RuntimeError(_deaths[0]) from None


@worker_handlers.WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)
class ForkedWorker(worker_handlers.SubprocessSdkWorkerHandler):
    """A worker of `--direct_running_mode=multi_processing`."""

    _fork: Fork | None = None

    def start_worker(self) -> None:
        """Forks a worker, or lets Beam start one."""
        control = text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=self.control_address))
        options = json_format.MessageToJson(self.provision_info.provision_info.pipeline_options)
        variables = {
            "WORKER_ID": self.worker_id,
            "CONTROL_API_SERVICE_DESCRIPTOR": control,
            "PIPELINE_OPTIONS": options,
        }
        inherited = environment.alone(os.environ)
        request = Request(fork_server.__name__, [json.dumps(variables)], inherited, str(Path.cwd()))
        self._fork = _FORKS.start(request, _STANDARD_ERROR)
        if self._fork is None:
            super().start_worker()
            return
        self._stopped = threading.Event()
        self._watching = threading.Thread(target=self._watch, args=(self._fork,), daemon=True)
        self._watching.start()

    def stop_worker(self) -> None:
        """Waits until the worker has ended. It does so when the runner has closed its connection."""
        if self._fork is None:
            super().stop_worker()
            return
        self._stopped.set()
        self._watching.join()

    def _watch(self, fork: Fork) -> None:
        code = fork.wait()
        death = f"a Beam worker {describe(code)} before its work was done"
        if code != 0:
            _deaths.append(death)
        # Repeated, because the runner may send further requests to the dead worker.
        while not self._stopped.wait(_ANSWER_SECONDS):
            # The runner may be adding a request.
            with contextlib.suppress(RuntimeError):
                for number, request in dict(self.control_conn._futures_by_id).items():
                    request.set(beam_fn_api_pb2.InstructionResponse(instruction_id=number, error=death))
