"""`engine start` as a user starts it, and all the processes that come of it."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import psutil

from tests import children, ended
from tests.cli import program
from tests.cli.program import PROJECT

# Every process inherits it.
_MARK = "LIMBECK_TEST_MARK"
_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Engine:
    """An installed engine, the main classes of its processes, and how its answer counts workers."""

    name: str
    home: Path
    master: str
    worker: str
    overview: str
    count: str


ENGINES = (
    Engine(
        "spark",
        PROJECT / ".venv-spark" / "pyspark",
        "org.apache.spark.deploy.master.Master",
        "org.apache.spark.deploy.worker.Worker",
        "/json/",
        "aliveworkers",
    ),
    Engine(
        "flink",
        PROJECT / ".venv-flink" / "pyflink",
        "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
        "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
        "/overview",
        "taskmanagers",
    ),
)


class Started:
    """The program, in a folder of its own for what is temporary."""

    def __init__(self, folder: Path, *arguments: str | Path, **variables: str) -> None:
        """Starts it."""
        self.folder = folder
        own = {
            _MARK: str(folder),
            "TMPDIR": str(folder),
            "LIMBECK_PARENT": str(os.getpid()),
            "PYTHONUNBUFFERED": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, str(program.PIPELINE), "engine", "start", *map(str, arguments)],
            env=program.environment() | own | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []

    def __enter__(self) -> Started:
        """Returns itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kills it, if a test has failed before its end."""
        self.process.kill()
        self.process.communicate()

    def until(self, words: str) -> str:
        """Reads what it says until a line has these words. Returns that line."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if words in line:
                return line
        raise AssertionError(f"it ended before it said {words!r}:\n" + "".join(self.said))

    def processes(self) -> list[psutil.Process]:
        """All that live, this one and the guardian included."""

        def belongs(one: psutil.Process) -> bool:
            try:
                return one.environ().get(_MARK) == str(self.folder) and one.status() != psutil.STATUS_ZOMBIE
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                return False

        return [one for one in psutil.process_iter() if belongs(one)]

    def running(self, main: str) -> list[psutil.Process]:
        """Those that run a main class of Java, the oldest first."""
        found = [one for one in self.processes() if main in children.command(one)]
        return sorted(found, key=lambda one: (one.create_time(), one.pid))

    def ended(self) -> int:
        """Waits for its end, and reads the rest of what it says. Returns its exit code."""
        assert self.process.stdout is not None
        # Not `communicate`, which loses what a line before has read ahead.
        self.said += self.process.stdout
        return self.process.wait(_SECONDS)

    def assert_nothing_left(self, among: list[psutil.Process]) -> None:
        """Waits until these processes are gone, and looks that there are no others, and no folder.

        With a process, its ports are free: another program may have them by now, so nobody looks at them.
        """
        ended.wait(among)
        assert self.processes() == []
        assert list(self.folder.iterdir()) == []
