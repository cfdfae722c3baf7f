"""Makes the table that is read: as many examples as wanted, of 30 numeric features each."""

from __future__ import annotations

import hashlib
from pathlib import Path

from limbeck.aliases import FeatureSpec
from limbeck.examples import EXAMPLE_ID, LABEL

_FLOATS, _INTEGERS = 24, 6
CLASSES = 4


def spec() -> FeatureSpec:
    """Returns the feature spec of what a model and its loss read: 30 features and the label."""
    import tensorflow as tf

    floats = {f"float_{number:02}": tf.io.FixedLenFeature([1], tf.float32) for number in range(_FLOATS)}
    integers = {f"integer_{number}": tf.io.FixedLenFeature([1], tf.int64) for number in range(_INTEGERS)}
    return floats | integers | {LABEL: tf.io.FixedLenFeature([], tf.int64)}


def write(path: Path, rows: int, compression: str = "") -> None:
    """Writes transformed examples to one TFRecord file.

    Args:
      path: the file.
      rows: number of examples.
      compression: `GZIP`, as Transform does, or none.
    """
    import numpy as np
    import tensorflow as tf

    generator = np.random.default_rng(1)
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for row in range(rows):
            example = tf.train.Example()
            feature = example.features.feature
            for number, value in enumerate(generator.standard_normal(_FLOATS)):
                feature[f"float_{number:02}"].float_list.value.append(value)
            for number, value in enumerate(generator.integers(1000, size=_INTEGERS)):
                feature[f"integer_{number}"].int64_list.value.append(int(value))
            feature[LABEL].int64_list.value.append(int(generator.integers(CLASSES)))
            feature[EXAMPLE_ID].bytes_list.value.append(example_id(str(row)))
            writer.write(example.SerializeToString())


def example_id(name: str) -> bytes:
    """Returns the id of an example by its name: as long as those that Transform makes."""
    return hashlib.sha256(name.encode()).hexdigest()[:38].encode()
