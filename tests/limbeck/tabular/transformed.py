"""What the models get of the rows of a table, through the analyzers of tensorflow_transform as Transform runs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from limbeck.tabular import Table
from limbeck.trainer.data.preprocessing import dense_feature

Row = Mapping[str, str]
_DTYPES = {"number": tf.float32, "text": tf.string, "integer": tf.int64}
_READ = {"number": float, "text": str, "integer": int}


def transformed(table: Table, training: Sequence[Row], further: Sequence[Row], scratch: Path) -> Any:
    """Analyzes the training rows, and transforms both.

    Args:
      table: names the columns.
      training: rows of a CSV file; an empty field is a gap.
      further: rows that are not analyzed.
      scratch: folder for temporary files.

    Returns:
      Two dictionaries of NumPy arrays, by the names of the models' inputs.
    """
    spec = {feature.name: tf.io.VarLenFeature(_DTYPES[feature.kind]) for feature in table.features}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))

    def preprocess(inputs: Any) -> Any:
        return table.preprocess({one.name: dense_feature(one, inputs[one.name]) for one in table.features})

    def examples(rows: Sequence[Row]) -> list[dict[str, list[Any]]]:
        return [
            {one.name: [_READ[one.kind](row[one.name])] if row[one.name] else [] for one in table.features}
            for row in rows
        ]

    with tft_beam.Context(temp_dir=str(scratch)):
        (first, _), graph = (examples(training), metadata) | tft_beam.AnalyzeAndTransformDataset(preprocess)
        second, _ = ((examples(further), metadata), graph) | tft_beam.TransformDataset()
    return tuple({name: np.array([row[name] for row in made]) for name in made[0]} for made in (first, second))
