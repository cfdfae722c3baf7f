"""Scales the pixels for the models, and shifts them for the training of the teachers."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from limbeck import uniform_integers

SIDE = 8
BRIGHTEST = 16.0


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """Scales `pixels` `[batch, 64]` to `image` float32 `[batch, 64]` between 0 and 1."""
    return {"image": inputs["pixels"] / BRIGHTEST}


def shift_by_up_to_one_pixel(inputs: dict[str, Any], seeds: Any) -> dict[str, Any]:
    """Moves each image by -1, 0 or 1 pixel down and right. Pixels that enter are black."""
    images = tf.reshape(inputs["image"], [-1, SIDE, SIDE])
    padded = tf.pad(images, [[0, 0], [1, 1], [1, 1]])
    window = tf.range(SIDE)
    rows = uniform_integers(seeds, 0, 3, draw=0)[:, tf.newaxis] + window
    columns = uniform_integers(seeds, 0, 3, draw=1)[:, tf.newaxis] + window
    moved = tf.gather(tf.gather(padded, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)
    return {"image": tf.reshape(moved, [-1, SIDE * SIDE])}
