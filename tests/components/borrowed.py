"""Tasks for the examples, the transform graph and the models of someone else, which `someone.py` makes."""

from typing import Any

from limbeck.student_only import student_task
from limbeck.task import Feature, Hyperparameters, Label
from tests.components.shapes import CLASSES


def build_student(_: Hyperparameters) -> Any:
    import tf_keras

    size = tf_keras.Input([2], name="size_scaled")
    return tf_keras.Model({"size_scaled": size}, tf_keras.layers.Dense(len(CLASSES))(size))


FEATURES = (Feature("size", shape=(2,)), Feature("colour", "text"))
# Their Transform has an output with the number of the class.
TASK = student_task("borrowed", FEATURES, Label("kind_index", CLASSES), build_student)
# The raw label is read, as in a pipeline whose Transform has no label.
RAW = student_task("borrowed", FEATURES, Label("kind", CLASSES, kind="text"), build_student)
NARROW = student_task("narrow", FEATURES[:1], Label("kind_index", CLASSES), build_student)
LEAKING = student_task("leaking", (*FEATURES, Feature("kind", "text", default="")), TASK.label, build_student)
MISSPELT = student_task("misspelt", (Feature("sise", shape=(2,)),), TASK.label, build_student)
WITHOUT_LABEL = student_task("without-label", FEATURES, Label("kind_indx", CLASSES), build_student)
EMPTY = student_task("empty", (), TASK.label, build_student)
TWO = student_task("two", FEATURES, Label("kind_index", CLASSES[:2]), build_student)
BINARY = student_task("binary", FEATURES, Label("kind_index", objective="binary"), build_student)
