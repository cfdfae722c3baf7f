"""The model of TFX's taxi template on the trips of the task: same split, its own preprocessing, its own training.

The template comes with three features, and the others in comments. Both forms are trained. The second needs one
correction: months go from 1 to 12, but the template makes room for 0 to 11, so December would end the training.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_BATCH = 2048
_SHUFFLED = 10_000
_TEXTS = ("payment_type", "company")


@dataclasses.dataclass(frozen=True)
class Form:
    """Which features the template uses.

    Attributes:
      numbers: used as they are, after scaling.
      buckets: numbers that are cut into ten buckets.
      integers: used as categories, each with the number of its values.
      texts: turned into places in a vocabulary.
    """

    numbers: tuple[str, ...]
    buckets: tuple[str, ...]
    integers: Mapping[str, int]
    texts: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that the template's preprocessing reads."""
        return tuple(dict.fromkeys([*self.numbers, *self.buckets, *self.integers, *self.texts, "fare", "tips"]))


FORMS = {
    "as it comes": Form(("trip_miles",), ("pickup_latitude",), {"trip_start_hour": 24}),
    "all its features": Form(
        ("trip_miles", "fare", "trip_seconds"),
        ("pickup_latitude", "pickup_longitude", "dropoff_latitude", "dropoff_longitude"),
        {"trip_start_hour": 24, "trip_start_day": 31, "trip_start_month": 13},
        _TEXTS,
    ),
}


@dataclasses.dataclass(frozen=True)
class Transformed:
    """The template's inputs of its model.

    Attributes:
      inputs: by split, then by name, `[rows]`.
      labels: by split, what the template's own preprocessing says, 0 or 1, `[rows]`.
    """

    inputs: Mapping[str, Mapping[str, npt.NDArray[Any]]]
    labels: Mapping[str, npt.NDArray[np.int64]]


def transform(form: Form, rows: Mapping[str, list[Mapping[str, str]]], scratch: Path) -> Transformed:
    """Runs the template's `preprocessing_fn`. It analyzes the training split.

    Args:
      form: which features.
      rows: by split, trips with their tips, as `limbeck.tasks.taxi.data.trips` yields them.
      scratch: folder for temporary files.
    """
    import numpy as np
    import tensorflow as tf
    import tensorflow_transform.beam as tft_beam
    from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils
    from tfx.experimental.templates.taxi.models import preprocessing

    _use(form)
    kinds = {name: tf.string if name in form.texts else tf.float32 for name in form.columns}
    kinds |= dict.fromkeys(form.integers, tf.int64)
    spec = {name: tf.io.VarLenFeature(kind) for name, kind in kinds.items()}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
    read = {tf.string: str, tf.float32: float, tf.int64: int}
    examples = {
        split: [{name: [read[kinds[name]](row[name])] if row[name] else [] for name in kinds} for row in some]
        for split, some in rows.items()
    }
    made = {}
    with tft_beam.Context(temp_dir=str(scratch)):
        given = (examples["train"], metadata)
        (made["train"], _), graph = given | tft_beam.AnalyzeAndTransformDataset(preprocessing.preprocessing_fn)
        for split, some in examples.items():
            if split != "train":
                made[split], _ = ((some, metadata), graph) | tft_beam.TransformDataset()
    columns = {
        split: {name: np.array([np.ravel(row[name])[0] for row in some]) for name in some[0]}
        for split, some in made.items()
    }
    labels = {split: some.pop("tips_xf") for split, some in columns.items()}
    return Transformed(columns, labels)


def train(form: Form, data: Transformed, steps: int, seed: int) -> dict[str, npt.NDArray[np.float64]]:
    """Trains the template's model, as its `run_fn` does.

    Returns:
      By split, the probability of a big tip, `[rows]`.
    """
    import tensorflow as tf
    from tfx.experimental.templates.taxi.models.keras_model import constants, model

    _use(form)
    tf.keras.utils.set_random_seed(seed)
    network = model._build_keras_model(constants.HIDDEN_UNITS, constants.LEARNING_RATE)
    dataset = tf.data.Dataset.from_tensor_slices((dict(data.inputs["train"]), data.labels["train"]))
    dataset = dataset.shuffle(_SHUFFLED, seed=seed).repeat().batch(constants.TRAIN_BATCH_SIZE)
    network.fit(dataset, steps_per_epoch=steps, verbose=0)
    return {
        split: network.predict(tf.data.Dataset.from_tensor_slices(dict(inputs)).batch(_BATCH), verbose=0)[:, 0]
        for split, inputs in data.inputs.items()
    }


def _use(form: Form) -> None:
    """Sets the constants that a user of the template edits."""
    from tfx.experimental.templates.taxi.models import features

    features.DENSE_FLOAT_FEATURE_KEYS = list(form.numbers)
    features.BUCKET_FEATURE_KEYS = list(form.buckets)
    features.BUCKET_FEATURE_BUCKET_COUNT = [10] * len(form.buckets)
    features.CATEGORICAL_FEATURE_KEYS = list(form.integers)
    features.CATEGORICAL_FEATURE_MAX_VALUES = list(form.integers.values())
    features.VOCAB_FEATURE_KEYS = list(form.texts)
