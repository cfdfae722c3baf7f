"""ExampleAdapter: examples and transform graph of another pipeline -> examples that the student half can read."""

from __future__ import annotations

from typing import ClassVar

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import channel, channel_utils, component_spec, standard_artifacts

from limbeck.components.example_adapter.executor import Executor
from limbeck.components.graph.context import Context
from limbeck.components.properties.code import CODE, code_properties
from limbeck.components.properties.sections import Properties
from limbeck.records import to_json
from limbeck.splits import Splits

_Channel = component_spec.ChannelParameter


class ExampleAdapterSpec(component_spec.ComponentSpec):
    """Parameters, inputs and outputs of ExampleAdapter."""

    PARAMETERS: ClassVar = CODE | {"splits": component_spec.ExecutionParameter(type=str)}
    INPUTS: ClassVar = {
        "raw_examples": _Channel(type=standard_artifacts.Examples),
        "raw_transform_graph": _Channel(type=standard_artifacts.TransformGraph),
    }
    OUTPUTS: ClassVar = {
        "examples": _Channel(type=standard_artifacts.Examples),
        "transformed_examples": _Channel(type=standard_artifacts.Examples),
        "transform_graph": _Channel(type=standard_artifacts.TransformGraph),
    }


class ExampleAdapter(base_beam_component.BaseBeamComponent):
    """Adds label and id to transformed examples, and drops the features that the student may not read.

    Outputs: `examples`, up to 256 raw examples of the split `test`; `transformed_examples` in the splits `train`,
    `test` and maybe `validation`; `transform_graph`, the given graph with the schema of these examples.
    """

    SPEC_CLASS = ExampleAdapterSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self, examples: channel.BaseChannel, transform_graph: channel.BaseChannel, properties: Properties
    ) -> None:
        """Takes raw `examples`, a `transform_graph`, and `properties` as its spec declares them."""
        spec = ExampleAdapterSpec(
            raw_examples=examples,
            raw_transform_graph=transform_graph,
            examples=channel_utils.as_channel([standard_artifacts.Examples()]),
            transformed_examples=channel_utils.as_channel([standard_artifacts.Examples()]),
            transform_graph=channel_utils.as_channel([standard_artifacts.TransformGraph()]),
            **properties,
        )
        super().__init__(spec=spec)


def example_adapter(
    context: Context,
    examples: channel.BaseChannel,
    transform_graph: channel.BaseChannel,
    splits: Splits,
) -> ExampleAdapter:
    """Makes the node `ExampleAdapter`."""
    code = context.code(["limbeck.components.example_adapter.executor:Executor"], context.digests.preprocessing)
    return ExampleAdapter(examples, transform_graph, code_properties(code) | {"splits": to_json(splits)})
