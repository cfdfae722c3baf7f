"""Finds the raw features of a few transformed examples, for readers of the report.

The model's inputs are results of a `preprocessing_fn`: a `fare` of -0.41 tells a reader nothing about a taxi trip. A
transformed example holds no raw value. But its id is computed from its raw content. So this module computes the ids of
raw examples, with the function that Transform ran, until it has found all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from limbeck import files

_READ_BATCH = 512


def find(ids: Collection[str], raw_files: Sequence[str], transform_graph: str) -> dict[str, Any]:
    """Returns `tf.train.Feature` messages by feature's name, by the id of their example. Stops when all are found.

    Args:
      ids: ids of transformed examples, with or without the number that TeacherLabeler appends. An id that is not found
        has no entry in the result.
      raw_files: gzip TFRecord files of serialized raw tf.Examples.
      transform_graph: folder or URI of Transform's graph, which holds the schema of the raw examples.
    """
    import tensorflow as tf
    import tensorflow_transform as tft

    from limbeck.trainer.data.preprocessing import content_id, dense_or_sparse

    # Examples with equal content share a content id, so any of them will do.
    wanted: dict[bytes, list[str]] = {}
    for one in ids:
        wanted.setdefault(one.partition("-")[0].encode(), []).append(one)
    found: dict[str, Any] = {}
    if not wanted:
        return found
    spec = tft.TFTransformOutput(files.local_copy(transform_graph)).raw_feature_spec()

    @tf.function(autograph=False)
    def content_ids(batch: Any) -> Any:
        parsed = tf.io.parse_example(batch, spec)
        return content_id({name: dense_or_sparse(values) for name, values in parsed.items()})

    for batch in tf.data.TFRecordDataset(list(raw_files), compression_type="GZIP").batch(_READ_BATCH):
        here = content_ids(batch).numpy()
        for position in np.flatnonzero(np.isin(here, sorted(wanted))):
            features = tf.train.Example.FromString(batch[position].numpy()).features.feature
            found |= dict.fromkeys(wanted.pop(here[position], ()), features)
        if not wanted:
            break
    return found
