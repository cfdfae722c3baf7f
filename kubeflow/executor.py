"""Runs one TFX executor as TFX's own `run_executor` does, but without its imports.

`kubeflow_v2_run_executor` and `kubeflow_v2_entrypoint_utils` import the package `tfx.components`, and with it every
component of TFX, model analysis, Beam and clients of several clouds: for a few constants, and for a step that
`limbeck.kubeflow.output_file` takes anyway (names in the place of numbers, in TFX's blessing). For a step that takes a
second, this import takes longer than the work. So this module reads artifacts and parameters with TFX's own classes.
`tests/kubeflow/test_executor.py` checks that an executor gets the same arguments, and gives the same outputs, as with
TFX's function.

In TFX, a driver can change parameters through the output file. Our nodes have no drivers, so this module does not
support it.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from limbeck.kubeflow.artifact_types import known_class

if TYPE_CHECKING:
    from tfx.types.artifact import Artifact

Json = dict[str, Any]
_BEAM_EXECUTORS = "tfx.dsl.components.base.base_beam_executor"
# Numbers of artifacts are of 63 bits in ML Metadata.
_NUMBERS = 1 << 63


def execute(executor: str, content: Json, inputs: Json, flags: Sequence[str]) -> Json:
    """Runs an executor; returns what it tells, as an ExecutorOutput.

    Args:
      executor: path of its class.
      content: ExecutorInput, as `limbeck.kubeflow.invocation.understood` returns it.
      inputs: `inputDefinitions` of the component.
      flags: of Beam.

    Raises:
      ImportError: where there is no such class.
      UserError: of the executor.
    """
    from absl import logging  # type: ignore[import-untyped]
    from tfx.orchestration.portable import outputs_utils
    from tfx.types import artifact_utils
    from tfx.utils import import_utils

    logging.set_verbosity(logging.INFO)
    names: dict[int, str] = {}
    given, outputs = (_artifacts(content[side].get("artifacts", {}), names) for side in ("inputs", "outputs"))
    properties = _properties(content["inputs"].get("parameterValues", {}), inputs.get("parameters", {}))
    logging.info("%s: inputs %s, outputs %s, properties %s", executor, given, outputs, properties)
    kind = import_utils.import_class_by_path(executor)
    kind(_context(kind, content["outputs"]["outputFile"], list(flags))).Do(given, outputs, properties)
    outputs_utils.tag_output_artifacts_with_version(outputs)
    told: Json = {
        "artifacts": {
            key: {"artifacts": [_told(artifact_utils.get_single_instance(listed), names)]}
            for key, listed in outputs.items()
        }
    }
    asked = content["outputs"].get("parameters", {})
    return told | ({"parameterValues": {key: _value(outputs, key) for key in asked}} if asked else {})


def number_of(name: str) -> int:
    """Returns the number that TFX makes of an artifact's name, because its own artifacts have numbers."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % _NUMBERS


def _artifacts(side: Json, names: dict[int, str]) -> dict[str, list[Artifact]]:
    return {key: [_artifact(one, names) for one in listed.get("artifacts", [])] for key, listed in side.items()}


def _artifact(given: Json, names: dict[int, str]) -> Artifact:
    from tfx.types import artifact as kinds
    from tfx.utils import import_utils

    made: Artifact = import_utils.import_class_by_path(known_class(given["type"]))()
    made.uri = given["uri"]
    if given.get("name"):
        made.id = number_of(given["name"])
        names[made.id] = given["name"]
    declared = made.artifact_type.properties
    numbers = {_kinds().INT: int, _kinds().DOUBLE: float}
    for key, value in given.get("metadata", {}).items():
        if key in declared and _fits(declared[key], value):
            setattr(made, key, numbers.get(declared[key], _same)(value))
        elif value is not None:
            plain = key.removeprefix(kinds.CUSTOM_PROPERTIES_PREFIX)
            made.set_json_value_custom_property(plain if plain in declared else key, value)
    # Writes what was set into the message of ML Metadata, where `get_string_custom_property` looks for it.
    made.set_mlmd_artifact(made.mlmd_artifact)
    return made


def _fits(kind: int, value: Any) -> bool:
    """Returns whether a value of metadata can be a property of this kind, and not a custom property."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    fitting = {
        _kinds().INT: number,
        _kinds().DOUBLE: number,
        _kinds().STRING: isinstance(value, str),
        _kinds().STRUCT: value is not None,
    }
    return fitting.get(kind, False)


def _same(value: Any) -> Any:
    return value


def _kinds() -> Any:
    from ml_metadata.proto import metadata_store_pb2

    return metadata_store_pb2


def _properties(values: Json, declared: Json) -> Json:
    """Values as executors read them. KFP and JSON know one kind of number; a whole one is declared as such."""

    def value(key: str, given: Any) -> Any:
        if isinstance(given, bool) or not isinstance(given, (int, float)):
            return given
        whole = declared.get(key, {}).get("parameterType") == "NUMBER_INTEGER"
        return int(given) if whole else float(given)

    return {key: value(key, given) for key, given in values.items()}


def _context(kind: Any, output_file: str, flags: list[str]) -> Any:
    """Returns what the executor is made with; `.temp` beside the output file is for what it does not keep."""
    from tfx.dsl.components.base import base_executor

    folder = os.path.dirname(output_file)  # noqa: PTH120  # may be a URI
    common = {"unique_id": os.path.basename(folder), "tmp_dir": os.path.join(folder, ".temp")}  # noqa: PTH118, PTH119
    # Whose class derives from Beam's has imported it; nobody else needs to wait for Beam.
    beam = sys.modules.get(_BEAM_EXECUTORS)
    if beam is not None and issubclass(kind, beam.BaseBeamExecutor):
        return beam.BaseBeamExecutor.Context(beam_pipeline_args=flags, **common)
    return base_executor.BaseExecutor.Context(extra_flags=flags, **common)


def _told(artifact: Artifact, names: dict[int, str]) -> Json:
    from tfx.types import artifact as kinds

    message = artifact.mlmd_artifact
    metadata = {key: _plain(value) for key, value in message.properties.items()}
    for key, value in message.custom_properties.items():
        prefix = kinds.CUSTOM_PROPERTIES_PREFIX if key in artifact.artifact_type.properties else ""
        metadata[prefix + key] = _plain(value)
    named = {"name": names[artifact.id]} if artifact.id in names else {}
    return {**named, "uri": artifact.uri, "metadata": metadata}


def _plain(value: Any) -> Any:
    """Returns a value of ML Metadata as JSON. Numbers are doubles there."""
    from tfx.types import artifact as kinds

    kind = value.WhichOneof("value")
    if kind == "int_value":
        return float(value.int_value)
    if kind == "struct_value":
        return kinds._decode_struct_value(value.struct_value)
    return None if kind is None else getattr(value, kind)


def _value(outputs: dict[str, list[Artifact]], key: str) -> Any:
    """Returns the content of an output that is a value. Raises ValueError for any other."""
    from tfx.types import standard_artifacts as kinds

    [artifact] = outputs.get(key, [None])
    if not isinstance(artifact, (kinds.String, kinds.Float, kinds.Integer, kinds.Boolean)):
        raise ValueError(f"the output parameter '{key}' needs an output that is a text, a number or a bool")
    return artifact.read()
