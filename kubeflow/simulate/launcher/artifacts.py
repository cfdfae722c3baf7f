"""Output artifacts: merges the output file's data into them, uploads and registers them."""

from __future__ import annotations

from typing import Any

import yaml
from ml_metadata.proto import metadata_store_pb2 as pb

from limbeck.kubeflow.simulate.driver.outputs import LOG
from limbeck.kubeflow.simulate.launcher.command import path_of
from limbeck.kubeflow.simulate.launcher.errors import LauncherDiedError, LauncherError
from limbeck.kubeflow.simulate.launcher.transfer import Transfer
from limbeck.kubeflow.simulate.metadata import Metadata
from limbeck.kubeflow.simulate.properties import metadata_value
from limbeck.kubeflow.simulate.uris import UriError


class Outputs:
    """The output artifacts of a step."""

    def __init__(self, metadata: Metadata, transfer: Transfer, session: str) -> None:
        self._metadata = metadata
        self._transfer = transfer
        self._session = session

    def publish(
        self, provisioned: dict[str, Any], written: dict[str, Any], *, twice: bool, log_only: bool = False
    ) -> list[tuple[str, Any]]:
        """Uploads and registers artifacts.

        Args:
          provisioned: artifacts of the executor input by key. Data of the output file are merged into them.
          written: artifacts of the output file by key.
          twice: whether a failed attempt is followed by a second one.
          log_only: whether to publish only the log, because the step failed.

        Raises:
          LauncherError: if an artifact cannot be uploaded or registered. Artifacts that were registered before stay.
        """
        # KFP's order is random, because it iterates over a map. Here it is by name, and reversed the second time.
        names = [LOG] if log_only else sorted(provisioned)
        try:
            return self._all(names, provisioned, written, needed=not log_only)
        except LauncherError:
            if not twice:
                raise
        return self._all(names[::-1], provisioned, written, needed=not log_only)

    def _all(
        self, names: list[str], provisioned: dict[str, Any], written: dict[str, Any], *, needed: bool
    ) -> list[tuple[str, Any]]:
        found = []
        for name in names:
            for artifact in provisioned.get(name, {}).get("artifacts", []):
                said = written.get(name, {}).get("artifacts", [])
                if said and name != LOG:
                    merge(artifact, said[0])
                registered = self._one(name, artifact, needed=needed)
                if registered is not None:
                    found.append((name, registered))
        return found

    def _one(self, name: str, artifact: dict[str, Any], *, needed: bool) -> Any:
        try:
            path = path_of(artifact)
        except UriError:
            # The URI is registered unchanged, and nothing is uploaded.
            path = ""
        if path:
            if name == LOG and not needed and not self._transfer.files.host(path).exists():
                return None
            self._transfer.upload(artifact["uri"], path)
        try:
            return self._metadata.record(self._artifact(name, artifact))
        except ValueError as error:
            raise LauncherError(f"output {name!r}: {error}") from None

    def _artifact(self, name: str, artifact: dict[str, Any]) -> Any:
        found = pb.Artifact(uri=artifact.get("uri", ""), state=pb.Artifact.LIVE)
        for key, value in artifact.get("metadata", {}).items():
            try:
                metadata_value(found.custom_properties[key], value)
            except ValueError as error:
                raise LauncherError(f"output {name!r}, metadata {key!r}: {error}") from None
        found.type_id = self._metadata.artifact_type(title(artifact.get("type", {})))
        for key, text in (("display_name", name), ("store_session_info", self._session)):
            if key not in found.custom_properties:
                found.custom_properties[key].string_value = text
        return found


def merge(artifact: dict[str, Any], said: dict[str, Any]) -> None:
    """Merges an artifact's data in the output file into it: its URI, its metadata key by key, its path."""
    if said.get("uri"):
        artifact["uri"] = said["uri"]
    if "metadata" in said:
        artifact["metadata"] = artifact.get("metadata", {}) | said["metadata"]
    if said.get("customPath"):
        artifact["customPath"] = said["customPath"]


def title(kind: dict[str, Any]) -> str:
    """Returns the title of an artifact's type.

    Raises:
      LauncherError: if the type is a URI, or is missing.
      LauncherDiedError: if the schema has no title.
    """
    if "schemaTitle" in kind:
        found: Any = kind["schemaTitle"]
    elif "instanceSchema" in kind:
        try:
            schema = yaml.safe_load(kind["instanceSchema"]) or {}
        except yaml.YAMLError as error:
            raise LauncherError(
                f"the schema of an artifact's type is no YAML: {' '.join(str(error).split())}"
            ) from None
        found = schema.get("title", "") if isinstance(schema, dict) else ""
    else:
        raise LauncherError(f"an artifact's type needs schemaTitle or instanceSchema, received {kind or 'none'}")
    if not found:
        raise LauncherDiedError("No title specified: the schema of an artifact's type has none")
    return str(found)
