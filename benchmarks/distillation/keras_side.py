"""The side of keras.distillation: `TF_USE_LEGACY_KERAS=0 python -m benchmarks.distillation.keras_side REQUEST RESULT`.

It is a process of its own, because TensorFlow takes either Keras 2 or Keras 3 as its Keras, once and for all. Keras 3
is in the locked environment as it is, as TensorFlow needs it to be installed. So both sides have one TensorFlow.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

# How the peer may train: as it comes, and as fast as its settings make it. `None` steps are those of an epoch.
WAYS: Mapping[str, Mapping[str, Any]] = {
    "as it comes": {},
    "an epoch a call": {"steps_per_execution": None, "jit_compile": False},
    "an epoch a call, XLA": {"steps_per_execution": None, "jit_compile": True},
}


@dataclasses.dataclass(frozen=True)
class Request:
    """What to train.

    Attributes:
      arrays: an .npz file: `train` and `test`, float32 `[rows, columns]`; `train_labels` and `test_labels`, int64
        `[rows]`; the teacher's weights `teacher_0` to `teacher_3`; `teacher_logits`, its answers to the test rows.
      units: hidden units of the student.
      temperature: of the loss.
      alpha: share of soft targets in the loss.
      rate: first learning rate; it falls on half a wave to 0, as the product's does.
      batch_size: examples of a step.
      epochs: of the training that is judged.
      timed_epochs: of the trainings that are timed.
      seed: of first weights and order.
    """

    arrays: str
    units: int
    temperature: float
    alpha: float
    rate: float
    batch_size: int
    epochs: int
    timed_epochs: int
    seed: int


def measured(request: Request) -> dict[str, Any]:
    """Returns the seconds of an epoch by way, and the test accuracy with the right loss and with the default one."""
    import keras

    with np.load(request.arrays) as kept:
        arrays = dict(kept)
    teacher = _network(arrays, len(arrays["teacher_1"]))
    teacher.set_weights([arrays[f"teacher_{number}"] for number in range(4)])
    moved = np.abs(teacher.predict(arrays["test"], verbose=0) - arrays["teacher_logits"]).max()
    return {
        "version": keras.__version__,
        # The teacher of both sides must be one.
        "teacher_moved": float(moved),
        "epoch": {name: _epoch(request, arrays, teacher, options) for name, options in WAYS.items()},
        "accuracy": {
            name: _accuracy(request, arrays, teacher, loss)
            for name, loss in (("KLDivergence()", keras.losses.KLDivergence()), ("default", "kl_divergence"))
        },
    }


def _network(arrays: Mapping[str, npt.NDArray[Any]], units: int) -> Any:
    import keras

    x = keras.Input([arrays["train"].shape[1]])
    hidden = keras.layers.Dense(units, activation="relu")(x)
    return keras.Model(x, keras.layers.Dense(arrays["teacher_logits"].shape[1])(hidden))


def _distiller(
    request: Request, arrays: Mapping[str, npt.NDArray[Any]], teacher: Any, loss: Any, epochs: int, **options: Any
) -> Any:
    """Returns a distiller of a new student."""
    import keras

    keras.utils.set_random_seed(request.seed)
    steps = math.ceil(len(arrays["train"]) / request.batch_size)
    distiller = keras.distillation.Distiller(
        teacher=teacher,
        student=_network(arrays, request.units),
        distillation_losses=keras.distillation.LogitsDistillation(temperature=request.temperature, loss=loss),
        student_loss_weight=1 - request.alpha,
    )
    if "steps_per_execution" in options:
        options["steps_per_execution"] = steps
    distiller.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(request.rate, steps * epochs)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **options,
    )
    return distiller


def _epoch(
    request: Request, arrays: Mapping[str, npt.NDArray[Any]], teacher: Any, options: Mapping[str, Any]
) -> float:
    """Returns the seconds of an epoch, without the tracing of the step."""
    import keras

    distiller = _distiller(request, arrays, teacher, keras.losses.KLDivergence(), request.timed_epochs, **options)
    told = {"batch_size": request.batch_size, "verbose": 0}
    distiller.fit(arrays["train"], arrays["train_labels"], epochs=2, **told)
    begin = time.perf_counter()
    distiller.fit(arrays["train"], arrays["train_labels"], epochs=request.timed_epochs, **told)
    return (time.perf_counter() - begin) / request.timed_epochs


def _accuracy(request: Request, arrays: Mapping[str, npt.NDArray[Any]], teacher: Any, loss: Any) -> float:
    distiller = _distiller(request, arrays, teacher, loss, request.epochs)
    distiller.fit(
        arrays["train"], arrays["train_labels"], epochs=request.epochs, batch_size=request.batch_size, verbose=0
    )
    answers = distiller.student.predict(arrays["test"], verbose=0).argmax(axis=1)
    return float((answers == arrays["test_labels"]).mean())


if __name__ == "__main__":
    wanted = Request(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    Path(sys.argv[2]).write_text(json.dumps(measured(wanted)), encoding="utf-8")
