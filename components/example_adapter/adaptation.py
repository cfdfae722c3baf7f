"""Raw examples and transform graph of another pipeline -> transformed examples with label and id.

Stock Transform writes the outputs of its `preprocessing_fn`: there is no id, and the label is among the features. So
soft targets and predictions could not be joined with examples, and a student that takes every feature would learn from
the label. Raw and transformed examples cannot be joined either, because Transform does not keep their order. So this
module applies the transform graph to the raw examples again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from limbeck.aliases import Features, FeatureSpec, TransformOutput
from limbeck.errors import DataError, TaskError, nearest
from limbeck.examples import EXAMPLE_ID, LABEL, RAW_EXAMPLE, RESERVED, STUDENT_LABEL
from limbeck.task import Task
from limbeck.trainer.data.preprocessing import dense_or_sparse, labels_and_id


def adapted_spec(task: Task, transform: TransformOutput) -> FeatureSpec:
    """Returns the feature spec of the adapted examples: inputs, label, id, and the serialized raw example.

    The model's inputs are those outputs of the graph that can be computed from the features that the task declares. No
    other features exist when the student serves. The label is not an input.

    Args:
      task: the task.
      transform: someone's transform graph.

    Raises:
      DataError: if the graph has no such raw feature, or neither an output nor a raw feature with the label's name.
      TaskError: if the label can be computed from the declared features, if an input has a reserved name, or if no
        output can be computed.
    """
    import tensorflow as tf

    outputs, computed = transform.transformed_feature_spec(), _computed(task, transform)
    for label in task.objective.raw_features:
        if label in computed:
            raise TaskError(
                f"the label '{label}' is computed from features that task '{task.name}' declares, so the student would "
                "be told the answer: leave the raw feature that the label is made of out of the task's features"
            )
        if label not in {*outputs, *transform.raw_feature_spec()}:
            raise DataError(
                f"the label '{label}' is neither an output of the transform graph nor a raw feature."
                f"{nearest(label, outputs)} Its outputs are: {', '.join(sorted(outputs))}"
            )
    if taken := RESERVED & computed:
        raise TaskError(f"the transform graph has outputs with the reserved names {sorted(taken)}: rename them")
    if not computed:
        raise TaskError(
            f"no output of the transform graph can be computed from the features of task '{task.name}': declare the "
            f"raw features that the student may use, of {', '.join(sorted(transform.raw_feature_spec()))}"
        )
    objective, text = task.objective, tf.io.FixedLenFeature([], tf.string)
    own = {
        LABEL: objective.label_spec(),
        STUDENT_LABEL: objective.label_spec(),
        EXAMPLE_ID: text,
        RAW_EXAMPLE: text,
    }
    return {name: outputs[name] for name in sorted(computed)} | own


class Adaptation:
    """Adapts serialized raw examples. It loads the graph, so make only one in each process."""

    def __init__(self, task: Task, transform: TransformOutput) -> None:
        """Arguments and errors are those of `adapted_spec`."""
        import tensorflow as tf
        from tensorflow_transform import impl_helper
        from tensorflow_transform.tf_metadata import schema_utils
        from tfx_bsl.coders import example_coder

        self._task = task
        self._spec = adapted_spec(task, transform)
        self._raw_spec = transform.raw_feature_spec()
        self._graph = _loaded(transform)
        schema = schema_utils.schema_from_feature_spec(self._spec)
        self._converter = impl_helper.make_tensor_to_arrow_converter(schema)
        self._encoder = example_coder.RecordBatchToExamplesEncoder(schema)
        signature = [tf.TensorSpec([None], tf.string)]
        self._adapt = tf.function(self._tensors, input_signature=signature, autograph=False)

    def __call__(self, examples: Sequence[bytes]) -> list[bytes]:
        """Returns the adapted examples, serialized, in the order of the raw ones.

        Raises:
          DataError: if an example lacks a feature that the schema requires.
        """
        import tensorflow as tf

        try:
            tensors = self._adapt(tf.constant(list(examples), tf.string))
        except tf.errors.InvalidArgumentError as error:
            raise DataError(
                f"an example does not fit the schema of the transform graph: {error.message}"
            ) from None
        return list(self._encoder.encode(self._converter.convert(tensors)))

    def _tensors(self, examples: Any) -> Features:
        import tensorflow as tf

        raw = tf.io.parse_example(examples, self._raw_spec)
        outputs = self._graph.apply_transform_model(dict(raw))
        raw = {name: dense_or_sparse(values) for name, values in raw.items()}
        labels = {name: outputs[name] for name in self._task.objective.raw_features if name in outputs}
        tensors = outputs | labels_and_id(self._task, raw | labels, raw) | {RAW_EXAMPLE: examples}
        return {name: tensors[name] for name in self._spec}


def _computed(task: Task, transform: TransformOutput) -> set[str]:
    """Returns the names of the outputs of the graph that depend on no other raw features than the task's."""
    import tensorflow as tf

    known = transform.raw_feature_spec()
    for feature in task.features:
        if feature.name not in known:
            raise DataError(
                f"the transform graph takes no raw feature '{feature.name}' that task '{task.name}' declares."
                f"{nearest(feature.name, known)} It takes: {', '.join(sorted(known))}"
            )
    if not task.features:
        return set()
    graph, spec = _loaded(transform), {feature.name: known[feature.name] for feature in task.features}

    def apply(examples: Any) -> Features:
        return graph.apply_transform_model(dict(tf.io.parse_example(examples, spec)))

    traced = tf.function(apply, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    return set(traced.get_concrete_function().structured_outputs)


def _loaded(transform: TransformOutput) -> Any:
    from tensorflow_transform.saved import saved_transform_io_v2

    return saved_transform_io_v2.SavedModelLoader(transform.transform_savedmodel_dir)
