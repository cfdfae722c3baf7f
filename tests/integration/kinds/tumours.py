"""Breast cancer (scikit-learn): is a tumour malignant? A binary label that is one of two texts."""

from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

from limbeck import Feature, Hyperparameters, Label, Task

MEASUREMENTS = (
    "mean radius", "mean texture", "mean smoothness", "mean compactness", "mean symmetry", "radius error",
)  # fmt: skip


def write(folder: Path) -> None:
    """Writes all rows into one CSV file. The student sees the label of every third one only."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer(as_frame=True)
    table = data.frame[list(MEASUREMENTS)].copy()
    # The largest are all malignant, so there are slices with one label.
    table["size"] = (table["mean radius"].rank(pct=True) * 9.999).astype(int)
    table["seen"] = (table.index % 3 == 0).astype(int)
    table["diagnosis"] = [str(data.target_names[one]) for one in data.target]
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "tumours.csv", index=False)


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """Scales each measurement."""
    return {"measured": tf.stack([tft.scale_to_z_score(inputs[name]) for name in MEASUREMENTS], axis=1)}


def _model(units: int) -> Any:
    measured = tf_keras.Input([len(MEASUREMENTS)], name="measured")
    hidden = tf_keras.layers.Dense(units, activation="relu")(measured)
    return tf_keras.Model({"measured": measured}, tf_keras.layers.Dense(1)(hidden))


def build_teacher(hyperparameters: Hyperparameters) -> Any:
    """One wide layer."""
    return _model(64)


def build_student(hyperparameters: Hyperparameters) -> Any:
    """One narrow layer."""
    return _model(2)


TASK = Task(
    name="tumours",
    features=(*(Feature(name) for name in MEASUREMENTS), Feature("size", "integer")),
    label=Label("diagnosis", ("benign", "malignant"), "text", visible_to_student="seen", objective="binary"),
    preprocessing_fn=preprocessing_fn,
    build_teacher=build_teacher,
    build_student=build_student,
    slices=(("size",),),
)
