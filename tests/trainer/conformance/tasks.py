"""A task for each case of the registry, as an attribute named by it: `getattr(tasks, "dense-SGD")`."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras

from limbeck.task import Feature, Label, Task
from tests.trainer.conformance import models
from tests.trainer.conformance.registry import CASES

optimizers = tf_keras.optimizers
OPTIMIZERS: dict[str, Any] = {
    "SGD": optimizers.SGD,
    "momentum": lambda rate: optimizers.SGD(rate, momentum=0.9),
    "clipnorm": lambda rate: optimizers.SGD(rate, clipnorm=0.1),
    # If a gradient is 0, a smaller epsilon would let rounding alone move a weight by the whole learning rate.
    "Adam": lambda rate: optimizers.Adam(rate, epsilon=1e-3),
    "AdamW": lambda rate: optimizers.AdamW(rate, weight_decay=0.5, epsilon=1e-3),
    "EMA": lambda rate: optimizers.Adam(rate, use_ema=True, ema_momentum=0.7, epsilon=1e-3),
    "EMA-overwriting": lambda rate: optimizers.SGD(rate, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=3),
    "legacy": optimizers.legacy.SGD,
}  # fmt: skip


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    odd = tf.where(inputs["ids"] % 2 == 1, inputs["ids"], 0)
    some = tf.ragged.boolean_mask(inputs["ids"], inputs["ids"] % 2 == 1)
    return {
        "x": inputs["x"],
        "ids": inputs["ids"],
        "colour": tf.strings.lower(inputs["colour"]),
        "words": inputs["words"],
        "bag": tf.sparse.from_dense(tf.sort(odd, direction="DESCENDING")),
        # At least one, because a mean over none is not a number.
        "tokens": tf.concat([inputs["ids"][:, :1], some], axis=1),
        "steps": tf.cast(some, tf.float32),
    }


def _task(name: str) -> Task:
    case = CASES[name]
    build = getattr(models, case.model)
    return Task(
        name=name.lower().replace("_", "-"),
        features=(
            Feature("x", shape=(4,)),
            Feature("ids", "integer", shape=(3,)),
            Feature("colour", "text"),
            Feature("words", "text"),
        ),
        label=Label("y", ("a", "b", "c")),
        preprocessing_fn=preprocessing_fn,
        build_teacher=build,
        build_student=build,
        build_optimizer=OPTIMIZERS[case.optimizer],
    )


globals().update({name: _task(name) for name in CASES})
