"""Compares what a task declares with the schema of the data.

ExampleValidator compares the data with a schema inferred from the same data. So it cannot notice that a column which
the task needs is missing. Transform would notice it minutes later, with a message of TensorFlow's.

A column that only one split lacks is a further problem: SchemaGen marks it as deprecated, for all splits. Then
Transform ignores the column, and says that no example has it. The column of later data would never be compared.
"""

from __future__ import annotations

from typing import Any

from limbeck.components.anomaly_stop.accepted import Span
from limbeck.errors import nearest
from limbeck.examples import TEST, VALIDATION
from limbeck.task import Task

# What cannot be done if a split has no label.
_JUDGES = {
    VALIDATION: "temperature, alpha and the end of a training are chosen by its labels",
    TEST: "the gate judges the student by its labels",
}


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
    declared, found = _declared(task), []
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


def missing_from_split(task: Task, span: Span) -> list[str]:
    """Returns which splits lack the label, or another declared feature that the data have.

    Args:
      task: the task whose features and label are needed.
      span: statistics of each split, and the schema that SchemaGen inferred from all of them.

    Returns:
      One sentence for each split without a label in which models are judged, and for each feature that the schema marks
      as deprecated because a split has no value of it.
    """
    labels = {feature.name for feature in span.schema.feature} & set(task.objective.raw_features)
    counts = {split: _counts(statistics) for split, statistics in span.statistics.items()}
    found, unlabelled = [], set()
    for split, (examples, valued) in counts.items():
        if split in _JUDGES and labels and examples and not labels & valued.keys():
            unlabelled.add(split)
            found.append(
                f"split '{split}': 0 of {examples} examples have a label ('{task.label.name}'), but "
                f"{_JUDGES[split]}: label some of its examples, or move labelled ones into it; rows without a label "
                "belong into split 'train'"
            )
    for name in deprecated(task, span.schema):
        for split, (examples, valued) in counts.items():
            if examples and name not in valued and not (name in labels and split in unlabelled):
                having = max(counts, key=lambda other: counts[other][1].get(name, 0))
                found.append(
                    f"split '{split}', feature '{name}': 0 of {examples} examples have a value of it, but "
                    f"{counts[having][1].get(name, 0)} examples of split '{having}' have: complete the data, or "
                    "leave it out of the task"
                )
    return found


def deprecated(task: Task, schema: Any) -> list[str]:
    """Returns the declared features that a schema marks as deprecated: no data are compared with it then."""
    from tensorflow_metadata.proto.v0 import schema_pb2

    marked = {one.name for one in schema.feature if one.lifecycle_stage == schema_pb2.DEPRECATED}
    return [name for name in _declared(task) if name in marked]


def _declared(task: Task) -> dict[str, str]:
    declared: dict[str, str] = {feature.name: feature.kind for feature in task.features}
    declared |= dict.fromkeys(task.objective.raw_features, task.label.kind)
    if task.label.visible_to_student is not None:
        declared[task.label.visible_to_student] = "integer"
    return declared


def _counts(statistics: Any) -> tuple[int, dict[str, int]]:
    """Returns the number of examples, and for each feature with a value the number of examples that have one."""
    [dataset] = statistics.datasets
    valued = {}
    for feature in dataset.features:
        kind = feature.WhichOneof("stats")
        if kind and (count := getattr(feature, kind).common_stats.num_non_missing):
            valued[feature.path.step[0] if feature.path.step else feature.name] = count
    return dataset.num_examples, valued


def _is_partial(feature: Any) -> bool:
    return bool(feature.HasField("presence") and feature.presence.min_fraction < 1)
