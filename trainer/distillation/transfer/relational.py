"""Relational knowledge distillation: the relations between examples should be the same in student and teacher.

Park et al. (2019), "Relational knowledge distillation" (arXiv:1904.05068), compare the distances of pairs of examples
(RKD-D), and the angles of triples (RKD-A). Distances and angles depend neither on the width of a layer nor on its
rotation, so no projection is needed.

An example is compared with the other examples on its *replica*. A batch on one device has more pairs than the same
batch on two, so the loss depends on the number of replicas, as with batch normalisation. To compare all pairs, every
replica would need the layers of all others at each step. Likewise, a step that accumulates compares within a
micro-batch. But the weight of an example depends on neither: each example has the mean over its own pairs, and these
means are averaged over the global batch.
"""

from __future__ import annotations

from typing import Any

_LEAST = 1e-12


def distance_loss(student: Any, teacher: Any) -> Any:
    """Returns for each example the mean Huber loss of its distances to the others (RKD-D).

    Distances are divided by their mean over all pairs of the replica, separately for student and teacher.

    Args:
      student: the layer of the student, `[batch, ...]`, any float dtype. Its axes are laid end to end.
      teacher: the layer of the teacher, `[batch, ...]`; its size may differ.

    Returns:
      float32 `[batch]`. No gradient flows to the teacher. It is 0 if the replica has a single example.
    """
    import tensorflow as tf

    own, target = _distances(_flat(student)), tf.stop_gradient(_distances(_flat(teacher)))
    others = tf.maximum(tf.cast(tf.shape(own)[0], tf.float32) - 1, 1.0)
    return tf.reduce_sum(_huber(own - target), axis=1) / others


def angle_loss(student: Any, teacher: Any) -> Any:
    """Returns for each example the mean Huber loss of the cosines at it, between all pairs of others (RKD-A).

    It takes the memory of all triples, 4 bytes each: 1 megabyte for 64 examples on a replica, 67 for 256.

    Args and result are as for `distance_loss`. It is 0 if the replica has fewer than three examples.
    """
    import tensorflow as tf

    own, target = _cosines(_flat(student)), tf.stop_gradient(_cosines(_flat(teacher)))
    count = tf.cast(tf.shape(own)[0], tf.float32)
    pairs = tf.maximum((count - 1) * (count - 2), 1.0)
    # Each pair counts twice. Pairs of an example with itself are left out, because their cosine is always 1.
    return tf.reduce_sum(_huber(own - target), axis=[1, 2]) / pairs


def _flat(layer: Any) -> Any:
    import tensorflow as tf

    values = tf.cast(layer, tf.float32)
    return tf.reshape(values, [tf.shape(values)[0], tf.reduce_prod(tf.shape(values)[1:])])


def _distances(vectors: Any) -> Any:
    """Returns all distances divided by their mean, float32 `[batch, batch]`, with 0 on the diagonal."""
    import tensorflow as tf

    squares = tf.reduce_sum(tf.square(vectors[:, tf.newaxis] - vectors[tf.newaxis]), axis=-1)
    # The gradient of a root at 0 is infinite, even if the result is masked later.
    apart = squares > 0
    distances = tf.where(apart, tf.sqrt(tf.where(apart, squares, 1.0)), 0.0)
    count = tf.cast(tf.shape(vectors)[0], tf.float32)
    mean = tf.math.divide_no_nan(tf.reduce_sum(distances), count * (count - 1))
    return tf.math.divide_no_nan(distances, mean)


def _cosines(vectors: Any) -> Any:
    """Returns the cosine at example j between i and k, float32 `[batch j, batch i, batch k]`; 0 if one of them is j."""
    import tensorflow as tf

    towards = vectors[tf.newaxis] - vectors[:, tf.newaxis]
    units = tf.math.l2_normalize(towards, axis=-1, epsilon=_LEAST)
    return tf.matmul(units, units, transpose_b=True)


def _huber(differences: Any) -> Any:
    """Returns the Huber loss, quadratic up to 1 and linear beyond."""
    import tensorflow as tf

    size = tf.abs(differences)
    return tf.where(size <= 1, tf.square(differences) / 2, size - 0.5)
