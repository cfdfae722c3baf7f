"""The actor on the node of a rank: it starts the training process, and reports its output and its end.

Training does not run in the actor itself, because Ray has loaded its own libraries there, has set its own signal
handlers, and runs the actor in its own threads. A new interpreter behaves the same under every launcher. It ends with
the actor, and the actor ends with its node, or with the process that started the job.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import os
import subprocess
import sys
import threading
from collections.abc import Mapping

from limbeck import events, files, temporary
from limbeck.launchers import far_process
from limbeck.launchers.far_output import EVENTS
from limbeck.launchers.local import ports
from limbeck.launchers.ray.identity import own_identity
from limbeck.launchers.ray.placement import Place
from limbeck.trainer.process import gpus, interpreter, lifeline

# The largest number of lines that are kept until the launcher fetches them. It does so every second.
_KEPT_LINES = 10_000
# How long to wait for output if a grandchild keeps the pipe open after the process itself has ended.
_READER_SECONDS = 2.0


@dataclasses.dataclass(frozen=True)
class Look:
    """The news of a process since the last look.

    Attributes:
      lines: new lines of its output.
      seen: number of all its lines so far. The next look begins there.
      code: its exit code, or minus the number of a signal; None while it lives. No line comes after it.
    """

    lines: tuple[str, ...]
    seen: int
    code: int | None


class RankActor:
    """The process of one rank. Ray runs one method at a time, and all of them in one thread that lives on.

    That thread starts the process, so the process dies with it: see `limbeck.trainer.process.lifeline`.
    """

    def __init__(self) -> None:
        """Holds a port, and starts nothing."""
        # Removes folders of actors that were killed with their nodes.
        temporary.sweep()
        self._held = contextlib.ExitStack()
        (self._port,) = self._held.enter_context(ports.held(1))
        self._folder = temporary.folder_until_exit()
        self._changed = threading.Condition()
        self._lines: collections.deque[str] = collections.deque(maxlen=_KEPT_LINES)
        self._seen = 0
        self._code: int | None = None
        self._popen: subprocess.Popen[str] | None = None

    def place(self) -> Place:
        """Returns the place of this actor."""
        import ray

        return Place(
            ray.util.get_node_ip_address(), ray.get_runtime_context().get_node_id(), self._port, own_identity()
        )

    def start(self, folder: str, config: str, processes: int, *, cpus: int, gpus: int, served: bool) -> None:
        """Starts the training process.

        Args:
          folder: URI of the attempt's files.
          config: its TF_CONFIG; empty if it is alone.
          processes: number of processes of the job.
          cpus: cores that are reserved for it.
          gpus: GPUs that are reserved for it.
          served: whether one process lets the others compute parts of its graphs.
        """
        own = threads(cpus, processes, served=served)
        variables = process_variables(os.environ, folder, config, gpus) | own
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "limbeck.trainer.worker", files.join(folder, far_process.JOB_FILE)],
            env=variables | {lifeline.ENVIRONMENT: str(os.getpid()), "TMPDIR": str(self._folder)},
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        threading.Thread(target=self._follow, args=(self._popen,), daemon=True).start()

    def look(self, seen: int, seconds: float) -> Look:
        """Returns the news as soon as there are any. Returns empty news after some seconds.

        Args:
          seen: `Look.seen` of the last look; 0 at first.
          seconds: how long to wait.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._seen > seen or self._code is not None, seconds)
            new = min(self._seen - seen, len(self._lines))
            return Look(tuple(list(self._lines)[len(self._lines) - new :]), self._seen, self._code)

    def terminate(self) -> None:
        """Asks the process to save and to end (SIGTERM)."""
        if self._popen is not None:
            self._popen.terminate()

    def _follow(self, popen: subprocess.Popen[str]) -> None:
        reader = threading.Thread(target=self._read, args=(popen,), daemon=True)
        reader.start()
        code = popen.wait()
        reader.join(_READER_SECONDS)
        with self._changed:
            self._code = code
            self._changed.notify_all()

    def _read(self, popen: subprocess.Popen[str]) -> None:
        assert popen.stdout is not None  # noqa: S101
        with popen.stdout as lines:
            for line in lines:
                with self._changed:
                    self._lines.append(line.rstrip("\n"))
                    self._seen += 1
                    self._changed.notify_all()


def process_variables(inherited: Mapping[str, str], folder: str, config: str, count: int) -> dict[str, str]:
    """Returns the variables of a training process.

    Args:
      inherited: variables of the actor. Ray has named the actor's GPUs there.
      folder: URI of the attempt's files.
      config: its TF_CONFIG; empty if it is alone.
      count: GPUs that are reserved for it. If there are none, it must see no GPU, because another process may use it.
    """
    own = far_process.variables(inherited, folder, config) | {events.ENVIRONMENT: EVENTS}
    hidden = {} if count else {gpus.VISIBLE: "-1"}
    return interpreter.environment(inherited) | own | hidden


def threads(cpus: int, processes: int, *, served: bool) -> dict[str, str]:
    """Returns the variables that give a process as many threads as cores. TensorFlow would count the node's cores."""
    return {
        "TF_NUM_INTRAOP_THREADS": str(cpus),
        # A part of a graph waits for values of other processes. With one thread, this would be a deadlock.
        "TF_NUM_INTEROP_THREADS": str(max(cpus, processes) if served else cpus),
        "OMP_NUM_THREADS": str(cpus),
    }
