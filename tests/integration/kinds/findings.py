"""Wine (scikit-learn): which of three findings does a sample have? Columns of 0 and 1, derived from real measurements.

A sample has any number of them. The models see other measurements than the findings were derived from.
"""

from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

from limbeck import Feature, Hyperparameters, Label, Task

MEASUREMENTS = ("alcohol", "total_phenols", "hue", "od280/od315_of_diluted_wines", "magnesium", "ash")
FINDINGS = ("rich in proline", "pale", "sour")


def write(folder: Path) -> None:
    """Writes all rows into one CSV file. The student sees every third label only; some rows lack a part, or all."""
    from sklearn.datasets import load_wine

    table = load_wine(as_frame=True).frame
    table["rich in proline"] = (table["proline"] > 800).astype(int)
    table["pale"] = (table["color_intensity"] < 4).astype(int)
    table["sour"] = (table["malic_acid"] > 3).astype(int).astype(object).where(table.index % 25 != 7)
    table.loc[table.index % 25 == 12, list(FINDINGS)] = None
    table["cultivar"] = table.pop("target")
    table["seen"] = (table.index % 3 == 0).astype(int)
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "wine.csv", index=False)


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """Scales each measurement."""
    return {"measured": tf.stack([tft.scale_to_z_score(inputs[name]) for name in MEASUREMENTS], axis=1)}


def _model(units: int) -> Any:
    measured = tf_keras.Input([len(MEASUREMENTS)], name="measured")
    hidden = tf_keras.layers.Dense(units, activation="relu")(measured)
    return tf_keras.Model({"measured": measured}, tf_keras.layers.Dense(len(FINDINGS))(hidden))


def build_teacher(hyperparameters: Hyperparameters) -> Any:
    """One wide layer."""
    return _model(32)


def build_student(hyperparameters: Hyperparameters) -> Any:
    """One narrow layer."""
    return _model(3)


TASK = Task(
    name="findings",
    features=(*(Feature(name) for name in MEASUREMENTS), Feature("cultivar", "integer")),
    label=Label("findings", visible_to_student="seen", objective="multi_label", columns=FINDINGS),
    preprocessing_fn=preprocessing_fn,
    build_teacher=build_teacher,
    build_student=build_student,
    slices=(("cultivar",),),
)
