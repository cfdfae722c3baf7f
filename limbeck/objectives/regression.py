"""Objective `regression`: a number, with the squared error and R²."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from limbeck.errors import TaskError
from limbeck.objectives.measure import Measure
from limbeck.objectives.objective import Objective, TfmaMetrics
from limbeck.objectives.r_squared import RSquared
from limbeck.objectives.statistic import Statistic
from limbeck.objectives.wording import Wording

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from limbeck.objectives.objective import Array, Mask


class Regression(Objective):
    """The label is a number, float32. A model ends in the number itself, in the label's own unit.

    A soft target is the mean of the teachers' numbers, and so is a pseudo-label: the loss of both is the same. There
    are no probabilities, so a temperature changes nothing.
    """

    kinds: ClassVar = ("number", "integer")
    label_dtype: ClassVar = "float32"
    # No value of a label is NaN: ExampleGen refuses it.
    unlabelled: ClassVar = math.nan
    measure: ClassVar = Measure("r_squared", "R²", "number")
    loss_key: ClassVar = "mean_squared_error"
    tfma: ClassVar = TfmaMetrics(
        "value",
        ("RSquared", "MeanSquaredError", "MeanAbsoluteError", "MeanLabel", "MeanPrediction"),
        "r_squared",
    )
    findings: ClassVar = frozenset({"slices"})
    wording: ClassVar = Wording(
        "the teachers' mean answers", "their mix with labels", False, 0.1, "labels that are not all equal"
    )

    def __post_init__(self) -> None:
        """Raises TaskError if the label is of another kind, or has classes."""
        super().__post_init__()
        if self.label.classes:
            raise TaskError(
                f"label '{self.label.name}' is a number, so it has no classes, received {self.label.classes}: leave "
                "them out, or name another objective"
            )

    @property
    def outputs(self) -> int:
        """One."""
        return 1

    @property
    def output_words(self) -> str:
        """`one number [batch, 1]`."""
        return "one number [batch, 1]"

    @property
    def score_key(self) -> str:
        """`negative_absolute_error`."""
        return "negative_absolute_error"

    @property
    def statistic(self) -> Statistic:
        """R²."""
        return RSquared()

    def encode(self, raw: Mapping[str, Any]) -> Any:
        """Returns the number, float32 `[labelled]`; infinity for a NaN, so that it is not taken for no label."""
        import tensorflow as tf

        [values] = raw.values()
        numbers = tf.cast(values, tf.float32)
        return tf.where(tf.math.is_nan(numbers), math.inf, numbers)

    def labelled(self, labels: Any) -> Any:
        """Returns which labels are not NaN."""
        return labels == labels  # noqa: PLR0124

    def undeclared(self, labels: Any) -> Mask:
        """Returns which labels are infinite."""
        import numpy as np

        return np.asarray(np.isinf(labels))

    def hard_loss(self, outputs: Any, labels: Any) -> Any:
        """Returns the squared error."""
        import tensorflow as tf

        labels = tf.convert_to_tensor(labels, tf.float32)
        labelled = self.labelled(labels)
        # The label is replaced before the error, because a gradient through NaN is NaN, however it is masked later.
        errors = tf.cast(outputs, tf.float32)[:, 0] - tf.where(labelled, labels, 0.0)
        return tf.where(labelled, tf.square(errors), 0.0)

    def soft_loss(self, outputs: Any, teacher_outputs: Any, temperature: float) -> Any:
        """Returns the squared distance to the teachers' mean, at any temperature."""
        import tensorflow as tf

        return tf.square(tf.cast(outputs, tf.float32)[:, 0] - self.pseudo_labels(teacher_outputs))

    def pseudo_labels(self, teacher_outputs: Any) -> Any:
        """Returns the teachers' mean, float32 `[batch]`; no gradient flows to them."""
        import tensorflow as tf

        return tf.stop_gradient(tf.reduce_mean(tf.cast(teacher_outputs, tf.float32), axis=1)[:, 0])

    def score(self, outputs: Any, labels: Any) -> Any:
        """Returns the negative absolute error, float32 `[batch]`."""
        import tensorflow as tf

        return -tf.sqrt(self.hard_loss(outputs, labels))

    def answers(self, member_outputs: Any) -> dict[str, Any]:
        """Returns `value` float32 `[batch]`, the mean of the members, and the same as `logits` `[batch, 1]`."""
        import tensorflow as tf

        mean = tf.reduce_mean(member_outputs, axis=1)
        return {"logits": mean, "value": mean[:, 0]}

    def ensemble(self, member_outputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Returns the mean."""
        import numpy as np

        if len(member_outputs) == 1:
            return member_outputs[0]
        return np.asarray(member_outputs.mean(axis=0, dtype=np.float64), np.float32)

    def scores(self, outputs: Array, labels: Any) -> Array:
        """Returns the negative absolute error."""
        import numpy as np

        return np.asarray(-np.abs(outputs[:, 0] - labels))

    def losses(self, outputs: Array, labels: Any) -> Array:
        """Returns the squared error."""
        import numpy as np

        return np.asarray(np.square(outputs[:, 0] - labels))

    def further_metrics(self, outputs: Array, labels: Any) -> dict[str, float]:
        """Returns the `mean_absolute_error`, in the unit of the label."""
        return {"mean_absolute_error": float(-self.scores(outputs, labels).mean())}
