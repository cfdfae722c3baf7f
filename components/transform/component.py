"""Transform: TFX's component. It gets the name of the preprocessing function and the digest of its code."""

from __future__ import annotations

from tfx.components.transform import component
from tfx.dsl.components.base import executor_spec
from tfx.dsl.components.base.base_node import BaseNode

from limbeck.components.graph.context import Context
from limbeck.components.properties.code import code_properties
from limbeck.components.transform.executor import Executor

_MODULE = "limbeck.trainer.data.preprocessing"


class Transform(component.Transform):
    """TFX's Transform, with the same inputs, outputs and properties."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)


def transform(context: Context, raw: BaseNode, schema: BaseNode, stop: BaseNode) -> Transform:
    """Makes the node `Transform`. It waits for the node `stop`."""
    node = Transform(
        examples=raw.outputs["examples"],
        schema=schema.outputs["schema"],
        # The function is given by name, because TFX would hash every file beside a module file.
        preprocessing_fn=f"{_MODULE}.preprocessing_fn",
        custom_config=code_properties(context.code([_MODULE], context.digests.preprocessing)),
        # Transform's statistics take half of its time, and nobody reads them. StatisticsGen describes the raw data.
        disable_statistics=True,
    )
    node.add_upstream_node(stop)
    return node
