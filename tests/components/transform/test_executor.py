"""A `preprocessing_fn` that passes over the data twice. TFX 1.16 with Beam 2.64 fails on it."""

from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from limbeck.components.transform.executor import without_copies

VALUES = np.random.default_rng(0).lognormal(sigma=2, size=500).astype(np.float32)


def cut_and_scaled(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    middle = tft.mean(inputs["x"])
    return {"x": tft.scale_to_z_score(tf.minimum(inputs["x"], middle))}


def transformed(folder: Path) -> np.ndarray:
    """Calls TensorFlow Transform as TFX's executor does: within a pipeline, with copies asked for."""
    spec = {"x": tf.io.FixedLenFeature([], tf.float32)}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
    with (
        beam.Pipeline(runner="DirectRunner") as pipeline,
        tft_beam.Context(temp_dir=str(folder / "scratch"), use_deep_copy_optimization=True),
    ):
        data = pipeline | beam.Create([{"x": value} for value in VALUES])
        (rows, _), _ = (data, metadata) | tft_beam.AnalyzeAndTransformDataset(cut_and_scaled)
        _ = rows | beam.Map(lambda row: str(float(row["x"]))) | beam.io.WriteToText(str(folder / "rows"))
    return np.array([float(line) for file in folder.glob("rows*") for line in file.read_text().split()])


def test_an_analyzer_takes_what_another_one_found(tmp_path):
    with without_copies():
        found = transformed(tmp_path)
    cut = np.minimum(VALUES, VALUES.mean())
    np.testing.assert_allclose(np.sort(found), np.sort((cut - cut.mean()) / cut.std()), rtol=1e-4, atol=1e-5)


def test_outside_of_it_tfxs_own_way_fails(tmp_path):
    """If this passes one day, `without_copies` is needed no more."""
    with without_copies():
        pass
    with pytest.raises(RuntimeError, match="Failed to apply"):
        transformed(tmp_path)
