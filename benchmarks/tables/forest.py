"""A random forest on the rows of a run: the same division, the same columns, the measure of the same name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck.task import Task

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd  # type: ignore[import-untyped]

TREES = 300


def measure(task: Task, examples: Path, key: str, seed: int) -> float:
    """Trains a forest on the training split. Returns its measure on the test split.

    Args:
      task: the task, with features and label.
      examples: the examples of ExampleGen, a folder a split.
      key: name of the measure: `accuracy`, `auc` or `r_squared`.
      seed: of the forest.
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.metrics import accuracy_score, r2_score, roc_auc_score

    train, test = (_frame(examples / f"Split-{split}", task) for split in ("train", "test"))
    fitted, asked = _encoded(task, train, test)
    label = task.label.name
    kind = RandomForestRegressor if key == "r_squared" else RandomForestClassifier
    forest = kind(TREES, random_state=seed).fit(fitted, train[label])
    if key == "auc":
        positive = forest.classes_[1]
        return float(roc_auc_score(test[label] == positive, forest.predict_proba(asked)[:, 1]))
    said = forest.predict(asked)
    return float((r2_score if key == "r_squared" else accuracy_score)(test[label], said))


def _frame(folder: Path, task: Task) -> pd.DataFrame:
    import pandas as pd
    import tensorflow as tf

    names = [*(feature.name for feature in task.features), task.label.name]
    files = sorted(map(str, folder.glob("*")))
    parsed = (
        tf.train.Example.FromString(record.numpy())
        for record in tf.data.TFRecordDataset(files, compression_type="GZIP")
    )
    return pd.DataFrame([[_value(one.features.feature, name) for name in names] for one in parsed], columns=names)


def _value(features: Any, name: str) -> Any:
    if name not in features:
        return None
    kind = features[name].WhichOneof("kind")
    values = getattr(features[name], kind).value if kind else ()
    if not values:
        return None
    return values[0].decode() if kind == "bytes_list" else values[0]


def _encoded(
    task: Task, train: pd.DataFrame, test: pd.DataFrame
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Returns numbers as they are (gaps with the median, as is usual for a forest), and a column for each category."""
    import numpy as np
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    numbers = [feature.name for feature in task.features if feature.kind == "number"]
    categories = [feature.name for feature in task.features if feature.kind == "text"]
    columns = make_column_transformer(
        (SimpleImputer(strategy="median", add_indicator=True), numbers),
        (
            make_pipeline(
                SimpleImputer(strategy="constant", fill_value=""), OneHotEncoder(handle_unknown="ignore")
            ),
            categories,
        ),
        sparse_threshold=0,
    )
    train, test = (
        frame.astype(dict.fromkeys(numbers, float)).where(lambda one: one.notna(), np.nan)
        for frame in (train, test)
    )
    return columns.fit_transform(train), columns.transform(test)
