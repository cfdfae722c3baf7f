"""Runs Pusher: a blessed student becomes the newest version of the serving folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfx.components.pusher import executor
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as keys
from tfx.utils import path_utils, proto_utils

from limbeck import files
from limbeck.components.artifacts.files import Artifacts
from limbeck.components.artifacts.scratch import local_folder
from limbeck.components.pusher import push, remote
from limbeck.trainer.serving.compressed import FOLDER

COMPRESSED = "compressed"


class Executor(executor.Executor):
    """Model, blessing, compressed file if any -> PushedModel, with the custom properties of TFX's own Pusher."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX. If the model is not blessed, the destination stays untouched."""
        serving = _serving(exec_properties)
        pushed = artifact_utils.get_single_instance(output_dict[keys.PUSHED_MODEL_KEY])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        model = self.GetModelPath(input_dict)
        if not input_dict.get(COMPRESSED):
            self._push(model, serving, pushed)
            return
        file = path_utils.serving_model_dir(artifact_utils.get_single_uri(input_dict[COMPRESSED]))
        with local_folder(self._get_tmp_dir()) as scratch:
            version = scratch / "version"
            files.copy_folder(model, version)
            # `copy_folder` leaves out empty folders, which a push without a compressed file copies.
            source = Path(files.local_copy(model))
            for folder in filter(Path.is_dir, source.rglob("*")):
                (version / folder.relative_to(source)).mkdir(parents=True, exist_ok=True)
            files.copy_folder(file, version / FOLDER)
            self._push(str(version), serving, pushed)

    def _push(self, model: str, serving: str, pushed: Any) -> None:
        # The artifact is copied first, because nothing may fail once the version is visible.
        files.copy_folder(model, pushed.uri)
        destination = (
            self._push_locally(model, serving) if files.is_local(serving) else remote.push(model, serving)
        )
        self._MarkPushed(pushed, pushed_destination=destination, pushed_version=destination.rpartition("/")[2])

    def _push_locally(self, model: str, serving: str) -> str:
        return str(push.push(Path(files.local_copy(model)), Path(files.local_copy(serving))))


def _serving(exec_properties: dict[str, Any]) -> str:
    destination = pusher_pb2.PushDestination()
    proto_utils.json_to_proto(exec_properties[keys.PUSH_DESTINATION_KEY], destination)
    filesystem = destination.filesystem
    if not filesystem.base_directory or filesystem.versioning != pusher_pb2.Versioning.AUTO:
        raise NotImplementedError(
            "push_destination must be a filesystem with a base_directory and automatic versioning (versions are "
            f"counted); received {exec_properties[keys.PUSH_DESTINATION_KEY]}"
        )
    return str(filesystem.base_directory)
