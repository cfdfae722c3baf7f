"""The `preprocessing_fn` that stock Transform runs. It calls the task's own, and adds the label and the example id.

Every task needs dense features, an encoded label and an example id. If the function of each task made them, each would
do it a little differently, and a function that gets the label could leak it into the inputs. So the task's function
gets only the dense raw features.
"""

from __future__ import annotations

import math
import os
from typing import Any

from limbeck import task_code
from limbeck.errors import DataError, TaskError, nearest
from limbeck.examples import EXAMPLE_ID, LABEL, RESERVED, STUDENT_LABEL
from limbeck.objectives.objective import Objective
from limbeck.records import from_json
from limbeck.reference import TaskRef, located
from limbeck.task import Feature, Label, Task

Inputs = dict[str, Any]


def preprocessing_fn(inputs: Inputs, custom_config: dict[str, Any]) -> Inputs:
    """Computes the transformed example, as `preprocess` does. Transform calls it.

    Args:
      inputs: the raw features of the schema, by name.
      custom_config: `task` is a `TaskRef`, as JSON.
    """
    return preprocess(located(from_json(TaskRef, custom_config["task"]), os.environ).load(), inputs)


def preprocess(task: Task, inputs: Inputs) -> Inputs:
    """Computes the transformed example.

    Args:
      task: the task, with features, label and `preprocessing_fn`.
      inputs: raw features by name, each dense `[batch, *shape]` or sparse `[batch, any]`.

    Returns:
      The task's model inputs; `label` and `student_label`, both as the task's objective encodes them (classes: int64
      `[batch]`, -1 without a label); and `example_id`, string `[batch]`.

    Raises:
      DataError: if the data lack a declared feature.
      TaskError: if the task's function raises, or returns a reserved name.
    """
    features = {feature.name: dense_feature(feature, _take(inputs, feature.name)) for feature in task.features}
    with task_code.guarded(f"preprocessing_fn of task '{task.name}' fails"):
        outputs = dict(task.preprocessing_fn(features))
    taken = RESERVED.intersection(outputs)
    if taken:
        raise TaskError(f"preprocessing_fn of task '{task.name}' returns the reserved names {sorted(taken)}")
    return outputs | labels_and_id(task, inputs, inputs)


def labels_and_id(task: Task, labelled: Inputs, inputs: Inputs) -> Inputs:
    """Computes the features of a transformed example that are not inputs of the model.

    Args:
      task: the task, with its label.
      labelled: the features that hold the label, by name. There may be other features.
      inputs: the raw features, by name.

    Returns:
      `label`, `student_label` and `example_id`, as `preprocess` describes them.

    Raises:
      DataError: if a feature is missing.
    """
    label = encode_label(task.objective, labelled)
    return {
        LABEL: label,
        STUDENT_LABEL: _visible_label(task.label, task.objective, label, inputs),
        EXAMPLE_ID: content_id(inputs),
    }


def dense_feature(feature: Feature, values: Any) -> Any:
    """Makes one raw feature dense, and fills its gaps with its default.

    Args:
      feature: the declaration of the feature.
      values: its raw values, dense `[batch, *shape]` or sparse `[batch, any]`.

    Returns:
      `[batch, *shape]`: float32 for numbers, int64 for integers, string for texts. If the feature has gaps and no
      default, computing it raises InvalidArgumentError.
    """
    import tensorflow as tf

    dtype = {"number": tf.float32, "integer": tf.int64, "text": tf.string}[feature.kind]
    if values.dtype != dtype:
        # Converted before gaps are filled: as an integer, a default of 0.5 would become 0.
        values = tf.cast(values, dtype)
    if isinstance(values, tf.sparse.SparseTensor):
        size = math.prod(feature.shape)
        values = _to_dense(_complete(feature, values, size), size, feature.default)
    return tf.reshape(values, [-1, *feature.shape])


def encode_label(objective: Objective, inputs: Inputs) -> Any:
    """Encodes the label of each example.

    The objective gets only the examples that have a label. If the missing labels were filled with a value first, this
    value could not be told from a label with the same value. If the objective goes by columns, an example with some of
    the columns has a label, and the results for missing columns are replaced.

    Args:
      objective: the objective of the task.
      inputs: raw features by name.

    Returns:
      `[batch, *label_shape]`, in the objective's dtype: the output of `Objective.encode`, or `unlabelled` for an
      example without a label and for a column that it lacks.

    Raises:
      DataError: if the data lack a feature that holds the label.
    """
    import tensorflow as tf

    raw = {name: _raw_label(objective, _take(inputs, name)) for name in objective.raw_features}
    there = tf.stack([present for _, present in raw.values()], axis=1)
    labelled = (tf.reduce_any if objective.by_column else tf.reduce_all)(there, axis=1)
    encoded = objective.encode({name: tf.boolean_mask(values, labelled) for name, (values, _) in raw.items()})
    if objective.by_column:
        missing = tf.constant(objective.unlabelled, encoded.dtype)
        encoded = tf.where(tf.boolean_mask(there, labelled), encoded, missing)
    shape = tf.concat([tf.shape(labelled), tf.constant(objective.label_shape, tf.int32)], axis=0)
    unlabelled = tf.fill(shape, tf.constant(objective.unlabelled, tf.as_dtype(objective.label_dtype)))
    label = tf.tensor_scatter_nd_update(unlabelled, tf.where(labelled), encoded)
    return tf.ensure_shape(label, [None, *objective.label_shape])


def assert_declared(objective: Objective, labels: Any, what: str) -> None:
    """Raises DataError if an example has a label that the task does not declare.

    Args:
      objective: the objective of the task.
      labels: NumPy array `[examples, *label_shape]` of encoded labels.
      what: name of the examples in the message, such as `training examples`.
    """
    assert_none_undeclared(objective, int(objective.undeclared(labels).sum()), len(labels), what)


