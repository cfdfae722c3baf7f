"""Writes the images as TFRecord files, one folder for each split.

1,297 images are for training, 250 for choosing the settings, and 250 for the final figures only.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SPLIT_SIZES = {"train": 1297, "validation": 250, "test": 250}
SPLIT_SEED = 20_261_121
LABELS_VISIBLE_TO_STUDENT = 150


def write(folder: Path) -> None:
    """Writes `<split>/digits.tfrecord` for each split into `folder`.

    Each example has `pixels` (64 floats, 0 to 16), `digit` (0 to 9) and `label_visible` (1 if the student sees the
    digit, else 0). In the training split, LABELS_VISIBLE_TO_STUDENT digits are visible, equally many of each class. In
    the other splits, all are.

    Raises:
      FileExistsError: if `folder` already holds a split.
    """
    import numpy as np
    import tensorflow as tf
    from sklearn.datasets import load_digits

    pixels, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(digits))
    begin = 0
    for split, size in SPLIT_SIZES.items():
        rows = order[begin : begin + size]
        begin += size
        visible = _visible(digits[rows]) if split == "train" else np.ones(size, int)
        (folder / split).mkdir()
        with tf.io.TFRecordWriter(str(folder / split / "digits.tfrecord")) as writer:
            for row, seen in zip(rows, visible, strict=True):
                writer.write(_example(pixels[row], int(digits[row]), int(seen)))


def _visible(digits: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Returns 1 for the first LABELS_VISIBLE_TO_STUDENT / 10 examples of each class, 0 for the others."""
    import numpy as np

    visible = np.zeros(len(digits), int)
    for digit in range(10):
        visible[np.flatnonzero(digits == digit)[: LABELS_VISIBLE_TO_STUDENT // 10]] = 1
    return visible


def _example(pixels: npt.NDArray[np.float64], digit: int, visible: int) -> bytes:
    import tensorflow as tf

    def integer(value: int) -> tf.train.Feature:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    features = {
        "pixels": tf.train.Feature(float_list=tf.train.FloatList(value=pixels)),
        "digit": integer(digit),
        "label_visible": integer(visible),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return bytes(example.SerializeToString(deterministic=True))
