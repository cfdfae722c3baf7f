"""A Dask cluster whose scheduler and workers are processes of this machine: real ones, as a user starts them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from limbeck.settings.scoring import ScoringConfig
from limbeck.trainer.process import interpreter

_SCHEDULER, _WORKER = "distributed.cli.dask_scheduler", "distributed.cli.dask_worker"
# The scheduler of another version: all but the number is this one's.
OTHER_VERSION = """
import distributed
distributed.__version__ = "2024.7.1"
from distributed.cli.dask_scheduler import main
main()
"""


class DaskCluster:
    """A scheduler, and workers of one thread that are started one by one."""

    def __init__(
        self,
        folder: Path,
        scheduler: Sequence[str] = ("-m", _SCHEDULER),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Starts the scheduler.

        Args:
          folder: for what workers keep.
          scheduler: what Python runs as the scheduler.
          variables: further variables of the scheduler.
        """
        self._folder = folder
        self._processes: list[subprocess.Popen[str]] = []
        options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show")
        self.scheduler = self._start([sys.executable, *scheduler, *options], variables)
        self.address = self._said("Scheduler at:")

    def settings(self, start_seconds: float = 60.0) -> ScoringConfig:
        return ScoringConfig("dask", self.address, start_seconds)

    def add(
        self, variables: Mapping[str, str] | None = None, before: Sequence[str] = (), nanny: str = "--no-nanny"
    ) -> subprocess.Popen[str]:
        """Starts a worker.

        Args:
          variables: its further variables.
          before: a command that runs the rest of its arguments.
          nanny: `--nanny` has a process beside the worker start it again when it died.
        """
        options = ("--nthreads", "1", nanny, "--no-dashboard", "--memory-limit", "0")
        place = ("--host", "127.0.0.1", "--local-directory", str(self._folder))
        return self._start([*before, sys.executable, "-m", _WORKER, self.address, *options, *place], variables)

    @property
    def workers(self) -> list[subprocess.Popen[str]]:
        """The workers that live."""
        return [one for one in self._processes[1:] if one.poll() is None]

    def await_workers(self) -> None:
        """Returns when the scheduler knows the workers that live, and no others."""
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            while len(client.scheduler_info()["workers"]) != len(self.workers):
                client.sync(_moment)

    def end(self) -> None:
        """Kills all that is left."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()

    def _start(self, command: Sequence[str], variables: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command,
            env=interpreter.environment(os.environ) | dict(variables or {}),
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if not self._processes else subprocess.DEVNULL,
            text=True,
        )
        self._processes.append(process)
        return process

    def _said(self, words: str) -> str:
        """Returns what the scheduler says after some words, and then reads on, so that it can go on saying."""
        assert self.scheduler.stderr is not None
        before = []
        for line in self.scheduler.stderr:
            before.append(line)
            if words in line:
                threading.Thread(target=self.scheduler.stderr.read, daemon=True).start()
                return line.rpartition(words)[2].strip()
        raise AssertionError("the scheduler did not start:\n" + "".join(before))


async def _moment() -> None:
    import asyncio

    await asyncio.sleep(0.05)
