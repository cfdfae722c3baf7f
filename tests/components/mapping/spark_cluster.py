"""A Spark cluster whose master and workers are processes of this machine: real ones, started by Spark's own program."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

from limbeck.cli import guardian
from limbeck.settings.scoring import ScoringConfig

_MASTER, _WORKER = "org.apache.spark.deploy.master.Master", "org.apache.spark.deploy.worker.Worker"


class SparkCluster:
    """A master, and workers of one core that are started one by one."""

    def __init__(self, folder: Path) -> None:
        """Starts the master. Takes a folder for what workers keep."""
        import pyspark

        self._home, self._folder = Path(pyspark.__file__).parent, folder
        self.workers: list[subprocess.Popen[str]] = []
        master = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
        self.master = self._start(_MASTER, *master)
        self.address = _said(self.master, "Starting Spark master at ")

    def settings(self, start_seconds: float = 60.0) -> ScoringConfig:
        return ScoringConfig("spark", self.address, start_seconds)

    def add(self) -> subprocess.Popen[str]:
        """Starts a worker, and returns when the master knows it."""
        place = ("--host", "127.0.0.1", "--webui-port", "0", "--work-dir", str(self._folder))
        made = self._start(_WORKER, self.address, "--cores", "1", "--memory", "1g", *place)
        self.workers.append(made)
        _said(made, "Successfully registered with master ")
        return made

    def kill(self, worker: subprocess.Popen[str]) -> None:
        """Kills a worker and all that runs on it at once, as a machine dies that loses its power."""
        guardian.end_session(worker.pid, signal.SIGKILL)
        worker.wait()

    def end(self) -> None:
        """Kills all that is left."""
        for each in (self.master, *self.workers):
            guardian.end_session(each.pid, signal.SIGKILL)
            each.wait()

    def _start(self, *command: str) -> subprocess.Popen[str]:
        own = {"SPARK_HOME": str(self._home), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m"}
        return subprocess.Popen(
            [str(self._home / "bin" / "spark-class"), *command],
            env=os.environ | own,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


def _said(process: subprocess.Popen[str], words: str) -> str:
    """Returns what a process says after some words, and then reads on, so that it can go on saying."""
    assert process.stderr is not None
    before = []
    for line in process.stderr:
        before.append(line)
        if words in line:
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return line.rpartition(words)[2].strip()
    raise AssertionError("it did not start:\n" + "".join(before))
