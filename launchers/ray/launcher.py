"""Trains on the nodes of a Ray cluster: starts a process for each attempt, and reports how it ended.

This module makes one attempt; `limbeck.launchers.supervisor` decides on restarts.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator

from limbeck import files, temporary
from limbeck.errors import ConfigError
from limbeck.files import Visibility
from limbeck.launchers import records
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.failure import describe
from limbeck.launchers.far_process import JOB_FILE
from limbeck.launchers.ray.request import Outcome, Request
from limbeck.launchers.staging import staged
from limbeck.rank_record import RankRecord
from limbeck.records import from_json, to_json
from limbeck.settings.launcher import LauncherConfig
from limbeck.settings.ray import RayConfig
from limbeck.settings.recovery import RecoveryConfig
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.process import interpreter, lifeline

_log = logging.getLogger(__name__)
_RECOVERY = RecoveryConfig()
_ATTEMPT = (sys.executable, "-m", "limbeck.launchers.ray.attempt")
# Seconds for an attempt to end. The training processes save within ten of them, and a step of a pipeline that is asked
# to end has half a minute.
_LEAVING_SECONDS = 20.0
_RAY_VARIABLES = {
    # Switches off Ray's usage reports to its makers.
    "RAY_USAGE_STATS_ENABLED": "0",
    # Under `uv run`, Ray would copy the working directory to all nodes, and would not run the code that is installed
    # there.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
}


def from_settings(settings: LauncherConfig) -> RayLauncher:
    """Returns the launcher for the name `ray`. It contacts no cluster before a job is launched."""
    return RayLauncher(settings.ray)


class RayLauncher:
    """Runs every process of a job under an actor of its own."""

    supervises = False

    def __init__(self, settings: RayConfig) -> None:
        """Takes the section `launcher.ray`; `check` has been called."""
        self._settings, self._attempts = settings, 0
        self._folder = files.join(settings.staging or "", f"limbeck-{uuid.uuid4().hex}")

    def stage(self, job: TrainingJob) -> TrainingJob:
        """Stages a job as `limbeck.launchers.launch.Launcher` says, below `launcher.ray.staging`."""
        return staged(
            job, Visibility.NETWORK, lambda name: files.join(self._folder, name), mounted=self._settings.shared
        )

    def launch(
        self, job: TrainingJob, cluster: Cluster, recovery: RecoveryConfig = _RECOVERY
    ) -> tuple[RankRecord, ...]:
        """Runs one attempt at a job as `limbeck.launchers.launch.Launcher` says."""
        if cluster.servers:
            raise ConfigError("launcher.name=ray starts no servers of variables: take launcher.name=local")
        records.discard(job, cluster)
        self._attempts += 1
        with self._files_of(job) as folder:
            request = Request(
                job, cluster, self._settings, recovery.heartbeat_seconds, folder, first=self._attempts == 1
            )
            error = _attempt(request).error()
        if error is not None:
            raise error
        return records.read(job, cluster)

    @contextlib.contextmanager
    def _files_of(self, job: TrainingJob) -> Iterator[str]:
        """Makes a folder with the job that the nodes can read, and yields its URI. Removes it at the end."""
        folder = files.join(self._folder, f"attempt-{uuid.uuid4().hex}")
        try:
            files.make_folder(folder)
            files.write_text(files.join(folder, JOB_FILE), to_json(job))
            yield folder
        finally:
            try:
                files.remove_folder(folder)
                if not files.walk(self._folder):
                    # Nothing was staged, so no other code removes the folder.
                    files.remove_folder(self._folder)
            except OSError as error:
                # If the training is done, it must not fail because files cannot be removed.
                _log.warning("%s was not removed: %s", folder, error)


def _attempt(request: Request) -> Outcome:
    """Runs the process of an attempt. At the end, this process and all processes that it started have ended."""
    with temporary.folder() as folder:
        told, answer = folder / "request.json", folder / "outcome.json"
        told.write_text(to_json(request), encoding="utf-8")
        # It has its own session, so that only this process asks it to end, and only once.
        process = subprocess.Popen(
            [*_ATTEMPT, str(told), str(answer)], env=_environment(), cwd=folder, start_new_session=True
        )
        try:
            code = process.wait()
        finally:
            _end(process)
        if not answer.is_file():
            return Outcome("failed", f"the process that is connected to Ray {describe(code)}")
        return from_json(Outcome, answer.read_text(encoding="utf-8"))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends and reaps a process: SIGTERM, so that it ends what it has started, and SIGKILL if it takes too long."""
    try:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LEAVING_SECONDS)
    finally:
        process.kill()
        process.wait()


def _environment() -> dict[str, str]:
    return interpreter.environment(os.environ) | _RAY_VARIABLES | {lifeline.ENVIRONMENT: str(os.getpid())}
