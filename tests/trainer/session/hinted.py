"""Tasks whose student is compared with layers of its teacher, on the data of `tests.trainer.world`."""

import dataclasses

import tf_keras

from tests.trainer.distillation.watched import deep
from tests.trainer.session import mistakes


def build_teacher(hyperparameters):
    return deep("taught", int(hyperparameters.get("units", 7)), 3)


def build_student(hyperparameters):
    return deep("own", int(hyperparameters.get("units", 4)), 2)


TASK = dataclasses.replace(
    mistakes.TASK,
    name="hinted",
    build_teacher=build_teacher,
    build_student=build_student,
    build_optimizer=tf_keras.optimizers.SGD,
    hints=(("taught_2", "own_1"), ("taught_0", "own_0")),
)
MISSPELT = dataclasses.replace(TASK, hints=(("taught_2", "own_2"),))
WITHOUT = dataclasses.replace(TASK, hints=())
