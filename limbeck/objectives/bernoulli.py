"""The mathematics of logits for yes or no, which the objectives `binary` and `multi_label` share.

Everything is computed with the logarithms of both probabilities. The obvious `log(sigmoid(x))` is infinite for a
logit of -104 in float32, and `1 - p` is 0 for every p above 1 - 6e-8, where a teacher that is sure has its answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


def cross_entropy(logits: Any, labels: Any) -> Any:
    """Returns the cross-entropy of labels, in nats, as a float32 tensor.

    Args:
      logits: any float dtype, of any shape.
      labels: 0 or 1, of the same shape.
    """
    import tensorflow as tf

    return tf.nn.sigmoid_cross_entropy_with_logits(
        labels=tf.cast(labels, tf.float32), logits=tf.cast(logits, tf.float32)
    )


def soft_targets(teacher_logits: Any, temperature: float) -> tuple[Any, Any]:
    """Returns the logarithms of an ensemble's mean probability of yes and of no, at a temperature.

    Args:
      teacher_logits: `[batch, teachers, ...]`, any float dtype.
      temperature: above 0.

    Returns:
      Two float32 tensors `[batch, ...]`. They are finite even if a probability underflows.
    """
    import tensorflow as tf

    members = tf.cast(teacher_logits, tf.float32) / temperature
    count = tf.math.log(tf.cast(tf.shape(members)[1], tf.float32))
    yes, no = (tf.reduce_logsumexp(tf.math.log_sigmoid(one), axis=1) - count for one in (members, -members))
    return yes, no


def divergence(logits: Any, teacher_logits: Any, temperature: float) -> Any:
    """Returns temperature^2 * KL(soft targets || student) of each logit, in nats; no gradient flows to the teachers.

    The factor keeps the size of the gradient comparable to that of the cross-entropy when the temperature changes
    (Hinton, Vinyals and Dean, 2015, arXiv:1503.02531).

    Args:
      logits: the student's, `[batch, ...]`, any float dtype.
      teacher_logits: `[batch, teachers, ...]`.
      temperature: above 0.

    Returns:
      float32 `[batch, ...]`.
    """
    import tensorflow as tf

    yes, no = (tf.stop_gradient(one) for one in soft_targets(teacher_logits, temperature))
    student = tf.cast(logits, tf.float32) / temperature
    parts = [
        tf.exp(target) * (target - tf.math.log_sigmoid(own)) for target, own in ((yes, student), (no, -student))
    ]
    return temperature**2 * (parts[0] + parts[1])


def ensemble_logits(teacher_logits: Any) -> Any:
    """Returns the logits of the mean probability, float32 `[batch, ...]`, for tensors `[batch, teachers, ...]`.

    A single member's logits are returned unchanged.
    """
    if teacher_logits.shape[1] == 1:
        return teacher_logits[:, 0]
    yes, no = soft_targets(teacher_logits, temperature=1.0)
    return yes - no


def ensemble_array(member_logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Returns what `ensemble_logits` does, for one example as an array: `[members, ...]` -> `[...]`."""
    import numpy as np

    if len(member_logits) == 1:
        return member_logits[0]
    logits = member_logits.astype(np.float64)
    # log(sigmoid(x)) is -log(1 + exp(-x)). The number of members is the same for yes and no.
    yes, no = (np.logaddexp.reduce(-np.logaddexp(0, one), axis=0) for one in (-logits, logits))
    return np.asarray(yes - no).astype(np.float32)


def losses(logits: Array, labels: Any) -> Array:
    """Returns the cross-entropy of labels, in nats, for arrays of one shape."""
    import numpy as np

    return np.asarray(np.logaddexp(0, np.where(labels == 1, -logits, logits)))
