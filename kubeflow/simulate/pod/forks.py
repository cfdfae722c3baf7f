"""Runs the commands of TFX's steps as forks of a process that has imported TFX: see `fork_server`.

It does so only if the result is the same: for the entrypoints that import TFX, if the pod has no variable that an
interpreter or TensorFlow reads at its start, and as root. In a user namespace, a fork in another root folder cannot
become another user.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import IO

from limbeck.kubeflow.simulate.pod import process
from limbeck.kubeflow.simulate.pod.files import PodFiles
from limbeck.kubeflow.simulate.pod.fork_server import PODS, Pod
from limbeck.kubeflow.simulate.pod.image import Image
from limbeck.kubeflow.simulate.pod.process import Command, DeadlineError

_RUN_EXECUTOR = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
_ENTRYPOINTS = ("limbeck.kubeflow.entrypoint", _RUN_EXECUTOR)
_PACKAGES = (
    *("tensorflow", "tf_keras", "tensorflow_transform", "tensorflow_data_validation", "tensorflow_model_analysis"),
    *("apache_beam.runners.direct.direct_runner", "apache_beam.runners.portability.fn_api_runner.fn_runner"),
    *("tfx.components", "tfx.components.transform.executor", "tfx.components.evaluator.executor", _RUN_EXECUTOR),
)
# An interpreter, TensorFlow or a numerical library reads these at its start, so they have no effect on a fork.
_READ_AT_START = ("PYTHON", "TF_", "OMP_", "MKL_", "OPENBLAS_", "KMP_", "CUDA_", "LD_", "GRPC_", "XLA_", "ABSL_")


def takes(command: Command, image: Image) -> bool:
    """Returns whether a fork is equivalent to the command."""
    *interpreter, module = command.words[:3] or [""]
    starting = any(
        name.startswith(_READ_AT_START) and image.variables.get(name) != value
        for name, value in command.variables.items()
    )
    return os.geteuid() == 0 and interpreter == ["python", "-m"] and module in _ENTRYPOINTS and not starting


class Forks:
    """The simulation's end of the server, which is started with the first fork, and ended by `stop`."""

    def __init__(self, image: Image, scratch: Path, around: Path) -> None:
        """Starts nothing yet.

        Args:
          image: the image of all pods.
          scratch: folder of this machine for the server's own files.
          around: a folder that contains the files and the claims of all pods.
        """
        self._image = image
        self._scratch = scratch
        self._around = around
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, files: PodFiles, command: Command, log: IO[bytes]) -> int:
        """Runs a command for which `takes` is True, as `process.run` does."""
        connection = self._connection()
        folders = [*files.folders(), *command.claims]
        mounts = [(f"{PODS}/{folder.relative_to(self._around)}", place) for folder, place in folders]
        variables = self._image.variables | command.variables
        pod = Pod(command.words[2], command.words[3:], variables, mounts, process.USER, command.deadline)
        socket.send_fds(connection, [b"\n"], [log.fileno()])
        connection.sendall(f"{json.dumps(dataclasses.asdict(pod))}\n".encode())
        with connection.makefile("r", encoding="ascii") as answers:
            answer = answers.readline().strip()
        if answer == "deadline":
            raise DeadlineError
        if not answer:
            raise OSError("the process that forks the pods has ended")
        return int(answer)

    def stop(self) -> None:
        """Ends the server. All of its pods must have ended."""
        if self._socket is not None and self._process is not None:
            self._socket.close()
            self._process.wait()
        shutil.rmtree(self._scratch / "server", ignore_errors=True)

    def _connection(self) -> socket.socket:
        if self._socket is None:
            ours, theirs = socket.socketpair()
            with theirs:
                self._process = self._started(theirs.fileno())
            self._socket = ours
        return self._socket

    def _started(self, file: int) -> subprocess.Popen[bytes]:
        folder = self._scratch / "server"
        root, places = folder / "root", PodFiles(folder / "places", process.USER)
        root.mkdir()
        mounts = [("--read", str(path), place) for path, place in self._image.mounts]
        # Each pod mounts its own folders over these.
        mounts += [("--write", str(path), place) for path, place in places.folders()]
        mounts.append(("--write", str(self._around), PODS))
        words = ["python", "-m", "limbeck.kubeflow.simulate.pod.fork_server", str(file), *_PACKAGES]
        return subprocess.Popen(
            [*process.jailed(root, mounts), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self._image.variables | {"TF_CPP_MIN_LOG_LEVEL": "2"},
            pass_fds=[file],
        )
