"""Programs that do not wait for TFX to be imported: forks of one process that has imported it.

A whole run imports TensorFlow, TFX and Beam before it does anything, which takes 5 to 25 seconds and is the same each
time. So one process imports these packages, none of ours among them, and each run is a fork of it:

    tests --socket-- server --fork-- forked_run: the command line --fork-- …runner -- training, as ever

Sessions, signals, files and variables of the forks are those of programs. But a test of how the processes start, or
how they end, needs the real ones, and at least one whole run takes them too: `runs.run(..., fresh=True)`.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from limbeck import importing
from limbeck.trainer.process import interpreter
from tests.integration import forks
from tests.integration.forks import Program

PROJECT = Path(__file__).parents[2]
PACKAGES = (
    *("tensorflow", "tf_keras", "tensorflow_transform", "tensorflow_data_validation", "tensorflow_model_analysis"),
    *("tfx.components", "tfx.orchestration.metadata", "tfx.orchestration.local.local_dag_runner"),
    *("apache_beam.runners.direct.direct_runner", "apache_beam.runners.portability.fn_api_runner.fn_runner"),
    *(f"tfx.components.{name}.executor" for name in ("example_validator", "schema_gen", "statistics_gen")),
    *("tfx.components.transform.executor", "tfx.components.evaluator.executor"),
)


class Server:
    """The tests' end of the server."""

    def __init__(self, packages: Sequence[str] = PACKAGES) -> None:
        """Starts one that imports these packages; it ends with this process, or with `stop`."""
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.preimported", str(theirs.fileno()), *packages],
                cwd=PROJECT,
                env=interpreter.environment(os.environ),
                pass_fds=[theirs.fileno()],
            )
        self._answers = self._socket.makefile("r", encoding="utf-8")

    def run(self, program: Program, seconds: float) -> int:
        """Runs a program to its end; returns its exit code. Raises TimeoutError where it takes longer, and kills it."""
        self._socket.settimeout(seconds)
        self._socket.sendall(f"{json.dumps(dataclasses.asdict(program))}\n".encode())
        child = int(self._answers.readline())
        try:
            return int(self._answers.readline())
        except TimeoutError:
            os.kill(child, signal.SIGKILL)
            raise

    def stop(self) -> None:
        """Ends it."""
        self._answers.close()
        self._socket.close()
        self._process.wait()


def _serve(connection: socket.socket, packages: Sequence[str]) -> None:
    with importing.for_good():
        for name in packages:
            importlib.import_module(name)
    with connection, connection.makefile("r", encoding="utf-8") as lines:
        for line in lines:
            fork = forks.start(Program(**json.loads(line)))
            connection.sendall(f"{fork.pid}\n".encode())
            connection.sendall(f"{fork.wait()}\n".encode())


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
