"""The data of the cases: 25 random raw rows, transformed and packed."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from tests.trainer import packed, transform
from tests.trainer.conformance import tasks
from tests.trainer.conformance.registry import SUPPORTED

COUNT = 25
_WORDS = ("one", "two", "three", "four", "seven")
_SPEC = {
    "x": tf.io.FixedLenFeature([4], tf.float32),
    "ids": tf.io.FixedLenFeature([3], tf.int64),
    "colour": tf.io.FixedLenFeature([], tf.string),
    "words": tf.io.FixedLenFeature([], tf.string),
    "y": tf.io.FixedLenFeature([], tf.int64),
}


def build(folder: Path) -> None:
    """Writes `folder/graph`, `folder/packed` and `folder/rows.npz`."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    rows = [
        {
            "x": generator.standard_normal(4).astype(np.float32).tolist(),
            "ids": generator.integers(0, 7, 3).tolist(),
            "colour": str(generator.choice(["Red", "green", "blue", "Black"])),
            "words": " ".join(generator.choice(_WORDS, 3)),
            "y": int(generator.integers(3)),
        }
        for _ in range(COUNT)
    ]
    _, transformed = transform.analyze(getattr(tasks, SUPPORTED[0].name), _SPEC, rows, folder)
    packed.pack_all(folder / "packed", transformed)
    np.savez(
        folder / "rows.npz",
        transformed=np.array(transformed, object),
        x=np.array([row["x"] for row in rows], np.float32),
        ids=np.array([row["ids"] for row in rows]),
        colour=np.array([row["colour"].encode() for row in rows], object),
        words=np.array([row["words"].encode() for row in rows], object),
    )
