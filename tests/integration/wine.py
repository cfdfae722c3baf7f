"""A user's task in one file, on CSV data: three kinds of wine by 13 chemical measurements (scikit-learn's wine)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import tensorflow_transform as tft
import tf_keras
from sklearn.datasets import load_wine

from limbeck.task import Feature, Label, Task

COLUMNS = [name.replace("/", " per ") for name in load_wine().feature_names]


def write(folder: Path) -> None:
    """Every fifth row for validation, every fifth for testing."""
    wine = load_wine()
    kinds = [str(wine.target_names[kind]) for kind in wine.target]
    rows = [[*map(repr, map(float, row)), kind] for row, kind in zip(wine.data, kinds, strict=True)]
    parts = {"train": [r for i, r in enumerate(rows) if i % 5 < 3], "validation": rows[3::5], "test": rows[4::5]}
    for split, part in parts.items():
        (folder / split).mkdir()
        with (folder / split / "wine.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([[*COLUMNS, "kind"], *part])


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """Scales every measurement to mean 0 and variance 1."""
    return {f"m{number}": tft.scale_to_z_score(inputs[name]) for number, name in enumerate(COLUMNS)}


def _model(units: int) -> Any:
    inputs = {f"m{number}": tf_keras.Input([], name=f"m{number}") for number in range(len(COLUMNS))}
    columns = [tf_keras.layers.Reshape([1])(column) for column in inputs.values()]
    hidden = tf_keras.layers.Dense(units, activation="relu")(tf_keras.layers.Concatenate()(columns))
    return tf_keras.Model(inputs, tf_keras.layers.Dense(3)(hidden))


def build_teacher(_: Any) -> Any:
    """A wide layer."""
    return _model(64)


def build_student(_: Any) -> Any:
    """A narrow layer."""
    return _model(4)


TASK = Task(
    name="wine",
    features=tuple(Feature(name) for name in COLUMNS),
    label=Label("kind", classes=("class_0", "class_1", "class_2"), kind="text"),
    preprocessing_fn=preprocessing_fn,
    build_teacher=build_teacher,
    build_student=build_student,
    write_data=write,
)
