"""The importer: registers a URI as an artifact. It does not open the bucket, so the objects need not exist."""

from __future__ import annotations

from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from limbeck.kubeflow.simulate import sessions
from limbeck.kubeflow.simulate.driver.options import Run
from limbeck.kubeflow.simulate.executions import IMPORTER, NewExecution
from limbeck.kubeflow.simulate.launcher.artifacts import title
from limbeck.kubeflow.simulate.launcher.errors import LauncherError
from limbeck.kubeflow.simulate.metadata import Metadata
from limbeck.kubeflow.simulate.properties import metadata_value
from limbeck.kubeflow.simulate.uris import UriError


def run(launch: Run, task: dict[str, Any], component: dict[str, Any], spec: dict[str, Any], dag: int) -> None:
    """Imports an artifact.

    Args:
      launch: the run.
      task: spec of the task.
      component: its component's spec.
      spec: spec of the importer.
      dag: execution id of the DAG around it.

    Raises:
      LauncherError: if there is nothing to import. The execution stays RUNNING.
      LauncherDiedError: if the type has no title.
    """
    metadata, contexts = launch.metadata, launch.contexts
    name = task.get("taskInfo", {}).get("name", "")
    display = "" if launch.rules.folder_by_key else name
    new = NewExecution(IMPORTER, name, display, parent=dag)
    execution = metadata.create(contexts, new)
    artifact = _artifact(metadata, task, spec, dag)
    if not spec.get("reimport"):
        artifact = _known(metadata, artifact, contexts.pipeline.id) or artifact
    keys = list(component.get("outputDefinitions", {}).get("artifacts", {}))
    if len(keys) != 1:
        raise LauncherError(f"an importer has one output artifact, this one has {len(keys)}")
    metadata.publish(contexts, execution, "COMPLETE", None, [(keys[0], artifact)])


def _artifact(metadata: Metadata, task: dict[str, Any], spec: dict[str, Any], dag: int) -> Any:
    artifact = pb.Artifact(
        type_id=metadata.artifact_type(title(spec.get("typeSchema", {}))), state=pb.Artifact.LIVE
    )
    artifact.uri = _uri(metadata, task, spec.get("artifactUri", {}), dag)
    for key, value in spec.get("metadata", {}).items():
        try:
            metadata_value(artifact.custom_properties[key], value)
        except ValueError as error:
            raise LauncherError(f"metadata {key!r} of the imported artifact: {error}") from None
    if artifact.uri.startswith("oci://"):
        return artifact
    try:
        text = sessions.imported(artifact.uri)
    except UriError:
        raise LauncherError(
            f"no provider scheme found in artifact URI {artifact.uri}: KFP imports gs://, s3:// and minio:// only"
        ) from None
    artifact.custom_properties["store_session_info"].string_value = text
    return artifact


def _uri(metadata: Metadata, task: dict[str, Any], source: dict[str, Any], dag: int) -> str:
    if source.get("constant") is not None:
        uri = source["constant"]
        if not isinstance(uri, str) or not uri:
            raise LauncherError(f"the URI to import is empty or no text: {uri!r}")
        return uri
    name = source.get("runtimeParameter", "")
    if not name:
        raise LauncherError("the importer has no artifact URI")
    given = task.get("inputs", {}).get("parameters", {}).get(name)
    if given is None:
        raise LauncherError(f"the importer's task has no input parameter {name!r} with the URI")
    # Only a parameter of the DAG around it is used. KFP does not look for outputs of tasks.
    around = metadata.parameters(metadata.execution(dag))[0]
    key = given.get("componentInputParameter", "")
    if key not in around:
        raise LauncherError(f"the DAG around the importer has no input parameter {key!r}")
    if not isinstance(around[key], str) or not around[key]:
        raise LauncherError(f"the URI to import, parameter {key!r}, is empty or no text: {around[key]!r}")
    return str(around[key])


def _known(metadata: Metadata, artifact: Any, pipeline: int) -> Any:
    """Returns the same artifact if an earlier run of this pipeline imported it; otherwise None."""
    for found in metadata.store.get_artifacts_by_uri(artifact.uri):
        same = found.type_id == artifact.type_id and found.state == artifact.state
        properties = artifact.custom_properties
        same = same and all(
            key in found.custom_properties and found.custom_properties[key] == value
            for key, value in properties.items()
        )
        if same and any(context.id == pipeline for context in metadata.store.get_contexts_by_artifact(found.id)):
            return found
    return None
