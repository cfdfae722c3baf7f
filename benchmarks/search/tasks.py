"""The tasks: one network with one hidden layer as teacher, and the same with fewer units as student."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.search.tables import TABLES
from limbeck import Feature, Label, Task


def _preprocess(inputs: dict[str, Any]) -> dict[str, Any]:
    import tensorflow_transform as tft

    return {"x": tft.scale_to_z_score(inputs["x"], elementwise=True)}


def _build(hyperparameters: Mapping[str, Any]) -> Any:
    import tf_keras

    x = tf_keras.Input([hyperparameters["columns"]], name="x")
    hidden = tf_keras.layers.Dense(hyperparameters["units"], activation="relu")(x)
    return tf_keras.Model({"x": x}, tf_keras.layers.Dense(hyperparameters["classes"])(hidden))


def _task(name: str) -> Task:
    table = TABLES[name]
    return Task(
        name=name.replace("_", "-"),
        features=(Feature("x", shape=(table.columns,)),),
        label=Label("y", classes=tuple(map(str, range(table.classes))), visible_to_student="told"),
        preprocessing_fn=_preprocess,
        build_teacher=_build,
        build_student=_build,
    )


LETTERS, DIGITS, BREAST_CANCER, WINE, FEW_LABELS, FEW_LETTERS = map(
    _task, ("letters", "digits", "breast_cancer", "wine", "few_labels", "few_letters")
)
