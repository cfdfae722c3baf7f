"""The differences between releases of Kubeflow Pipelines: one switch for each rule that changed."""

from __future__ import annotations

import dataclasses

from limbeck.errors import ConfigError, nearest


@dataclasses.dataclass(frozen=True)
class Rules:
    """The rules of one release.

    Attributes:
      version: the release that was observed.
      default_store: host of the object store that KFP brings along, as it stands in `store_session_info`.
      retries_store: the same text tells the object store's client to try five times.
      output_file_below_task: the executor's output file lies beside the task's outputs, not below `/tmp/kfp_outputs`.
      custom_path: an artifact of the output file may name the local path to upload.
      driver_resolves_placeholders: the driver replaces parameter placeholders, and fails at one without a value.
      placeholders_in_command: the launcher replaces placeholders in the first word too.
      final_status: an exit handler may ask how its tasks ended.
      strict_platform: a misspelt field of an executor's platform entry refuses the run.
      retry_by_parameters: the retry policy reaches Argo as parameters; what is left out arrives there as "0". Before,
        a policy counted for the tasks of the root only, and a fractional factor was cut off.
      log_by_attempt: the log's name ends in the attempt, and a failed task uploads it.
      uploads_twice: an upload that fails is tried again.
      exact_prefix: a download takes only objects below the URI, and not all objects whose keys begin with it.
      names_outputs: output artifacts have a name in the executor input.
      folder_by_key: a task's folder in the bucket, and its name in ML Metadata, is its key, not its display name.
      updates_root: the launcher also sets the state of the root's execution.
      passes_state_up: a DAG's final state is passed on to the DAG around it.
      counts_iterations: a loop's DAG is complete when its iterations are, not the tasks of its body.
      expands_macros: macros in the texts of run parameters are replaced.
      knows_times: a constant may stand for the time of the run.
      artifact_of_the_done: if several tasks may give a DAG's artifact, the one that succeeded does; before, the last.
      optional_inputs_of_dags: the driver of a DAG gives optional inputs their default, or null.
    """

    version: str
    default_store: str
    retries_store: bool
    output_file_below_task: bool
    custom_path: bool
    driver_resolves_placeholders: bool
    placeholders_in_command: bool
    final_status: bool
    strict_platform: bool
    retry_by_parameters: bool
    log_by_attempt: bool
    uploads_twice: bool
    exact_prefix: bool
    names_outputs: bool
    folder_by_key: bool
    updates_root: bool
    passes_state_up: bool
    counts_iterations: bool
    expands_macros: bool
    knows_times: bool
    artifact_of_the_done: bool
    optional_inputs_of_dags: bool

    @property
    def number(self) -> tuple[int, ...]:
        """Returns the release as numbers that can be compared."""
        return tuple(int(part) for part in self.version.split("."))


_V2_17 = Rules(
    version="2.17.0",
    default_store="seaweedfs.kubeflow:9000",
    retries_store=True,
    output_file_below_task=True,
    custom_path=True,
    driver_resolves_placeholders=True,
    placeholders_in_command=False,
    final_status=True,
    strict_platform=True,
    retry_by_parameters=True,
    log_by_attempt=True,
    uploads_twice=True,
    exact_prefix=True,
    names_outputs=True,
    folder_by_key=True,
    updates_root=False,
    passes_state_up=True,
    counts_iterations=True,
    expands_macros=True,
    knows_times=True,
    artifact_of_the_done=True,
    optional_inputs_of_dags=True,
)
_V2_15 = dataclasses.replace(
    _V2_17,
    version="2.15.0",
    default_store="minio-service.kubeflow:9000",
    driver_resolves_placeholders=False,
    log_by_attempt=False,
    uploads_twice=False,
    exact_prefix=False,
    updates_root=True,
    passes_state_up=False,
    counts_iterations=False,
    expands_macros=False,
    knows_times=False,
    artifact_of_the_done=False,
)
_V2_5 = dataclasses.replace(
    _V2_15,
    version="2.5.0",
    retries_store=False,
    output_file_below_task=False,
    custom_path=False,
    placeholders_in_command=True,
    final_status=False,
    strict_platform=False,
    retry_by_parameters=False,
    names_outputs=False,
    folder_by_key=False,
    optional_inputs_of_dags=False,
)
DEFAULT = "2.17"
_RELEASES = {"2.5": _V2_5, "2.15": _V2_15, "2.17": _V2_17}
NAMES = tuple(_RELEASES)


def rules(name: str) -> Rules:
    """Returns the rules of a release. Raises ConfigError if it is not modelled."""
    if name not in _RELEASES:
        known = ", ".join(NAMES)
        raise ConfigError(f"--kfp knows the releases {known}; received {name}.{nearest(name, NAMES)}")
    return _RELEASES[name]