def assert_none_undeclared(objective: Objective, unknown: int, total: int, what: str) -> None:
    """Raises DataError if `unknown` is not 0: so many of `total` examples have a label that the task does not declare.

    Args:
      objective: the objective of the task.
      unknown: number of examples.
      total: number of examples.
      what: name of the examples in the message, such as `training examples`.
    """
    if unknown:
        classes, remedy = objective.label_values, "correct the data, or the declaration of the task's label"
        if classes:
            remedy = "correct the data, or the classes of the task's label"
            if objective.label.kind == "integer":
                remedy = f"classes count from 0, and the last is {len(classes) - 1} ('{classes[-1]}'); {remedy}"
        raise DataError(
            f"{unknown} of {total} {what} have a label that the task does not declare: {remedy}; "
            "an example without a label leaves the feature out"
        )


def content_id(inputs: Inputs) -> Any:
    """Returns an id for each example, string `[batch]`. It depends only on the example's raw content, label included.

    Equal rows get equal ids, in any order, file or batch. An id is two keyed 62-bit values of SipHash (Aumasson and
    Bernstein, 2012). Different rows are unlikely to share an id below about 10^18 pairs of rows.
    """
    import tensorflow as tf

    row = tf.strings.join([_content(inputs[name]) for name in sorted(inputs)], separator="|")
    halves = [tf.strings.to_hash_bucket_strong(row, 2**62, key=[0x6C696D6265636B, half]) for half in (1, 2)]
    return tf.strings.join([tf.strings.as_string(half, width=19, fill="0") for half in halves])


def dense_or_sparse(values: Any) -> Any:
    """Returns ragged values as sparse ones, from which an id can be computed, and other values unchanged."""
    import tensorflow as tf

    return values.to_sparse() if isinstance(values, tf.RaggedTensor) else values


def _content(values: Any) -> Any:
    import tensorflow as tf

    if isinstance(values, tf.sparse.SparseTensor):
        # Each value ends with a comma, and padding is an empty text, because the amount of padding depends on the
        # batch.
        closed = tf.sparse.SparseTensor(values.indices, _exact_text(values.values) + ",", values.dense_shape)
        return tf.strings.reduce_join(tf.sparse.to_dense(closed, default_value=""), axis=1)
    flat = tf.reshape(values, [tf.shape(values)[0], -1])
    return tf.strings.reduce_join(_exact_text(flat) + ",", axis=1)


def _exact_text(values: Any) -> Any:
    import tensorflow as tf

    if values.dtype == tf.string:
        return tf.io.encode_base64(values)
    return tf.strings.as_string(tf.bitcast(values, tf.int32) if values.dtype == tf.float32 else values)


def _raw_label(objective: Objective, values: Any) -> tuple[Any, Any]:
    """Returns a part of the raw label, `[batch]` in the dtype of its kind, and whether it is there, bool `[batch]`."""
    import tensorflow as tf

    dtype = {"number": tf.float32, "integer": tf.int64, "text": tf.string}[objective.label.kind]
    if values.dtype != dtype:
        values = tf.cast(values, dtype)
    if not isinstance(values, tf.sparse.SparseTensor):
        flat = tf.reshape(values, [-1])
        return flat, tf.fill(tf.shape(flat), True)
    there = tf.sparse.SparseTensor(values.indices, tf.fill(tf.shape(values.values), True), values.dense_shape)
    present = _to_dense(there, 1, default=False)
    return tf.reshape(_to_dense(values, 1, default=None), [-1]), tf.reshape(present, [-1])


def _visible_label(label: Label, objective: Objective, encoded: Any, inputs: Inputs) -> Any:
    import tensorflow as tf

    if label.visible_to_student is None:
        return tf.identity(encoded)
    visible = dense_feature(
        Feature(label.visible_to_student, "integer", default=0), _take(inputs, label.visible_to_student)
    )
    # The mask has as many axes as the label, so that the whole label of an example is hidden.
    hidden = tf.reshape(visible == 0, [-1, *[1] * len(objective.label_shape)])
    return tf.where(hidden, tf.constant(objective.unlabelled, encoded.dtype), encoded)


def _complete(feature: Feature, values: Any, size: int) -> Any:
    """Returns the same tensor. Computing it raises InvalidArgumentError if the feature has gaps and no default."""
    import tensorflow as tf

    if feature.default is not None:
        return values
    expected = values.dense_shape[0] * size
    # The message has no quotes, because a graph would put backslashes before them.
    message = (
        f"feature {feature.name} has no default, so every example must have its {size} values: complete the data, "
        "or give the feature a default"
    )
    assertion = tf.debugging.assert_equal(tf.size(values.values, tf.int64), expected, message)
    with tf.control_dependencies([] if assertion is None else [assertion]):
        return tf.sparse.SparseTensor(values.indices, tf.identity(values.values), values.dense_shape)


def _to_dense(values: Any, size: int, default: Any) -> Any:
    import tensorflow as tf

    if default is None:
        default = "" if values.dtype == tf.string else 0
    cut = tf.sparse.SparseTensor(values.indices, values.values, [values.dense_shape[0], size])
    filling = default if values.dtype == tf.string else tf.cast(default, values.dtype)
    return tf.sparse.to_dense(cut, default_value=filling)


def _take(inputs: Inputs, name: str) -> Any:
    if name not in inputs:
        raise DataError(
            f"the data have no feature '{name}' that the task declares.{nearest(name, inputs)} "
            f"They have: {', '.join(sorted(inputs))}"
        )
    return inputs[name]
