"""Runs Pusher: a blessed student becomes the newest version of the serving folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfx.components.pusher import executor
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as keys
from tfx.utils import io_utils, proto_utils

from components.artifacts.files import Artifacts
from components.pusher import push, remote


class Executor(executor.Executor):
    """Model and blessing -> PushedModel, with the custom properties of TFX's own Pusher."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX. Nothing at the destination is touched where the model is not blessed."""
        serving = _serving(exec_properties)
        pushed = artifact_utils.get_single_instance(output_dict[keys.PUSHED_MODEL_KEY])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        model = self.GetModelPath(input_dict)
        # The archive first: what may still fail must not come after the version is seen.
        io_utils.copy_dir(model, pushed.uri)
        destination = remote.push(model, serving) if _is_remote(serving) else self._push_locally(model, serving)
        self._MarkPushed(pushed, pushed_destination=destination, pushed_version=Path(destination).name)

    def _push_locally(self, model: str, serving: str) -> str:
        if _is_remote(model):
            fetched = Path(self._get_tmp_dir()) / "model"
            io_utils.copy_dir(model, str(fetched))
            model = str(fetched)
        return str(push.push(Path(model), Path(serving)))


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


def _is_remote(uri: str) -> bool:
    return "://" in uri
