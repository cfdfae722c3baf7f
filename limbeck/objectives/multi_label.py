"""Objective `multi_label`: several questions of yes or no, each with its own column, logit and area under the curve."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from limbeck.errors import TaskError
from limbeck.examples import UNLABELLED
from limbeck.objectives import bernoulli
from limbeck.objectives.macro_area import MacroArea
from limbeck.objectives.measure import Measure
from limbeck.objectives.objective import Objective, TfmaMetrics
from limbeck.objectives.statistic import Statistic
from limbeck.objectives.wording import Wording

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from limbeck.objectives.objective import Array, Mask

# A value that is neither 0 nor 1. It differs from "no label", which is legal.
UNKNOWN_VALUE = -2
_LEAST_COLUMNS = 2


class MultiLabel(Objective):
    """The label is a 0 or 1 for each of the declared columns, int64 `[columns]`. A model ends in a logit for each.

    Any number of them may be 1. An example that lacks a column has no answer to that question, and -1 in its place; one
    that lacks all columns has no label. Losses and scores are means over the columns that an example has. So they do
    not grow with the number of columns, and each labelled example counts alike.
    """

    kinds: ClassVar = ("integer",)
    label_dtype: ClassVar = "int64"
    unlabelled: ClassVar = UNLABELLED
    measure: ClassVar = Measure("macro_auc", "macro AUC", "number", most=1.0)
    loss_key: ClassVar = "log_loss"
    activation: ClassVar = "sigmoid"
    tfma: ClassVar = TfmaMetrics(
        "probabilities",
        ("KnownBinaryAccuracy", "KnownBinaryCrossEntropy"),
        "auc",
        encoded=True,
        defined_by="prevalence",
        by_output=("KnownAUC", "KnownPrevalence"),
    )
    findings: ClassVar = frozenset({"labels", "reliability", "roc", "slices"})
    wording: ClassVar = Wording(
        "the teachers' more probable answers",
        "soft probabilities",
        True,
        0.05,
        "examples of both values of a label",
    )

    def __post_init__(self) -> None:
        """Raises TaskError if the label is of another kind, has classes, or has fewer than two columns."""
        super().__post_init__()
        if self.label.classes:
            raise TaskError(
                f"label '{self.label.name}' is 0 or 1 in each of its columns, so it has no classes, received "
                f"{self.label.classes}: name the columns"
            )
        if len(self.label.columns) < _LEAST_COLUMNS:
            raise TaskError(
                f"label '{self.label.name}' needs at least two columns, received {self.label.columns}; for one column "
                "there is the objective 'binary'"
            )

    @property
    def label_shape(self) -> tuple[int, ...]:
        """The number of columns."""
        return (self.outputs,)

    @property
    def outputs(self) -> int:
        """The number of columns."""
        return len(self.label.columns)

    @property
    def output_words(self) -> str:
        """`logits [batch, columns]`."""
        return f"logits [batch, {self.outputs}], one for each column of the label"

    @property
    def by_column(self) -> bool:
        """True: an example may lack some of the columns."""
        return True

    @property
    def score_key(self) -> str:
        """`accuracy`: the mean over the examples of the share of known answers that are right."""
        return "accuracy"

    @property
    def statistic(self) -> Statistic:
        """The mean of the areas under the ROC curves of the columns."""
        return MacroArea()

    @property
    def label_values(self) -> tuple[str, ...]:
        """`0` and `1`."""
        return ("0", "1")

    def encode(self, raw: Mapping[str, Any]) -> Any:
        """Returns the columns side by side, int64 `[labelled, columns]`; -2 for a value that is neither 0 nor 1."""
        import tensorflow as tf

        values = tf.stack([raw[name] for name in self.label.columns], axis=1)
        return tf.where((values == 0) | (values == 1), values, tf.constant(UNKNOWN_VALUE, tf.int64))

    def labelled(self, labels: Any) -> Any:
        """Returns which examples have a column that is not -1."""
        return functools.reduce(operator.or_, self._known_columns(labels))

    def complete(self, labels: Any) -> Any:
        """Returns which examples have no column that is -1."""
        return functools.reduce(operator.and_, self._known_columns(labels))

    def _known_columns(self, labels: Any) -> list[Any]:
        return [labels[:, one] != UNLABELLED for one in range(self.outputs)]

    def undeclared(self, labels: Any) -> Mask:
        """Returns which examples have a column that `encode` made -2."""
        import numpy as np

        return np.asarray((labels == UNKNOWN_VALUE).any(axis=1))

    def hard_loss(self, outputs: Any, labels: Any) -> Any:
        """Returns the mean cross-entropy over the columns that an example has, in nats."""
        import tensorflow as tf

        labels = tf.convert_to_tensor(labels)
        known = labels != UNLABELLED
        return _mean_of_known(bernoulli.cross_entropy(outputs, tf.where(known, labels, 0)), known)

    def soft_loss(self, outputs: Any, teacher_outputs: Any, temperature: float) -> Any:
        """Returns temperature^2 * KL(soft targets || student), in nats; the mean over the columns."""
        import tensorflow as tf

        return tf.reduce_mean(bernoulli.divergence(outputs, teacher_outputs, temperature), axis=-1)

    def pseudo_labels(self, teacher_outputs: Any) -> Any:
        """Returns 1 where the ensemble's probability is above one half, int64 `[batch, columns]`."""
        import tensorflow as tf

        return tf.cast(bernoulli.ensemble_logits(teacher_outputs) > 0, tf.int64)

    def score(self, outputs: Any, labels: Any) -> Any:
        """Returns the share of the columns that an example has and the model answers right: float32 `[batch]`."""
        import tensorflow as tf

        labels = tf.convert_to_tensor(labels)
        right = tf.equal(tf.cast(tf.convert_to_tensor(outputs) > 0, tf.int64), labels)
        return _mean_of_known(tf.cast(right, tf.float32), labels != UNLABELLED)

    def answers(self, member_outputs: Any) -> dict[str, Any]:
        """Returns `logits`, `probabilities`, and `labels` int64 0 or 1; each is `[batch, columns]`.

        For an ensemble, `probabilities` are the means of the members' probabilities, and `logits` their logits.
        """
        import tensorflow as tf

        logits = bernoulli.ensemble_logits(member_outputs)
        return {"logits": logits, "probabilities": tf.sigmoid(logits), "labels": tf.cast(logits > 0, tf.int64)}

    def ensemble(self, member_outputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Returns the logits of the mean probabilities."""
        return bernoulli.ensemble_array(member_outputs)

    def scores(self, outputs: Array, labels: Any) -> Array:
        """Returns the share of the columns that an example has and the model answers right."""
        return _array_mean_of_known((outputs > 0) == (labels == 1), labels != UNLABELLED)

    def losses(self, outputs: Array, labels: Any) -> Array:
        """Returns the mean cross-entropy over the columns that an example has, in nats."""
        return _array_mean_of_known(bernoulli.losses(outputs, labels), labels != UNLABELLED)

    def further_metrics(self, outputs: Array, labels: Any) -> dict[str, float]:
        """Returns `accuracy`, over all known answers, and `all_labels_right`, the share of examples without a miss."""
        known = labels != UNLABELLED
        right = ((outputs > 0) == (labels == 1))[known]
        return {
            "accuracy": float(right.mean()),
            "all_labels_right": float((self.scores(outputs, labels) == 1).mean()),
        }

    def class_logits(self, outputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns the logits of no and yes of each column, `[..., columns, 2]`."""
        import numpy as np

        return np.stack([np.zeros_like(outputs), outputs], axis=-1)


def _mean_of_known(values: Any, known: Any) -> Any:
    """The mean of each row's known values: tensors `[batch, columns]` -> float32 `[batch]`; 0 for a row without any."""
    import tensorflow as tf

    sums = tf.reduce_sum(tf.where(known, values, 0.0), axis=-1)
    return tf.math.divide_no_nan(sums, tf.reduce_sum(tf.cast(known, tf.float32), axis=-1))


def _array_mean_of_known(values: Any, known: Mask) -> Array:
    """The same for arrays; each row has a known value."""
    import numpy as np

    return np.asarray(np.where(known, values, 0.0).sum(axis=1) / known.sum(axis=1))
