"""One attempt of a step: download, run, read the output files, upload, publish."""

from __future__ import annotations

import copy
import dataclasses
import posixpath
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from limbeck.kubeflow.simulate import dag_state
from limbeck.kubeflow.simulate.buckets import Buckets
from limbeck.kubeflow.simulate.driver.options import Run
from limbeck.kubeflow.simulate.driver.outputs import LOG
from limbeck.kubeflow.simulate.launcher import command, output_file
from limbeck.kubeflow.simulate.launcher.artifacts import Outputs
from limbeck.kubeflow.simulate.launcher.errors import LauncherDiedError, LauncherError
from limbeck.kubeflow.simulate.launcher.transfer import Transfer
from limbeck.kubeflow.simulate.pod import process
from limbeck.kubeflow.simulate.pod.files import PodFiles
from limbeck.kubeflow.simulate.pod.forks import Forks, takes
from limbeck.kubeflow.simulate.pod.image import Image
from limbeck.kubeflow.simulate.uris import UriError, location

_LONGEST_LOG = 4000


@dataclasses.dataclass(frozen=True)
class Launch:
    """The arguments of a launcher.

    Attributes:
      run: the run.
      execution: id of the execution.
      executor_input: the executor input of the driver.
      component: the component's spec.
      words: the user's command.
      variables: environment variables of the pod.
      attempt: number of the attempt.
      deadline: the longest duration in seconds; None for no limit.
      claims: folders of this machine that outlive the pod, and their paths in the pod.
    """

    run: Run
    execution: int
    executor_input: dict[str, Any]
    component: dict[str, Any]
    words: list[str]
    variables: dict[str, str]
    attempt: int
    deadline: float | None
    claims: Sequence[tuple[Path, str]]


@dataclasses.dataclass
class Attempt:
    """How an attempt ended.

    Attributes:
      exit_code: exit code of the launcher. If the user's command fails, it is 1, whatever the command's code is.
      error: why it failed.
      output_parameters: content of the files of output parameters.
      log: output of the user's process.
    """

    exit_code: int = 0
    error: str = ""
    output_parameters: dict[str, str] = dataclasses.field(default_factory=dict)
    log: str = ""


