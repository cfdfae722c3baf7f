"""Pusher: ships what the gate has blessed."""

from __future__ import annotations

from tfx.components.pusher import component
from tfx.dsl.components.base import executor_spec

from components.pusher.executor import Executor


class Pusher(component.Pusher):
    """TFX's own Pusher, of the same inputs, output and properties, that pushes all of a version or nothing."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
