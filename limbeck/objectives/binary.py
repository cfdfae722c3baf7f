"""Objective `binary`: yes or no, with one logit, cross-entropy and the area under the ROC curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from limbeck.errors import TaskError
from limbeck.examples import UNLABELLED
from limbeck.objectives import bernoulli
from limbeck.objectives.area_under_curve import AreaUnderCurve
from limbeck.objectives.measure import Measure
from limbeck.objectives.objective import Objective, TfmaMetrics
from limbeck.objectives.statistic import Statistic
from limbeck.objectives.wording import Wording

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from limbeck.objectives.objective import Array, Mask

# A value that the task does not declare. It differs from "no label", which is legal.
UNKNOWN_VALUE = -2
_VALUES = 2


class Binary(Objective):
    """The label is 0 or 1, int64. A model ends in one logit: of the probability that the label is 1.

    The task declares no classes, or the names of both. If the label is a text, these are the two texts; the second one
    counts as 1, the positive.
    """

    kinds: ClassVar = ("integer", "text")
    label_dtype: ClassVar = "int64"
    unlabelled: ClassVar = UNLABELLED
    # Accuracy says little where one label is rare, and depends on a threshold that the user of the model chooses.
    measure: ClassVar = Measure("auc", "AUC", "number", most=1.0)
    loss_key: ClassVar = "log_loss"
    activation: ClassVar = "sigmoid"
    tfma: ClassVar = TfmaMetrics(
        "probability",
        ("AUC", "AUCPrecisionRecall", "BinaryAccuracy", "BinaryCrossEntropy", "Prevalence"),
        "auc",
        encoded=True,
        defined_by="prevalence",
    )
    findings: ClassVar = frozenset({"confusion", "reliability", "roc", "slices", "soft_targets"})
    wording: ClassVar = Wording(
        "the teachers' more probable answers", "soft probabilities", True, 0.05, "examples of both labels"
    )

    def __post_init__(self) -> None:
        """Raises TaskError if the label is of another kind, or if it declares any number of classes but two."""
        super().__post_init__()
        classes = self.label.classes
        if len(classes) != _VALUES and (classes or self.label.kind == "text"):
            raise TaskError(
                f"label '{self.label.name}' is binary, so it has the names of two classes, the second one positive"
                f"{'' if self.label.kind == 'text' else ', or none'}; received {classes}"
            )

    @property
    def outputs(self) -> int:
        """One."""
        return 1

    @property
    def output_words(self) -> str:
        """`one logit [batch, 1]`."""
        return "one logit [batch, 1]"

    @property
    def score_key(self) -> str:
        """`accuracy`."""
        return "accuracy"

    @property
    def statistic(self) -> Statistic:
        """The area under the ROC curve."""
        return AreaUnderCurve()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The declared names, or `0` and `1`."""
        return self.label.classes or ("0", "1")

    def encode(self, raw: Mapping[str, Any]) -> Any:
        """Returns 0 or 1, int64 `[labelled]`; -2 for an undeclared value, such as a raw -1 or `""`."""
        import tensorflow as tf

        [values] = raw.values()
        if self.label.kind == "text":
            negative, positive = (tf.equal(values, name) for name in self.label.classes)
        else:
            negative, positive = (tf.equal(values, number) for number in (0, 1))
        return tf.where(negative | positive, tf.cast(positive, tf.int64), UNKNOWN_VALUE)

    def labelled(self, labels: Any) -> Any:
        """Returns which labels are not -1."""
        return labels != UNLABELLED

    def undeclared(self, labels: Any) -> Mask:
        """Returns which labels `encode` made -2."""
        import numpy as np

        return np.asarray(labels == UNKNOWN_VALUE)

    def hard_loss(self, outputs: Any, labels: Any) -> Any:
        """Returns the cross-entropy of the labels, in nats."""
        import tensorflow as tf

        labelled = tf.not_equal(labels, UNLABELLED)
        losses = bernoulli.cross_entropy(outputs[:, 0], tf.where(labelled, labels, 0))
        return tf.where(labelled, losses, 0.0)

    def soft_loss(self, outputs: Any, teacher_outputs: Any, temperature: float) -> Any:
        """Returns temperature^2 * KL(soft targets || student), in nats, as for classes."""
        return bernoulli.divergence(outputs[:, 0], teacher_outputs[:, :, 0], temperature)

    def pseudo_labels(self, teacher_outputs: Any) -> Any:
        """Returns 1 where the ensemble's probability is above one half, int64 `[batch]`."""
        import tensorflow as tf

        return tf.cast(bernoulli.ensemble_logits(teacher_outputs)[:, 0] > 0, tf.int64)

    def score(self, outputs: Any, labels: Any) -> Any:
        """Returns whether the more probable answer is the label: bool `[batch]`."""
        import tensorflow as tf

        answers = tf.cast(tf.convert_to_tensor(outputs)[:, 0] > 0, tf.int64)
        return tf.logical_and(tf.not_equal(labels, UNLABELLED), tf.equal(answers, labels))

    def answers(self, member_outputs: Any) -> dict[str, Any]:
        """Returns `logits` `[batch, 1]`, `probability` of label 1 `[batch]`, and `class` int64 `[batch]`.

        If the task names the classes, adds `label` string `[batch]`: the name of the more probable one. For an
        ensemble, `probability` is the mean of the members' probabilities, and `logits` its logit.
        """
        import tensorflow as tf

        logits = bernoulli.ensemble_logits(member_outputs)
        said = {
            "logits": logits,
            "probability": tf.sigmoid(logits[:, 0]),
            "class": tf.cast(logits[:, 0] > 0, tf.int64),
        }
        if self.label.classes:
            said["label"] = tf.gather(list(self.label.classes), said["class"])
        return said

    def ensemble(self, member_outputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Returns the logit of the mean probability."""
        return bernoulli.ensemble_array(member_outputs)

    def scores(self, outputs: Array, labels: Any) -> Array:
        """Returns 1 if the more probable answer is the label, otherwise 0."""
        import numpy as np

        return ((outputs[:, 0] > 0) == (labels == 1)).astype(np.float64)

    def losses(self, outputs: Array, labels: Any) -> Array:
        """Returns the cross-entropy of the label, in nats."""
        return bernoulli.losses(outputs[:, 0], labels)

    def further_metrics(self, outputs: Array, labels: Any) -> dict[str, float]:
        """Returns the `accuracy` at a probability of one half."""
        return {"accuracy": float(self.scores(outputs, labels).mean())}

    def class_logits(self, outputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns the logits of both classes; the first one is 0, so that their softmax is the probability."""
        import numpy as np

        return np.concatenate([np.zeros_like(outputs), outputs], axis=-1)
