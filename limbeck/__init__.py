"""The names that a task imports, and `student_udf` for a program on Spark.

The packages below hold what every process shares.

Each name is loaded when it is first used. So a process that only needs `limbeck.errors` waits neither for pydantic
nor for TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limbeck.layers.dropout import Dropout
    from limbeck.randomness import uniform_integers
    from limbeck.saved_teacher import SavedTeacher
    from limbeck.splits import Splits
    from limbeck.student_only import student_task
    from limbeck.task import Feature, Hyperparameters, Label, Picture, Task

__all__ = [
    "Dropout",
    "Feature",
    "Hyperparameters",
    "Label",
    "Picture",
    "SavedTeacher",
    "Splits",
    "Task",
    "student_task",
    "student_udf",
    "uniform_integers",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'limbeck' has no attribute {name!r}")
    others = {
        "Dropout": "layers.dropout",
        "SavedTeacher": "saved_teacher",
        "Splits": "splits",
        "student_task": "student_only",
        "student_udf": "components.bulk_scoring.student_udf",
        "uniform_integers": "randomness",
    }
    module = others.get(name, "task")
    return getattr(importlib.import_module(f"limbeck.{module}"), name)
