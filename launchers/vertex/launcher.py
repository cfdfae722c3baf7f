"""Trains in a custom job of Vertex AI: creates the job, watches its state and its processes, and removes it.

This module makes one attempt; `limbeck.launchers.supervisor` decides on restarts.
"""

from __future__ import annotations

import contextlib
import logging
import time
import uuid
from collections.abc import Iterator
from urllib.parse import quote

from limbeck import files
from limbeck.files import Visibility
from limbeck.launchers import records
from limbeck.launchers.cluster import Cluster, title
from limbeck.launchers.failure import AttemptFailedError, Failure, read_failure
from limbeck.launchers.far_process import JOB_FILE, failure_uri, heartbeat_uri
from limbeck.launchers.heartbeat import Pulses
from limbeck.launchers.staging import staged
from limbeck.launchers.vertex.api import Api, GoneError, UnreachableError
from limbeck.launchers.vertex.body import Plan, custom_job
from limbeck.launchers.vertex.verdict import CANCELLED, ENDED, FAILED, RUNNING, Seen, verdict
from limbeck.rank_record import RankRecord
from limbeck.records import to_json
from limbeck.settings.launcher import LauncherConfig
from limbeck.settings.recovery import RecoveryConfig
from limbeck.settings.vertex import VertexConfig
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.process import heartbeat

_log = logging.getLogger(__name__)
_RECOVERY = RecoveryConfig()
# Seconds for a cancelled job to end. A step that is asked to end has half a minute. The job may take longer, which does
# no harm.
_ENDING_SECONDS = 20.0
_CONSOLE = "https://console.cloud.google.com"


def from_settings(settings: LauncherConfig) -> VertexLauncher:
    """Returns the launcher for the name `vertex`. It contacts no service before a job is launched."""
    return VertexLauncher(settings.vertex)


class VertexLauncher:
    """Runs every process of a job on a machine of its own."""

    supervises = False

    def __init__(self, settings: VertexConfig, api: Api | None = None, settle: float = 5.0) -> None:
        """Takes the settings.

        Args:
          settings: the section `launcher.vertex`.
          api: the API; by default one with the credentials of this process.
          settle: seconds to wait until the job ends after a process has reported a failure.
        """
        self._settings, self._settle = settings, settle
        self._api = api or Api(settings.project or "", settings.region or "")

    def stage(self, job: TrainingJob) -> TrainingJob:
        """Stages a job as `limbeck.launchers.launch.Launcher` says. Processes see object stores only."""
        self._settings.check()
        self._settings.check_processes(job.processes)
        return staged(job, Visibility.NETWORK, lambda name: self._folder(f"{name}-{uuid.uuid4().hex}"))

    def launch(
        self, job: TrainingJob, cluster: Cluster, recovery: RecoveryConfig = _RECOVERY
    ) -> tuple[RankRecord, ...]:
        """Runs one attempt at a job as `limbeck.launchers.launch.Launcher` says."""
        records.discard(job, cluster)
        identity = uuid.uuid4().hex
        folder = self._folder(f"attempt-{identity}")
        titles = [title(job, task) for task in cluster.tasks]
        try:
            files.write_text(files.join(folder, JOB_FILE), to_json(job))
            plan = Plan(job.entry, identity, folder, len(titles), self._settings)
            with self._running(plan) as name:
                link = logs_of(self._api.project, name)
                _log.info("custom job %s: %s", name, page_of(self._api.project, self._api.region, name))
                _log.info("its logs: %s", link)
                seen = _Watching(self._api, name, plan, recovery.heartbeat_seconds, self._settle).run()
        finally:
            files.remove_folder(folder)
        error = verdict(seen, titles, link)
        if error is not None:
            raise error
        return records.read(job, cluster)

    def _folder(self, name: str) -> str:
        return files.join(self._settings.staging or "", name)

    @contextlib.contextmanager
    def _running(self, plan: Plan) -> Iterator[str]:
        """Creates a job, and yields its name. Always ends and deletes it at the end of the context."""
        name: str | None = None
        try:
            try:
                name = self._api.create(custom_job(plan))
            except UnreachableError as error:
                raise AttemptFailedError(str(error), ()) from None
            yield name
        finally:
            self._end(name, plan.identity)

    def _end(self, name: str | None, identity: str) -> None:
        try:
            # The job may exist: the answer to its creation may have been lost or interrupted.
            name = name or self._api.find(identity)
            if name is not None:
                end(self._api, name, keep=self._settings.keep)
        except GoneError:
            return
        except Exception as error:  # whatever it is, it must not hide why the attempt ended
            _log.warning("custom job %s may still be there: %s", name or identity, error)


