"""The student for their pipeline."""

from typing import Any

from limbeck import Feature, Hyperparameters, Label, student_task

FEATURES = ("alcohol", "malic_acid", "ash", "color_intensity", "hue", "proline")


def build_student(hyperparameters: Hyperparameters) -> Any:
    import tf_keras

    inputs = {f"{name}_xf": tf_keras.Input([1], name=f"{name}_xf") for name in FEATURES}
    return tf_keras.Model(inputs, tf_keras.layers.Dense(3)(tf_keras.layers.Concatenate()(list(inputs.values()))))


TASK = student_task(
    name="wine-student",
    features=tuple(Feature(name) for name in FEATURES),
    label=Label("cultivar_xf", classes=("0", "1", "2")),
    build_student=build_student,
)
