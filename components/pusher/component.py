"""Pusher: ships the student that the gate has blessed."""

from __future__ import annotations

from tfx.components.pusher import component
from tfx.dsl.components.base import executor_spec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.proto import pusher_pb2

from limbeck.components.graph.context import Context
from limbeck.components.properties.code import code_properties
from limbeck.components.pusher.executor import Executor


class Pusher(component.Pusher):
    """TFX's Pusher, with the same inputs, output and properties. It pushes a version as a whole, or not at all."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def pusher(context: Context, student: BaseNode, gate: BaseNode) -> Pusher:
    """Makes the node `Pusher`."""
    filesystem = pusher_pb2.PushDestination.Filesystem(base_directory=context.storage.serving)
    return Pusher(
        model=student.outputs["model"],
        model_blessing=gate.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(filesystem=filesystem),
        custom_config=code_properties(context.code(["limbeck.components.pusher.executor:Executor"])),
    )
