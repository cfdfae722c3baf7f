"""Wine by its chemistry: one of three cultivars, from six measurements."""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

from limbeck import Feature, Hyperparameters, Label, Task

MEASUREMENTS = ("alcohol", "malic_acid", "flavanoids", "color_intensity", "hue", "proline")
CULTIVARS = ("barolo", "grignolino", "barbera")


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """Scales each measurement to mean 0 and variance 1, and puts them side by side."""
    scaled = [tft.scale_to_z_score(inputs[name]) for name in MEASUREMENTS]
    return {"measurements": tf.stack(scaled, axis=1)}


def _model(units: int) -> Any:
    measurements = tf_keras.Input([len(MEASUREMENTS)], name="measurements")
    hidden = tf_keras.layers.Dense(units, activation="relu")(measurements)
    return tf_keras.Model({"measurements": measurements}, tf_keras.layers.Dense(len(CULTIVARS))(hidden))


def build_teacher(hyperparameters: Hyperparameters) -> Any:
    """One wide layer."""
    return _model(int(hyperparameters.get("units", 256)))


def build_student(hyperparameters: Hyperparameters) -> Any:
    """One narrow layer."""
    return _model(int(hyperparameters.get("units", 4)))


TASK = Task(
    name="wine",
    features=tuple(Feature(name) for name in MEASUREMENTS),
    label=Label("cultivar", classes=CULTIVARS, kind="text"),
    preprocessing_fn=preprocessing_fn,
    build_teacher=build_teacher,
    build_student=build_student,
)
