"""Decodes soft targets in the graph of a training step, and defines the loss for classes that were not kept.

The easy way is to spread the mass of the rest evenly over its classes, as if all logits were known. But then the
student learns that the teachers find all these classes equally probable, which is not true. At a temperature above 1 it
is worse, because an even rest has more mass than an uneven one.

So the classes that were not kept are *one* outcome, for the teachers and for the student. Student and teachers have k +
1 probabilities each. By the chain rule, the divergence of two distributions is the divergence over these outcomes, plus
the mass of the rest times the divergence within the rest. The first term is known, and is the loss. The second is
unknown, and is left out. It is never negative, so the loss is never above the loss with all logits.

The mass of the rest at a temperature other than 1 has to be estimated (`tempered_rest`).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from limbeck.aliases import Tensor
from limbeck.trainer.distillation.stored.form import StoredForm


class TopK(NamedTuple):
    """The teachers' logits of the most probable classes, and a summary of the rest.

    Attributes:
      classes: int32 `[batch, k]`, the most probable first.
      logits: logits of each teacher for these classes, float32 `[batch, teachers, k]`.
      rest: logarithm of the sum of the exponentials of all other logits, float32 `[batch, teachers]`.
      mean: mean of all other logits, float32 `[batch, teachers]`.
      outputs: number of all classes.
    """

    classes: Tensor
    logits: Tensor
    rest: Tensor
    mean: Tensor
    outputs: int


def unpacked(words: Tensor, form: StoredForm) -> Tensor | TopK:
    """Decodes words. Returns float32 logits `[batch, teachers, outputs]`, or `TopK` if not all logits were kept.

    Args:
      words: int64 `[batch, words]`, with a known number of words.
      form: how they were stored.
    """
    import tensorflow as tf

    teachers = form.teachers(words.shape[1])
    ids, taught = words[:, : form.class_words], words[:, form.class_words :]
    rows = tf.reshape(taught, [-1, teachers, form.teacher_words])
    values = tf.cast(_bits(rows, form.dtype)[..., : form.values], tf.float32)
    if form.top_k is None:
        return values
    classes = tf.cast(_bits(ids, form.class_dtype)[:, : form.top_k], tf.int32)
    kept, rest, mean = values[..., : form.top_k], values[..., form.top_k], values[..., form.top_k + 1]
    return TopK(classes, kept, rest, mean, form.outputs)


def restored(given: Tensor | TopK) -> Tensor:
    """Returns logits of all classes, float32 `[batch, teachers, outputs]`; the rest is spread evenly.

    Use it if only the order of the most probable classes matters, as for pseudo-labels.
    """
    import tensorflow as tf

    if not isinstance(given, TopK):
        return given
    others = given.outputs - given.classes.shape[1]
    even = tf.repeat((given.rest - math.log(others))[:, tf.newaxis], given.outputs, axis=1)
    kept = tf.transpose(given.logits, [0, 2, 1])
    return tf.transpose(tf.tensor_scatter_nd_update(even, _places(given.classes), kept), [0, 2, 1])


def outcomes(logits: Tensor, taught: TopK, temperature: Any) -> tuple[Tensor, Tensor]:
    """Returns logits of student and teachers over k + 1 outcomes: the kept classes, and all others as one.

    At the temperature, their softmax equals the softmax of all logits, with the probabilities of the rest summed up.

    Args:
      logits: the student's, `[batch, outputs]`, any float dtype.
      taught: the teachers' answers.
      temperature: above 0; a float, or a float32 scalar.

    Returns:
      float32 `[batch, k + 1]` and `[batch, teachers, k + 1]`. The last outcome is the rest.
    """
    import tensorflow as tf

    own = tf.cast(logits, tf.float32)
    # Masked before the sum, because the difference of two sums of probabilities would lose a small rest.
    least = tf.fill(tf.shape(taught.classes), own.dtype.min)
    others = tf.tensor_scatter_nd_update(own / temperature, _places(taught.classes), least)
    own_rest = temperature * tf.reduce_logsumexp(others, axis=-1, keepdims=True)
    student = tf.concat([tf.gather(own, taught.classes, axis=1, batch_dims=1), own_rest], axis=-1)
    rest = temperature * tempered_rest(taught, 1 / temperature)
    return student, tf.concat([taught.logits, rest[..., tf.newaxis]], axis=-1)


def tempered_rest(taught: TopK, inverse: Any) -> Tensor:
    """Returns an estimate of log(sum(exp(inverse * v))) over the logits v that were not kept, `[batch, teachers]`.

    As a function f of the inverse temperature b, it is convex. Three values are known: f(0) is the logarithm of the
    number n of these classes, f'(0) is the mean of v, and f(1) is the stored rest. The parabola through them equals f
    if v has a normal distribution, because its higher cumulants are 0. The estimate is limited to the bounds that hold
    for any v:

      up to b = 1:   b f(1) <= f(b) <= (1 - b) log(n) + b f(1);   beyond it, the other way round

    Beyond b = 1 the result depends on the largest logits, which are unknown, so the middle of the bounds is taken. At
    the temperature 1 the estimate is exact. The bound with log(n) belongs to a rest that is spread evenly.

    Args:
      taught: the known logits.
      inverse: 1 / temperature; a float, or a float32 scalar.
    """
    import tensorflow as tf

    count = math.log(taught.outputs - taught.classes.shape[1])
    parabola = count + taught.mean * inverse + (taught.rest - count - taught.mean) * inverse**2
    one, even = inverse * taught.rest, (1 - inverse) * count + inverse * taught.rest
    return tf.where(inverse > 1, (one + even) / 2, tf.clip_by_value(parabola, one, tf.maximum(one, even)))


def _places(classes: Tensor) -> Tensor:
    """Returns the place of each kept class in `[batch, outputs]`: int32 `[batch, k, 2]`."""
    import tensorflow as tf

    examples = tf.range(tf.shape(classes)[0])[:, tf.newaxis]
    return tf.stack([tf.broadcast_to(examples, tf.shape(classes)), classes], axis=-1)


def _bits(words: Tensor, dtype: str) -> Tensor:
    """Returns the numbers in int64 words `[..., words]`, flat in the last axis."""
    import tensorflow as tf

    numbers = tf.bitcast(words, tf.as_dtype(dtype))
    return tf.reshape(numbers, [-1, *words.shape[1:-1], words.shape[-1] * numbers.shape[-1]])
