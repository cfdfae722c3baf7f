"""Diabetes (scikit-learn): how far does the disease progress within a year? A label that is a number from 25 to 346."""

from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

from limbeck import Feature, Hyperparameters, Label, Task

MEASUREMENTS = ("age", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


def write(folder: Path) -> None:
    """Writes all rows into one CSV file. The student sees the label of every third one only; some have none."""
    from sklearn.datasets import load_diabetes

    table = load_diabetes(as_frame=True, scaled=False).frame
    table["sex"] = table["sex"].astype(int)
    table["seen"] = (table.index % 3 == 0).astype(int)
    # Whole numbers in the file, and empty fields.
    table["progression"] = table.pop("target").astype(int).astype(object).where(table.index % 20 != 7)
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "diabetes.csv", index=False)


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """Scales each measurement."""
    scaled = [tft.scale_to_z_score(inputs[name]) for name in MEASUREMENTS]
    return {"measured": tf.stack([*scaled, tf.cast(inputs["sex"], tf.float32) - 1.5], axis=1)}


def _model(units: int) -> Any:
    measured = tf_keras.Input([len(MEASUREMENTS) + 1], name="measured")
    hidden = tf_keras.layers.Dense(units, activation="relu")(measured)
    # Near the labels from the start: their mean is about 150, and their standard deviation 77.
    value = tf_keras.layers.Dense(1)(hidden)
    return tf_keras.Model({"measured": measured}, tf_keras.layers.Rescaling(77.0, 150.0)(value))


def build_teacher(hyperparameters: Hyperparameters) -> Any:
    """One wide layer."""
    return _model(32)


def build_student(hyperparameters: Hyperparameters) -> Any:
    """One narrow layer."""
    return _model(2)


TASK = Task(
    name="diabetes",
    features=(*(Feature(name) for name in MEASUREMENTS), Feature("sex", "integer")),
    label=Label("progression", kind="number", visible_to_student="seen", objective="regression"),
    preprocessing_fn=preprocessing_fn,
    build_teacher=build_teacher,
    build_student=build_student,
    slices=(("sex",),),
)
