"""Transform: TFX's own component. It gets the name of the preprocessing function and the digest of its code."""

from __future__ import annotations

from tfx.components import Transform
from tfx.dsl.components.base.base_node import BaseNode

from limbeck.components.graph.context import Context
from limbeck.components.properties.code import code_properties

_MODULE = "limbeck.trainer.data.preprocessing"


def transform(context: Context, raw: BaseNode, schema: BaseNode, stop: BaseNode) -> Transform:
    """Makes the node `Transform`. It waits for the node `stop`."""
    node = Transform(
        examples=raw.outputs["examples"],
        schema=schema.outputs["schema"],
        # Not as a file, because TFX would hash every file beside it.
        preprocessing_fn=f"{_MODULE}.preprocessing_fn",
        custom_config=code_properties(context.code([_MODULE], context.digests.preprocessing)),
        # Nobody reads its statistics, and they take half of its time. StatisticsGen describes the raw data.
        disable_statistics=True,
    )
    node.add_upstream_node(stop)
    return node
