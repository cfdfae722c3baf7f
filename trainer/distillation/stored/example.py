"""Soft targets in a tf.Example: which feature holds them, in which form."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from limbeck.examples import SOFT_TARGETS, TEACHER_LOGITS
from limbeck.trainer.distillation.stored.encoding import decode, encode
from limbeck.trainer.distillation.stored.form import StoredForm


def put(example: Any, logits: npt.NDArray[np.float32], form: StoredForm) -> None:
    """Puts soft targets into a tf.Example, in place of its old ones.

    Args:
      example: the tf.Example.
      logits: float32 `[teachers, outputs]`.
      form: how they are stored.
    """
    features = example.features.feature
    for name in (TEACHER_LOGITS, SOFT_TARGETS):
        features.pop(name, None)
    if form.plain:
        features[TEACHER_LOGITS].float_list.value[:] = logits.reshape(-1).tolist()
    else:
        features[SOFT_TARGETS].int64_list.value[:] = encode(logits, form).tolist()


def teacher_logits(example: Any, form: StoredForm) -> npt.NDArray[np.float32]:
    """Returns the logits in a tf.Example, float32 `[teachers, outputs]`. `decode` describes those that were not kept.

    If an example has all logits, as in the test split, they are read regardless of `form`.
    """
    features = example.features.feature
    if SOFT_TARGETS in features:
        return decode(np.array(features[SOFT_TARGETS].int64_list.value, np.int64), form)
    return np.asarray(features[TEACHER_LOGITS].float_list.value, np.float32).reshape(-1, form.outputs)


def stored_bytes(example: Any) -> int:
    """Returns how many bytes the soft targets take in a serialized tf.Example, without their name."""
    features = example.features.feature
    name = SOFT_TARGETS if SOFT_TARGETS in features else TEACHER_LOGITS
    return int(features[name].ByteSize())
