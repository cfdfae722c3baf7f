"""Compares what a task declares with the schema of the data.

ExampleValidator compares the data with a schema inferred from the same data. So it cannot notice that a column which
the task needs is missing. Transform would notice it minutes later, with a message of TensorFlow's.
"""

from __future__ import annotations

from typing import Any

from limbeck.errors import nearest
from limbeck.task import Task


def missing_from_schema(task: Task, schema: Any) -> list[str]:
    """Returns what the task declares and the data do not have.

    Args:
      task: the task whose features and label are needed.
      schema: a tensorflow_metadata `Schema` of the raw examples.

    Returns:
      One sentence for each feature that is absent, has a type that cannot be read as the declared one, or is missing in
      some examples although the task has no default for it.
    """
    from tensorflow_metadata.proto.v0 import schema_pb2

    types = {feature.name: feature.type for feature in schema.feature}
    numeric = (schema_pb2.FLOAT, schema_pb2.INT)
    legal = {"number": numeric, "integer": (schema_pb2.INT,), "text": (schema_pb2.BYTES,)}
    declared = {feature.name: feature.kind for feature in task.features}
    declared |= dict.fromkeys(task.objective.raw_features, task.label.kind)
    if task.label.visible_to_student is not None:
        declared[task.label.visible_to_student] = "integer"
    found = []
    for name, kind in declared.items():
        if name not in types:
            found.append(f"feature '{name}': declared by the task, but not in the data.{nearest(name, types)}")
        elif types[name] not in legal[kind]:
            received = schema_pb2.FeatureType.Name(types[name])
            found.append(f"feature '{name}': declared as {kind}, but the data hold {received}")
    in_data = {feature.name: feature for feature in schema.feature}
    return found + [
        f"feature '{one.name}': missing in some examples, but the task declares no default for it: "
        "give its Feature a default, or complete the data"
        for one in task.features
        if one.default is None and one.name in in_data and _is_partial(in_data[one.name])
    ]


def _is_partial(feature: Any) -> bool:
    return bool(feature.HasField("presence") and feature.presence.min_fraction < 1)