def end(api: Api, name: str, *, keep: bool, seconds: float = _ENDING_SECONDS, pause: float = 1.0) -> None:
    """Cancels a job that has not ended, and deletes it, unless it is kept or does not end in time.

    Raises:
      GoneError: if the job was removed.
    """
    deadline = time.monotonic() + seconds
    if api.get(name).state.name not in ENDED:
        with contextlib.suppress(GoneError):
            api.cancel(name)
        while api.get(name).state.name not in ENDED:
            if time.monotonic() >= deadline:
                _log.warning("custom job %s was cancelled, and has not ended yet: it is not deleted", name)
                return
            time.sleep(pause)
    if not keep:
        api.delete(name)


def page_of(project: str, region: str, name: str) -> str:
    """Returns the page of a job in Google's console."""
    return f"{_CONSOLE}/ai/platform/locations/{region}/training/{name.rpartition('/')[2]}?project={project}"


def logs_of(project: str, name: str) -> str:
    """Returns the page of a job's logs in Google's console."""
    query = f'resource.type="ml_job"\nresource.labels.job_id="{name.rpartition("/")[2]}"'
    return f"{_CONSOLE}/logs/query;query={quote(query, safe='')}?project={project}"


class _Watching:
    """Watches a job and its processes until it has ended, or must be ended."""

    def __init__(self, api: Api, name: str, plan: Plan, heartbeat_seconds: float, settle: float) -> None:
        self._api, self._name, self._plan, self._settle = api, name, plan, settle
        self._ranks = range(plan.processes)
        self._pulses = Pulses({rank: heartbeat_uri(plan.files, rank) for rank in self._ranks}, heartbeat_seconds)
        self._started: set[int] = set()
        self._ran = False
        self._told = ""

    def run(self) -> Seen:
        """Returns what is known at its end. Raises AttemptFailedError if Vertex AI gives no answer."""
        poll = self._plan.settings.poll_seconds
        due, explained = float("-inf"), None
        while True:
            if time.monotonic() >= due:
                seen = self._look()
                if seen is not None:
                    return seen
                due = time.monotonic() + poll
            hung = self._hung()
            if hung:
                return self._seen(FAILED, silent=hung)
            if any(failure.explains for failure in self._failures().values()):
                # Vertex AI's own report may be late, and adds nothing.
                explained = explained or time.monotonic()
                if time.monotonic() >= explained + self._settle:
                    return self._seen(FAILED)
            time.sleep(min(poll, self._pulses.interval))

    def _look(self) -> Seen | None:
        try:
            job = self._api.get(self._name)
        except GoneError:
            return self._seen(CANCELLED)
        except UnreachableError as error:
            raise AttemptFailedError(str(error), ()) from None
        state = job.state.name
        self._tell(state)
        self._ran = self._ran or state == RUNNING
        return self._seen(state, int(job.error.code), str(job.error.message)) if state in ENDED else None

    def _hung(self) -> dict[int, float]:
        """Returns the silence of processes that hang. Those that have not started do not count: machines start late."""
        try:
            return self._silent()
        except OSError as error:
            # If the storage is not available, nothing is known about the processes.
            _log.warning("signs of life cannot be read: %s", error)
            return {}

    def _silent(self) -> dict[int, float]:
        for rank in self._ranks:
            if rank not in self._started and heartbeat.read(heartbeat_uri(self._plan.files, rank)):
                self._started.add(rank)
        self._ran = self._ran or bool(self._started)
        self._pulses.look()
        return self._pulses.hung(self._started)

    def _seen(self, state: str, code: int = 0, message: str = "", silent: dict[int, float] | None = None) -> Seen:
        spot = self._plan.settings.spot
        return Seen(state, code, message, self._ran, spot, self._failures(), silent or {})

    def _failures(self) -> dict[int, Failure]:
        found = {rank: read_failure(failure_uri(self._plan.files, rank)) for rank in self._ranks}
        return {rank: failure for rank, failure in found.items() if failure is not None}

    def _tell(self, state: str) -> None:
        if state != self._told:
            self._told = state
            _log.info("custom job %s: %s", self._name.rpartition("/")[2], state.removeprefix("JOB_STATE_").lower())
