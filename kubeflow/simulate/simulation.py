"""Simulates one or several runs of a compiled pipeline on one store, bucket and cache."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import shutil
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from limbeck.kubeflow.simulate.bucket import Bucket
from limbeck.kubeflow.simulate.buckets import Buckets
from limbeck.kubeflow.simulate.cache import Cache
from limbeck.kubeflow.simulate.clock import Clock
from limbeck.kubeflow.simulate.driver.options import Run
from limbeck.kubeflow.simulate.launcher.execute import Launcher
from limbeck.kubeflow.simulate.metadata import Metadata
from limbeck.kubeflow.simulate.pod import image, process
from limbeck.kubeflow.simulate.pod.forks import Forks
from limbeck.kubeflow.simulate.record import History
from limbeck.kubeflow.simulate.refusals import RefusedError
from limbeck.kubeflow.simulate.steps import Steps
from limbeck.kubeflow.simulate.trace import Traces
from limbeck.kubeflow.simulate.upload.accepted import Accepted, accept
from limbeck.kubeflow.simulate.uris import UriError, location
from limbeck.kubeflow.simulate.versions import Rules
from limbeck.kubeflow.simulate.workflow.argo import Argo, Pods
from limbeck.kubeflow.simulate.workflow.document import DEFAULT_ROOT, NewRun, compile_run
from limbeck.kubeflow.simulate.workflow.tasks import DRIVER_OPERATIONS


@dataclasses.dataclass(frozen=True)
class Request:
    """The arguments of a simulation.

    Attributes:
      text: content of the compiled file.
      rules: rules of the release.
      parameters: parameters of each run.
      folder: keeps the bucket, the store, the cache, and a folder for each persistent volume claim.
      pipeline_root: pipeline root of the runs; "" takes the installation's own.
      name: display name of the runs.
      fresh: whether each step of TFX starts a new interpreter, instead of a fork of one that has imported TFX.
    """

    text: str
    rules: Rules
    parameters: Sequence[dict[str, Any]]
    folder: Path
    pipeline_root: str = ""
    name: str = "lab"
    fresh: bool = False


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How one run ended: its history, or why KFP refuses it."""

    history: History | None
    refusal: RefusedError | None
    trace: dict[str, Any]


Watch = Callable[[Pods], Pods]


def simulate(request: Request, warn: Callable[[str], None], watch: Watch = lambda pods: pods) -> list[Outcome]:
    """Runs a pipeline, once for each set of parameters.

    Args:
      request: the arguments.
      warn: called with a message for each thing that KFP would silently drop.
      watch: wraps the object that runs pods, to follow the run.

    Raises:
      UserError: if this machine cannot run pods.
    """
    try:
        accepted = accept(request.text, request.rules)
        _check_supported(accepted)
    except RefusedError as refusal:
        return [_refused(refusal, parameters) for parameters in request.parameters[:1] or [{}]]
    for parameters in request.parameters[:1]:
        # Checked before anything is written.
        try:
            compile_run(accepted, parameters, _new_run(request), request.rules)
        except RefusedError as refusal:
            return [_refused(refusal, parameters)]
    for warning in accepted.warnings:
        warn(warning)
    process.check()
    request.folder.mkdir(parents=True, exist_ok=True)
    return _Simulation(request, accepted, watch).runs()


class _Simulation:
    def __init__(self, request: Request, accepted: Accepted, watch: Watch) -> None:
        folder = request.folder
        self._request = request
        self._accepted = accepted
        self._watch = watch
        self._metadata = Metadata(folder / "metadata.sqlite", request.rules)
        self._cache = Cache(folder / "cache.json")
        self._buckets = Buckets(folder / "bucket")
        self._workflows: dict[str, str] = {}

    def runs(self) -> list[Outcome]:
        """Runs the pipeline once for each set of parameters."""
        request = self._request
        # One folder for the whole simulation, in which pods are made and removed.
        scratch = request.folder / "pods" / uuid.uuid4().hex
        root = request.pipeline_root or DEFAULT_ROOT
        traces = Traces(self._metadata, self._bucket(root), self._workflows)
        built = image.build(scratch)
        forks = Forks(built, scratch, request.folder)
        try:
            launcher = Launcher(built, self._buckets, scratch / "pod", None if request.fresh else forks)
            return [self._one(parameters, root, traces, launcher) for parameters in request.parameters]
        finally:
            forks.stop()
            shutil.rmtree(scratch, ignore_errors=True)
            with contextlib.suppress(OSError):
                scratch.parent.rmdir()

    def _bucket(self, root: str) -> Bucket:
        try:
            return self._buckets.of(location(root))
        except UriError:
            # If the root is wrong, its driver reports it.
            return self._buckets.of(location(DEFAULT_ROOT))

    def _one(self, parameters: dict[str, Any], root: str, traces: Traces, launcher: Launcher) -> Outcome:
        request = self._request
        new = _new_run(request)
        identity, now = new.identity, new.created
        name = f"{self._accepted.name.rsplit('/', 1)[-1]}-{identity[-5:]}"
        try:
            workflow = compile_run(self._accepted, parameters, new, request.rules)
        except RefusedError as refusal:
            return _refused(refusal, parameters)
        self._workflows[identity] = name
        created = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        run = Run(
            pipeline=self._accepted.name,
            identity=identity,
            workflow=name,
            display_name=request.name,
            created=created,
            rules=request.rules,
            metadata=self._metadata,
            cache=self._cache,
        )
        names = {"workflow.name": name, "workflow.uid": identity, "workflow.creationTimestamp": created}
        history = Argo(
            workflow, self._watch(Steps(run, launcher, request.folder / "claims")), Clock(), names
        ).run()
        return Outcome(history, None, traces.run(parameters, history))


def _new_run(request: Request) -> NewRun:
    now = datetime.datetime.now(datetime.timezone.utc)
    return NewRun(str(uuid.uuid4()), request.name, now, request.pipeline_root or DEFAULT_ROOT)


def _refused(refusal: RefusedError, parameters: dict[str, Any]) -> Outcome:
    return Outcome(None, refusal, {"parameters": parameters, "refused": refusal.stage, "reason": [refusal.reason]})


def _check_supported(accepted: Accepted) -> None:
    """Raises RefusedError for features that KFP supports and this model does not."""
    for label, executor in accepted.executors.items():
        if executor.get("container", {}).get("image") in DRIVER_OPERATIONS:
            raise RefusedError(
                "run",
                f"executor {label} makes or deletes a claim, which simulate does not model: leave it out here",
            )
        if executor.get("importer", {}).get("downloadToWorkspace"):
            raise RefusedError("run", f"executor {label} imports into a workspace, which simulate does not model")
