"""A small student for the taxi pipeline of TFX: is the tip above 20 % of the fare, by five features of the trip."""

from typing import Any

import tensorflow as tf
import tf_keras

from limbeck import Feature, Hyperparameters, Label, student_task

# Payment types and hours beyond these share the last place. Transform numbers payment types by their frequency.
PAYMENT_TYPES, HOURS = 8, 24


def build_student(hyperparameters: Hyperparameters) -> Any:
    """Reads outputs of the transform graph, by their names."""
    numbers = {name: tf_keras.Input([1], name=name) for name in ("fare_xf", "trip_miles_xf", "trip_seconds_xf")}
    places = {"payment_type_xf": PAYMENT_TYPES, "trip_start_hour_xf": HOURS}
    indices = {name: tf_keras.Input([1], name=name, dtype="int64") for name in places}
    embedded = [
        tf_keras.layers.Flatten()(tf_keras.layers.Embedding(size, 4)(tf.minimum(indices[name], size - 1)))
        for name, size in places.items()
    ]
    joined = tf_keras.layers.Concatenate()([*numbers.values(), *embedded])
    hidden = tf_keras.layers.Dense(int(hyperparameters.get("units", 16)), activation="relu")(joined)
    return tf_keras.Model(numbers | indices, tf_keras.layers.Dense(1)(hidden))


TASK = student_task(
    name="taxi-student",
    # What the served student takes. `tips` is not among them: the label is made of it.
    features=(
        Feature("fare"),
        Feature("trip_miles"),
        Feature("trip_seconds", "integer"),
        Feature("payment_type", "text"),
        Feature("trip_start_hour", "integer"),
    ),
    # The label is an output of the stock `preprocessing_fn`: 1 if the tip is above 20 % of the fare.
    label=Label("tips_xf", classes=("small tip", "big tip"), objective="binary"),
    build_student=build_student,
)
