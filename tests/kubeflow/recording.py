"""Executors that keep what they are given, and tell a little of everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from tfx.dsl.components.base import base_beam_executor, base_executor
from tfx.types import artifact, standard_artifacts, system_artifacts


class Anything(artifact.Artifact):
    """An artifact with a property of each kind that KFP can carry."""

    TYPE_NAME = "recording.Anything"
    PROPERTIES: ClassVar = {
        "whole": artifact.Property(type=artifact.PropertyType.INT),
        "fraction": artifact.Property(type=artifact.PropertyType.FLOAT),
        "text": artifact.Property(type=artifact.PropertyType.STRING),
        "structure": artifact.Property(type=artifact.PropertyType.JSON_VALUE),
    }


class Numbers(artifact.Artifact):
    """An artifact of the kind that KFP's UI draws."""

    TYPE_NAME = "recording.Numbers"
    TYPE_ANNOTATION = system_artifacts.Metrics


class Recording:
    """What the last executor was given."""

    given: ClassVar[list[Any]] = []


def _work(executor: Any, inputs: Any, outputs: Any, properties: Any) -> None:
    context = executor._context
    flags = getattr(context, "beam_pipeline_args", None), context.extra_flags
    messages = {
        key: [(type(one), one.mlmd_artifact.SerializeToString(deterministic=True)) for one in listed]
        for side in (inputs, outputs)
        for key, listed in side.items()
    }
    types = {key: type(value) for key, value in properties.items()}
    Recording.given.append((messages, properties, types, flags, context._unique_id, context.get_tmp_path()))
    [told] = outputs["anything"]
    told.whole, told.fraction, told.text, told.structure = 7, 0.5, "b", {"c": [1, None, True]}
    told.set_int_custom_property("number", 2**40)
    told.set_float_custom_property("half", 0.5)
    told.set_string_custom_property("whole", "hides a property of the type")
    told.set_json_value_custom_property("json", [1, {"a": "b"}])
    if inputs.get("model"):
        told.set_int_custom_property("current_model_id", inputs["model"][0].id)
    if "text" in outputs:
        assert isinstance(outputs["text"][0], standard_artifacts.String)
        Path(outputs["text"][0].uri).parent.mkdir(parents=True, exist_ok=True)
        outputs["text"][0].write("written")


class Executor(base_executor.BaseExecutor):
    """One of Python's."""

    def Do(self, input_dict: Any, output_dict: Any, exec_properties: Any) -> None:  # noqa: N802
        """Called by TFX."""
        _work(self, input_dict, output_dict, exec_properties)


class BeamExecutor(base_beam_executor.BaseBeamExecutor):
    """One of Beam's."""

    def Do(self, input_dict: Any, output_dict: Any, exec_properties: Any) -> None:  # noqa: N802
        """Called by TFX."""
        _work(self, input_dict, output_dict, exec_properties)
