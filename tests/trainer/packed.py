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


def spec_of(serialized):
    """Returns a feature spec of whatever is in the examples: flat, and fixed if all have equally many values."""
    dtypes = {"int64_list": tf.int64, "float_list": tf.float32, "bytes_list": tf.string}
    kinds, sizes = {}, {}
    for one in map(tf.train.Example.FromString, serialized):
        for name, feature in one.features.feature.items():
            kind = feature.WhichOneof("kind")
            kinds[name] = dtypes[kind]
            sizes.setdefault(name, []).append(len(getattr(feature, kind).value))
    return {
        name: tf.io.FixedLenFeature([found[0]], kinds[name])
        if len(found) == len(serialized) and len(set(found)) == 1
        else tf.io.VarLenFeature(kinds[name])
        for name, found in sizes.items()
    }


def pack_all(folder, serialized, label_key="label", spec=None, **named):
    """Packs the examples of one file. Returns the folder as `batches` takes it."""
    folder.mkdir()
    written = write(folder / "part.gz", serialized)
    pack([written], folder, spec or spec_of(serialized), label_key, OBJECTIVE, **named)
    return str(folder)


def read(folder, order, replicas=(0,), count=1):
    """Returns all batches of some replicas, as NumPy arrays."""
    return list(batches(folder, order, replicas, count, SPEC).as_numpy_iterator())


def equal(one, other):
    """Returns whether two lists of batches are equal in every value."""
    return len(one) == len(other) and all(
        np.array_equal(a, b) for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True)
    )
