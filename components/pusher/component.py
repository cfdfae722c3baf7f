"""Pusher: ships the student that the gate has blessed."""

from __future__ import annotations

from typing import Any, ClassVar

from tfx.components.pusher import component
from tfx.dsl.components.base import executor_spec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.proto import pusher_pb2
from tfx.types import channel, channel_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.utils import json_utils

from limbeck.components.artifacts.types import CompressedModel
from limbeck.components.graph.context import Context
from limbeck.components.properties.code import code_properties
from limbeck.components.pusher.executor import COMPRESSED, Executor


class PusherSpec(standard_component_specs.PusherSpec):
    """Parameters, inputs and outputs of TFX's Pusher, and the student's compressed file."""

    INPUTS: ClassVar = standard_component_specs.PusherSpec.INPUTS | {
        COMPRESSED: component_spec.ChannelParameter(type=CompressedModel, optional=True)
    }


class Pusher(component.Pusher):
    """TFX's Pusher, with one more input: a compressed student, which is pushed in the same version as its model.

    It pushes a whole version or nothing.
    """

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: channel.BaseChannel,
        model_blessing: channel.BaseChannel | None = None,
        infra_blessing: channel.BaseChannel | None = None,
        *,
        push_destination: pusher_pb2.PushDestination | None = None,
        custom_config: dict[str, Any] | None = None,
        compressed: channel.BaseChannel | None = None,
    ) -> None:
        """Takes what TFX's Pusher takes, and the output `model` of Compressor as `compressed`."""
        spec = PusherSpec(
            model=model,
            model_blessing=model_blessing,
            infra_blessing=infra_blessing,
            compressed=compressed,
            push_destination=push_destination,
            custom_config=json_utils.dumps(custom_config),
            pushed_model=channel_utils.as_channel([standard_artifacts.PushedModel()]),
        )
        # TFX's Pusher makes its own spec, which does not have this input.
        super(component.Pusher, self).__init__(spec=spec)


def pusher(context: Context, student: BaseNode, gate: BaseNode, compressor: BaseNode | None = None) -> Pusher:
    """Makes the node `Pusher`. `compressor` is given if the run compresses the student."""
    filesystem = pusher_pb2.PushDestination.Filesystem(base_directory=context.storage.serving)
    return Pusher(
        model=student.outputs["model"],
        model_blessing=gate.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(filesystem=filesystem),
        custom_config=code_properties(context.code(["limbeck.components.pusher.executor:Executor"])),
        compressed=compressor.outputs["model"] if compressor else None,
    )
