"""Objective `classes`: one of several classes, with softmax, cross-entropy and accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from limbeck.errors import TaskError
from limbeck.examples import UNLABELLED
from limbeck.objectives import categorical
from limbeck.objectives.measure import Measure
from limbeck.objectives.objective import Objective, TfmaMetrics
from limbeck.objectives.wording import Wording

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from limbeck.objectives.objective import Array, Mask

# A class that the task does not know. It differs from "no label", which is legal.
UNKNOWN_CLASS = -2
_LEAST_CLASSES = 2


class Classes(Objective):
    """The label is the index of a class, int64. A model ends in logits, one for each class."""

    kinds: ClassVar = ("integer", "text")
    label_dtype: ClassVar = "int64"
    unlabelled: ClassVar = UNLABELLED
    measure: ClassVar = Measure("accuracy", "accuracy", "fraction")
    loss_key: ClassVar = "log_loss"
    activation: ClassVar = "softmax"
    tfma: ClassVar = TfmaMetrics(
        "probabilities",
        ("SparseCategoricalAccuracy", "SparseCategoricalCrossentropy"),
        "sparse_categorical_accuracy",
    )
    findings: ClassVar = frozenset({"confusion", "reliability", "roc", "slices", "soft_targets"})
    wording: ClassVar = Wording("the teachers' most probable classes", "soft probabilities", True, 0.05)

    def __post_init__(self) -> None:
        """Raises TaskError if the label is of another kind, or has fewer than two classes."""
        super().__post_init__()
        if len(self.label.classes) < _LEAST_CLASSES:
            raise TaskError(f"label '{self.label.name}' needs at least two classes, received {self.label.classes}")

    @property
    def outputs(self) -> int:
        """The number of classes."""
        return len(self.label.classes)

    @property
    def output_words(self) -> str:
        """`logits [batch, classes]`."""
        return f"logits [batch, {self.outputs}]"

    def encode(self, raw: Mapping[str, Any]) -> Any:
        """Returns the class index, int64 `[labelled]`; -2 for an undeclared class, such as a raw -1 or `""`."""
        import tensorflow as tf

        [values] = raw.values()
        if self.label.kind == "text":
            match = tf.equal(values[:, tf.newaxis], tf.constant(self.label.classes)[tf.newaxis, :])
            return tf.where(tf.reduce_any(match, axis=1), tf.argmax(match, axis=1), UNKNOWN_CLASS)
        declared = (values >= 0) & (values < self.outputs)
        return tf.where(declared, values, tf.constant(UNKNOWN_CLASS, tf.int64))

    def labelled(self, labels: Any) -> Any:
        """Returns which labels are not -1."""
        return labels != UNLABELLED

    def undeclared(self, labels: Any) -> Mask:
        """Returns which labels `encode` made -2."""
        import numpy as np

        return np.asarray(labels == UNKNOWN_CLASS)

    def hard_loss(self, outputs: Any, labels: Any) -> Any:
        """Returns the cross-entropy of the labels, in nats."""
        import tensorflow as tf

        labelled = tf.not_equal(labels, UNLABELLED)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.where(labelled, labels, 0), logits=tf.cast(outputs, tf.float32)
        )
        return tf.where(labelled, losses, 0.0)

    def soft_targets(self, teacher_outputs: Any, temperature: float) -> Any:
        """Returns the log of the ensemble's soft targets: the mean over teachers of softmax(logits / temperature).

        Args:
          teacher_outputs: logits `[batch, teachers, classes]`, any float dtype.
          temperature: above 0.

        Returns:
          Log-probabilities, float32 `[batch, classes]`. They are finite even if a probability underflows.
        """
        return categorical.soft_targets(teacher_outputs, temperature)

    def soft_loss(self, outputs: Any, teacher_outputs: Any, temperature: float) -> Any:
        """Returns temperature^2 * KL(soft targets || student), in nats.

        The factor keeps the size of the gradient comparable to that of the hard loss when the temperature changes
        (Hinton, Vinyals and Dean, 2015, arXiv:1503.02531).
        """
        import tensorflow as tf

        targets = tf.stop_gradient(self.soft_targets(teacher_outputs, temperature))
        student = tf.nn.log_softmax(tf.cast(outputs, tf.float32) / temperature, axis=-1)
        return temperature**2 * tf.reduce_sum(tf.exp(targets) * (targets - student), axis=-1)

    def pseudo_labels(self, teacher_outputs: Any) -> Any:
        """Returns the ensemble's most probable class, int64 `[batch]`."""
        import tensorflow as tf

        return tf.argmax(self.soft_targets(teacher_outputs, temperature=1.0), axis=-1)

    def score(self, outputs: Any, labels: Any) -> Any:
        """Returns whether the most probable class is the label: bool `[batch]`."""
        import tensorflow as tf

        return tf.logical_and(tf.not_equal(labels, UNLABELLED), tf.equal(tf.argmax(outputs, axis=-1), labels))

    def answers(self, member_outputs: Any) -> dict[str, Any]:
        """Returns `logits`, `probabilities` of the same shape, and `class` int64 `[batch]`.

        If the label is a text, adds `all_classes` string `[batch, classes]`: the texts in the order of the logits,
        under the name that TFMA looks for. For an ensemble, `probabilities` are the mean of the members' probabilities,
        and `logits` are their logarithm.
        """
        import tensorflow as tf

        single = member_outputs.shape[1] == 1
        logits = member_outputs[:, 0] if single else self.soft_targets(member_outputs, temperature=1.0)
        said = {
            "logits": logits,
            "probabilities": tf.nn.softmax(logits),
            "class": tf.argmax(logits, axis=-1),
        }
        if self.label.kind == "text":
            said["all_classes"] = tf.tile([list(self.label.classes)], [tf.shape(said["class"])[0], 1])
        return said

    def ensemble(self, member_outputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Returns the logarithm of the mean probability."""
        import numpy as np

        if len(member_outputs) == 1:
            return member_outputs[0]
        logs = _log_softmax(member_outputs.astype(np.float64))
        return (np.logaddexp.reduce(logs, axis=0) - np.log(len(member_outputs))).astype(np.float32)

    def scores(self, outputs: Array, labels: Any) -> Array:
        """Returns 1 if the most probable class is the label, otherwise 0."""
        import numpy as np

        return (np.argmax(outputs, axis=1) == labels).astype(np.float64)

    def losses(self, outputs: Array, labels: Any) -> Array:
        """Returns the cross-entropy of the label, in nats."""
        import numpy as np

        return np.asarray(-_log_softmax(outputs)[np.arange(len(labels)), labels])


def _log_softmax(logits: Array) -> Array:
    import numpy as np

    return np.asarray(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
