"""Mixtures of two examples, on which teachers and student are compared.

Zhang et al. (2018), "mixup" (arXiv:1710.09412), mix inputs and labels. Beyer et al. (2022), "Knowledge distillation: a
good teacher is patient and consistent" (arXiv:2106.05237), mix only inputs: the target of a mixture is the answer of
the teacher, as for any other unlabelled input. Their share is uniform.

A partner from the same batch would depend on the number of replicas. Here the partner is an example of the whole split,
and depends only on the position in the training.
"""

from __future__ import annotations

from collections.abc import Callable

from limbeck.aliases import Features, FeatureSpec, Tensor
from limbeck.errors import TaskError
from limbeck.randomness import mix, uniform

# Added to seeds, far from the draws of a task's own augmentation, which count from 0.
_SHARE, _PARTNER = 2**40, 2**40 + 1
Augment = Callable[[Features, Tensor], Features]


def mixed(given: Features, partners: Features, seeds: Tensor, augment: Augment | None) -> Features:
    """Returns share * example + (1 - share) * partner, where the share is uniform in [0, 1), for each example.

    Args:
      given: the model's inputs by name, float `[batch, ...]`.
      partners: the inputs of the examples that they are mixed with.
      seeds: int64 `[batch]`.
      augment: the task's augmentation, applied to both before they are mixed; None: neither is augmented.
    """
    import tensorflow as tf

    if augment is not None:
        given, partners = augment(given, seeds), augment(partners, mix(seeds, _PARTNER))
    shares = uniform(seeds, _SHARE)

    def mixture(one: Tensor, other: Tensor) -> Tensor:
        share = tf.cast(tf.reshape(shares, [-1] + [1] * (len(one.shape) - 1)), one.dtype)
        return share * one + (1 - share) * other

    return {name: mixture(values, partners[name]) for name, values in given.items()}


def assert_mixable(spec: FeatureSpec, task: str) -> None:
    """Raises TaskError if the model takes anything but dense numbers; `spec` is the feature spec of its inputs."""
    import tensorflow as tf

    odd = sorted(
        name
        for name, kind in spec.items()
        if not (isinstance(kind, tf.io.FixedLenFeature) and kind.dtype.is_floating)
    )
    if odd:
        raise TaskError(
            f"distillation.inputs=mixup mixes numbers, but the models of task '{task}' also take {', '.join(odd)}, "
            "which have no mixture: let preprocessing_fn return dense floats, or set distillation.inputs=augmented"
        )