class Launcher:
    """Runs attempts on this machine."""

    def __init__(self, image: Image, buckets: Buckets, scratch: Path, forks: Forks | None = None) -> None:
        """Takes what attempts need. Without `forks`, each step starts a new interpreter."""
        self._image = image
        self._buckets = buckets
        self._scratch = scratch
        self._forks = forks

    def run(self, launch: Launch) -> Attempt:
        """Runs an attempt. Failures are part of the returned value."""
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(parents=True)
        # The pod's user may only pass through this folder. The folders below belong to the user.
        self._scratch.chmod(0o755)
        attempt = Attempt()
        files = PodFiles(self._scratch / "files", process.USER)
        given = copy.deepcopy(launch.executor_input)
        parameters: dict[str, Any] | None = None
        artifacts: list[tuple[str, Any]] = []
        metadata = launch.run.metadata
        metadata.start(launch.execution, launch.variables["KFP_POD_NAME"], launch.variables["KFP_POD_UID"])
        state = "FAILED"
        try:
            parameters, artifacts = self._execute(launch, given, files, attempt)
            state = "COMPLETE"
        except LauncherDiedError as error:
            attempt.error, attempt.exit_code, state = str(error), error.exit_code, "RUNNING"
        except _StepFailedError as failure:
            attempt.error, attempt.exit_code = str(failure), 1
            artifacts = failure.artifacts
        except (LauncherError, UriError, OSError) as error:
            attempt.error, attempt.exit_code = str(error), 1
        finally:
            attempt.output_parameters = output_file.texts(files, given)
            shutil.rmtree(self._scratch, ignore_errors=True)
        if state == "RUNNING":
            return attempt
        contexts = launch.run.contexts
        metadata.publish(contexts, launch.execution, state, parameters, artifacts)
        execution = metadata.execution(launch.execution)
        dag_state.update(metadata, contexts, execution.custom_properties["parent_dag_id"].int_value)
        key = execution.custom_properties
        if state == "COMPLETE" and "cache_fingerprint" in key:
            launch.run.cache.add(launch.run.pipeline, key["cache_fingerprint"].string_value, launch.execution)
        return attempt

    def _execute(
        self, launch: Launch, given: dict[str, Any], files: PodFiles, attempt: Attempt
    ) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
        rules, contexts = launch.run.rules, launch.run.contexts
        provisioned = given.get("outputs", {}).get("artifacts", {})
        transfer = Transfer(files, self._buckets, location(contexts.root), rules.exact_prefix)
        outputs = Outputs(launch.run.metadata, transfer, contexts.session)
        _make_folders(files, given)
        if rules.log_by_attempt:
            _name_log(provisioned, launch.attempt)
        try:
            # Placeholders are replaced before anything is downloaded, and the command contains the log's name.
            words = command.words(given, launch.component, launch.words, rules)
            transfer.download(given.get("inputs", {}).get("artifacts", {}))
            _make_folders(files, given)
            code = self._process(launch, provisioned, files, words, attempt)
            if code:
                raise LauncherError(f"the command ended with exit status {code}{_last_line(attempt.log)}")
            written = output_file.read(files, given["outputs"]["outputFile"], rules.number[1])
        except LauncherError as error:
            if not rules.log_by_attempt:
                raise
            logs = outputs.publish(provisioned, {}, twice=rules.uploads_twice, log_only=True)
            raise _StepFailedError(str(error), logs) from None
        parameters = output_file.parameters(files, given, launch.component, written.get("parameterValues", {}))
        artifacts = outputs.publish(provisioned, written.get("artifacts", {}), twice=rules.uploads_twice)
        return parameters, artifacts

    def _process(
        self, launch: Launch, provisioned: dict[str, Any], files: PodFiles, words: list[str], attempt: Attempt
    ) -> int:
        log = files.host(command.path_of(provisioned[LOG]["artifacts"][0]))
        longest = max((len(word.encode()) for word in words), default=0)
        given = process.Command(words, launch.variables, launch.deadline, launch.claims)
        with log.open("wb") as stream:
            files.give(log)
            try:
                if self._forks is not None and takes(given, self._image):
                    return self._forks.run(files, given, stream)
                return process.run(self._image, files, self._scratch, given, stream)
            except process.DeadlineError:
                # The whole pod is killed, including the launcher.
                raise LauncherDiedError(f"killed after its deadline of {launch.deadline:g} s", 137) from None
            except OSError as error:
                raise LauncherError(
                    f"the command cannot be started ({longest} bytes in one word): {error}"
                ) from None
            finally:
                attempt.log = log.read_text("utf-8", errors="replace") if log.is_file() else ""


class _StepFailedError(LauncherError):
    """A step failed, but its log was uploaded."""

    def __init__(self, message: str, artifacts: list[tuple[str, Any]]) -> None:
        super().__init__(message)
        self.artifacts = artifacts


def _make_folders(files: PodFiles, given: dict[str, Any]) -> None:
    """Makes the folder *above* each output, and not the outputs' own."""
    outputs = given.get("outputs", {})
    for parameter in outputs.get("parameters", {}).values():
        files.make(posixpath.dirname(parameter["outputFile"]))
    for held in outputs.get("artifacts", {}).values():
        for artifact in held["artifacts"]:
            files.make(posixpath.dirname(command.path_of(artifact)))


def _name_log(provisioned: dict[str, Any], attempt: int) -> None:
    for artifact in provisioned.get(LOG, {}).get("artifacts", []):
        if not artifact["uri"].endswith(f"-{attempt}"):
            artifact["uri"] += f"-{attempt}"


def _last_line(log: str) -> str:
    lines = log[-_LONGEST_LOG:].strip().splitlines()
    return f"; its last line: {lines[-1]}" if lines else ""
