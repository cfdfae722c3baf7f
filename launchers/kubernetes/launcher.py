"""Trains in pods of a cluster: creates a job, watches its pods, reports why they failed, and removes everything.

This module makes one attempt; `limbeck.launchers.supervisor` decides on restarts.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence

from limbeck import files
from limbeck.errors import ConfigError
from limbeck.files import Visibility
from limbeck.launchers import records
from limbeck.launchers.cluster import Cluster, title
from limbeck.launchers.failure import describe
from limbeck.launchers.far_process import JOB_FILE, failure_uri, heartbeat_uri
from limbeck.launchers.kubernetes.api import Api, UnreachableError
from limbeck.launchers.kubernetes.connection import connect, own_pod
from limbeck.launchers.kubernetes.generation import Generation
from limbeck.launchers.kubernetes.kind import Kind
from limbeck.launchers.kubernetes.kinds import KINDS
from limbeck.launchers.kubernetes.mirror import Change, Changes, Mirror
from limbeck.launchers.kubernetes.objects import Objects
from limbeck.launchers.kubernetes.own_pod import Surroundings, owner_of, surroundings_of
from limbeck.launchers.kubernetes.plan import PORT, PodPlan
from limbeck.launchers.kubernetes.pod_process import PodProcess
from limbeck.launchers.kubernetes.resources import POD, Object, name_of
from limbeck.launchers.kubernetes.verdict import verdict
from limbeck.launchers.kubernetes.watching import Patience, Watched, Watching
from limbeck.launchers.staging import staged
from limbeck.rank_record import RankRecord
from limbeck.records import to_json
from limbeck.settings.launcher import LauncherConfig
from limbeck.settings.pods import PodsConfig
from limbeck.settings.recovery import RecoveryConfig
from limbeck.trainer.job import TrainingJob

_log = logging.getLogger(__name__)
_RECOVERY = RecoveryConfig()
# A step of Kubeflow has 30 seconds from SIGTERM on.
_LEAVING_SECONDS, _ENDING_SECONDS = 25.0, 120.0
# Without a grace period, an API server forgets pods that still run.
_AT_ONCE = 1


def from_settings(settings: LauncherConfig) -> KubernetesLauncher:
    """Returns the launcher for the name `kubernetes`. It contacts no cluster before a job is launched."""
    return KubernetesLauncher(settings.kubernetes)


class KubernetesLauncher:
    """Runs every process of a job in a pod of its own."""

    supervises = False

    def __init__(self, settings: PodsConfig, *, settle: float = 5.0, port: int = PORT) -> None:
        """Takes the settings, and values that only tests change.

        Args:
          settings: the section `launcher.kubernetes`.
          settle: seconds to wait for a better explanation after the first failure.
          port: the process of rank r listens at `port + r`.
        """
        assert settings.staging is not None, "the settings of this launcher have checked it"  # noqa: S101
        self._settings, self._settle, self._port = settings, settle, port
        self._folder = files.join(settings.staging, f"limbeck-{uuid.uuid4().hex}")
        self._identity: str | None = None
        self._api: Api | None = None

    def stage(self, job: TrainingJob) -> TrainingJob:
        """Stages a job as `limbeck.launchers.launch.Launcher` says, below `launcher.kubernetes.staging`."""
        self._identity = _identity_of(job)
        return staged(
            job, Visibility.NETWORK, lambda name: files.join(self._folder, name), mounted=self._settings.mount
        )

    def launch(
        self, job: TrainingJob, cluster: Cluster, recovery: RecoveryConfig = _RECOVERY
    ) -> tuple[RankRecord, ...]:
        """Runs one attempt at a job as `limbeck.launchers.launch.Launcher` says."""
        api, namespace_here = connect(self._settings.namespace)
        plan = self._plan(api, namespace_here, job, cluster)
        kind = KINDS[self._settings.kind]
        watched = _watched(api, kind, plan, job, cluster)
        patience = Patience(self._settings.start_seconds, recovery.heartbeat_seconds, self._settle)
        discard = functools.partial(records.discard, job, cluster)
        discard()
        # Called again when an earlier attempt has ended, because its processes may have written files in the meantime.
        objects = Objects(api, kind, plan, on_replaced=discard)
        with _files_of(plan, job), _made(objects) as made:
            changes: Changes = Changes()
            with _mirrors(api, kind, plan, changes, made):
                silent = Watching(api, watched, patience).run(changes)
            _assert_ended_well(api, plan, made, watched, silent)
        return records.read(job, cluster)

    def _plan(self, api: Api, namespace_here: str, job: TrainingJob, cluster: Cluster) -> PodPlan:
        pod = own_pod(api, os.environ) if api.namespace == namespace_here else None
        surroundings = Surroundings() if pod is None else surroundings_of(pod)
        image = self._settings.image or surroundings.image
        if image is None:
            raise ConfigError(
                "the image of the training pods is not known, because this process runs in no pod of their namespace: "
                "give launcher.kubernetes.image"
            )
        attempt = uuid.uuid4().hex
        digest = hashlib.sha256((self._identity or _identity_of(job)).encode()).hexdigest()
        return PodPlan(
            name=f"limbeck-{job.entry}-{digest[:10]}",
            namespace=api.namespace,
            processes=len(cluster.tasks),
            attempt=attempt,
            folder=self._folder,
            files=files.join(self._folder, f"attempt-{attempt}"),
            image=image,
            settings=self._settings,
            surroundings=surroundings,
            owner=None if pod is None else owner_of(pod),
            port=self._port,
        )


def _watched(api: Api, kind: Kind, plan: PodPlan, job: TrainingJob, cluster: Cluster) -> Watched:
    ranks = [task.rank for task in cluster.tasks]
    return Watched(
        Generation(kind, len(ranks)),
        [PodProcess(task.rank, title(job, task), api) for task in cluster.tasks],
        failures={rank: failure_uri(plan.files, rank) for rank in ranks},
        beats={rank: heartbeat_uri(plan.files, rank) for rank in ranks},
    )


def _assert_ended_well(
    api: Api, plan: PodPlan, made: Object, watched: Watched, silent: Mapping[int, float]
) -> None:
    """Raises the error of `verdict` if an attempt did not end well."""
    generation, processes = watched.generation, watched.processes
    if generation.living or generation.failed or generation.swept_away:
        _see_again(api, plan, made, watched)
        _tell_failed(generation, processes)
        raise verdict(generation, silent, processes, watched.failures, plan.settings.memory)


@contextlib.contextmanager
def _files_of(plan: PodPlan, job: TrainingJob) -> Iterator[None]:
    """Writes the files of an attempt, and removes them at the end of the context."""
    try:
        files.make_folder(plan.files)
        files.write_text(files.join(plan.files, JOB_FILE), to_json(job))
        yield
    finally:
        try:
            files.remove_folder(plan.files)
            if not files.walk(plan.folder):
                # Nothing was staged, so no other code removes the folder.
                files.remove_folder(plan.folder)
        except OSError as error:
            # If the training is done, it must not fail because files cannot be removed.
            _log.warning("%s was not removed: %s", plan.files, error)


@contextlib.contextmanager
def _made(objects: Objects) -> Iterator[Object]:
    """Creates the objects of an attempt, and always removes them at the end of the context.

    Yields:
      The object that makes the pods.
    """
    # If this process is asked to end, the training processes get time to save.
    patience, grace = _LEAVING_SECONDS, None
    try:
        yield objects.create()
        patience, grace = _ENDING_SECONDS, _AT_ONCE
    except Exception:
        patience, grace = _ENDING_SECONDS, _AT_ONCE
        raise
    finally:
        objects.remove(patience, grace)


@contextlib.contextmanager
def _mirrors(api: Api, kind: Kind, plan: PodPlan, changes: Changes, made: Object) -> Iterator[None]:
    mirrors = [
        Mirror(api, POD, plan.selector, changes),
        Mirror(api, kind.resource, plan.selector, changes, known=[made]),
    ]
    try:
        yield
    finally:
        for mirror in mirrors:
            mirror.stop()


def _see_again(api: Api, plan: PodPlan, made: Object, watched: Watched) -> None:
    """Reads all objects once more: the explanation of an end, such as a condition of pre-emption, may come later.

    The removal of the main object may also come later than that of its pods, because each is reported by its own watch.
    """
    generation = watched.generation
    main = KINDS[plan.settings.kind].resource
    # Without an answer, the known state is used.
    with contextlib.suppress(UnreachableError):
        for item in api.list(POD, plan.selector)[0]:
            generation.see(Change(POD, item))
        job = api.get(main, plan.name)
        if job is not None and job["metadata"]["uid"] == made["metadata"]["uid"]:
            generation.see(Change(main, job))
        else:
            generation.see(Change(main, generation.job or made, removed=True))
    for rank, pod in generation.pods.items():
        watched.processes[rank].pod = name_of(pod)


def _tell_failed(generation: Generation, processes: Sequence[PodProcess]) -> None:
    """Logs the last lines of each pod that failed. The error shows only the lines of one pod."""
    for each in (*generation.failed, *generation.swept_away):
        process = processes[each.rank]
        lines = "\n".join(process.last_lines()) or "(its log is empty, or gone)"
        _log.warning("%s (pod %s) %s. Its last lines:\n%s", process.title, process.pod, describe(each.code), lines)


def _identity_of(job: TrainingJob) -> str:
    """Returns a text that is equal for all attempts at a job, even from another launcher process."""
    # The folder of checkpoints has the digest of the job in its name.
    return job.checkpoint_uri or job.record_uri
