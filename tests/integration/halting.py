"""Stops the processes of a training job at a chosen moment, so that it can be said what was killed, and in what.

No test is quick enough to see a moment and to kill in it. So all processes are stopped (SIGSTOP) when it is seen, and
in a world that stands still the test looks again: either the moment holds, or they go on to the next such.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, get_args

import psutil

from limbeck import events
from limbeck.records import from_json, to_json
from limbeck.settings.recovery import RecoveryConfig
from limbeck.trainer.distribution import cluster
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.recovery.checkpoint import folder_of
from tests.integration.launching import ORDER, OUTCOME, LaunchResult, Order
from tests.integration.runs import PROJECT

PATIENCE_SECONDS = 300.0
# Shorter than what is looked for lasts, and long enough to leave a core to those who do it.
_LOOK_SECONDS = 0.001
_MANIFEST = re.compile(r"step-(\d+)\.json")
QUICK = RecoveryConfig(restarts=1, backoff_seconds=0.0)


def read_events(file: Path) -> list[dict[str, Any]]:
    """What was told so far."""
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


@dataclasses.dataclass(frozen=True)
class JobPosition:
    """Where a job stands: the last step that was told of, and the steps that are saved."""

    member: int
    step: int
    saved: list[int]

    def resumable(self, every: int) -> set[int]:
        """The steps that another attempt may go on from if the chief lives: it ends the save that it is in.

        A step is told of before it is saved, and every so many steps are.
        """
        return {self.saved[-1], self.step - self.step % every}


@dataclasses.dataclass(frozen=True)
class Running:
    """A job at work, under a supervisor that is a process of its own."""

    job: TrainingJob
    folder: Path
    supervisor: subprocess.Popen[bytes]

    @property
    def events(self) -> list[dict[str, Any]]:
        """What was told so far."""
        return read_events(self.folder / "events.jsonl")

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The events of one kind."""
        return [event for event in self.events if event["event"] == kind]

    @property
    def place(self) -> JobPosition | None:
        """None where nothing was told yet by the present attempt."""
        latest = next((one for one in reversed(self.events) if one["event"] in ("training", "restarting")), None)
        if latest is None or latest["event"] == "restarting":
            return None
        member = latest["member"]
        saved = [int(match[1]) for match in map(_MANIFEST.fullmatch, self.checkpoint_files(member)) if match]
        return JobPosition(member, latest["step"], sorted(saved))

    def checkpoint_files(self, member: int) -> list[str]:
        """Names of the files in the folder of a member's checkpoints."""
        folder = Path(folder_of(str(self.job.checkpoint_uri), member))
        return os.listdir(folder) if folder.exists() else []  # noqa: PTH208

    def processes(self) -> dict[str, psutil.Process]:
        """The training processes that live, by role; further workers as `worker 1`, `worker 2`."""
        found = {}
        for process in psutil.Process(self.supervisor.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                role, named, index = process.name().partition("-")
                if named and role in get_args(cluster.Role):
                    found[role if index == "0" else f"{role} {index}"] = process
        return found

    def halt(self, moment: Callable[[], bool]) -> dict[str, psutil.Process] | None:
        """Stops all training processes at a moment, by role; None where the job ended before there was one."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.supervisor.poll() is None:
            assert time.monotonic() < deadline, self.log
            if moment():
                stopped = self.processes()
                stop(stopped.values())
                if moment():
                    return stopped
                for process in stopped.values():
                    process.resume()
            time.sleep(_LOOK_SECONDS)
        return None

    def finish(self) -> LaunchResult:
        """Waits until the job is done."""
        assert self.supervisor.wait(PATIENCE_SECONDS) == 0, self.log
        return from_json(LaunchResult, (self.folder / OUTCOME).read_text(encoding="utf-8"))

    @property
    def log(self) -> str:
        """The last lines."""
        return (self.folder / "log.txt").read_text(encoding="utf-8", errors="replace")[-5000:]


def stop(processes: Collection[psutil.Process]) -> None:
    """Stops processes that have not ended; returns when none of their threads runs any more."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
    for process in processes:
        while any(state not in "TXZ" for state in _states(process.pid)):
            time.sleep(_LOOK_SECONDS)


def _states(pid: int) -> Iterator[str]:
    """Of the threads of a process, each of which takes the signal for itself."""
    for file in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):
            yield file.read_text().rpartition(")")[2].split()[0]


@contextlib.contextmanager
def launched(job: TrainingJob, recovery: RecoveryConfig = QUICK) -> Iterator[Running]:
    """Launches a job; whatever happens in the context, nothing of it lives afterwards."""
    folder = Path(job.record_uri)
    (folder / ORDER).write_text(to_json(Order(job, recovery)), encoding="utf-8")
    with (folder / "log.txt").open("wb") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.launching", str(folder)],
            cwd=PROJECT,
            env={**os.environ, events.ENVIRONMENT: str(folder / "events.jsonl")},
            stdout=log,
            stderr=log,
        )
    running = Running(job, folder, supervisor)
    try:
        yield running
    finally:
        left = running.processes() if supervisor.poll() is None else {}
        supervisor.kill()
        supervisor.wait()
        # They die with it (`limbeck.trainer.process.lifeline`), also where they are stopped.
        psutil.wait_procs(left.values())


def kill(processes: dict[str, psutil.Process], *roles: str) -> None:
    """Kills the stopped processes of some roles with -9, and lets the others go on."""
    for role in roles:
        processes[role].send_signal(signal.SIGKILL)
    for role in processes.keys() - set(roles):
        processes[role].resume()
