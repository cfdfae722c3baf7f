"""The schema that a task brings along: what its author knows about the data.

An inferred schema only describes the first data. It does not say that an hour ends at 23, or that new companies are
allowed. A schema written by hand says both. It is in a file of the task, in the text form of tensorflow_metadata's
`Schema`.
"""

from __future__ import annotations

from typing import Any

from limbeck.errors import TaskError, nearest
from limbeck.task import Task


def read(task: Task) -> Any:
    """Returns the task's `Schema`; None if the task brings none.

    Raises:
      TaskError: if there is no such file, if it is not a schema, or if it lacks a feature that the task declares.
    """
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    if task.schema is None:
        return None
    if not task.schema.is_file():
        raise TaskError(
            f"the schema of task '{task.name}' must be a file, but there is none at {task.schema}: write it, or leave "
            "schema out of the Task"
        )
    try:
        schema = text_format.Parse(task.schema.read_bytes(), schema_pb2.Schema())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise TaskError(
            f"{task.schema} must be a tensorflow_metadata Schema in text form, but cannot be read: {error}"
        ) from None
    known = {feature.name for feature in schema.feature}
    for name in (*(feature.name for feature in task.features), *task.objective.raw_features):
        if name not in known:
            raise TaskError(
                f"{task.schema} must have each feature that the task declares, but has no '{name}': add "
                f'feature {{ name: "{name}" ... }}.{nearest(name, known)}'
            )
    return schema
