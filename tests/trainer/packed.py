"""Writes transformed examples as Transform does, for tests of the code that trains on them."""

import hashlib

import numpy as np
import tensorflow as tf

from limbeck.trainer.data.batches import batches
from limbeck.trainer.data.packing import pack
from tests.classes import classes

WIDTH = 3
# The classes of the labels that `examples` makes.
OBJECTIVE = classes(4)
SPEC = {
    "x": tf.io.FixedLenFeature([WIDTH], tf.float32),
    "label": tf.io.FixedLenFeature([], tf.int64),
    "example_id": tf.io.FixedLenFeature([], tf.string),
}


def examples(count, classes=4, seed=0):
    """Returns serialized examples with `x`, `example_id` and `label`. About every fourth has no label."""
    generator = np.random.default_rng(seed)
    return [
        serialize(
            example_id=hashlib.sha256(f"{seed} {number}".encode()).hexdigest(),
            x=generator.standard_normal(WIDTH).tolist(),
            label=int(generator.integers(classes)) if generator.random() > 0.25 else -1,
        )
        for number in range(count)
    ]


def serialize(**features):
    return tf.train.Example(
        features=tf.train.Features(feature={name: _feature(value) for name, value in features.items()})
    ).SerializeToString(deterministic=True)


def _feature(value):
    if isinstance(value, str):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
    if isinstance(value, int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
    return tf.train.Feature(float_list=tf.train.FloatList(value=value))


def write(path, serialized):
    """Writes one gzip file of records. Returns its path as text."""
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for one in serialized:
            writer.write(one)
    return str(path)


def pack_all(folder, serialized, label_key="label"):
    """Packs the examples of one file. Returns the folder as `batches` takes it."""
    folder.mkdir()
    pack([write(folder / "part.gz", serialized)], folder, label_key, OBJECTIVE)
    return str(folder)


def read(folder, order, replicas=(0,), count=1):
    """Returns all batches of some replicas, as NumPy arrays."""
    return list(batches(folder, order, replicas, count, SPEC).as_numpy_iterator())


def equal(one, other):
    """Returns whether two lists of batches are equal in every value."""
    return len(one) == len(other) and all(
        np.array_equal(a, b) for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True)
    )
