"""Encoded pictures beside a table: which of two colours, from a PNG, a shop, a day and a flag (docs/data.md)."""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

from limbeck import Feature, Hyperparameters, Label, Task, uniform_integers

SHOPS = 5000
SIDE = 8


def _decoded(encoded: Any) -> Any:
    picture = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    return tf.image.resize(picture, [SIDE, SIDE]) / 255.0


def _scaled(price: Any) -> Any:
    # A few very high prices would squeeze all others together.
    highest = tft.quantiles(price, 100, epsilon=0.001)[0, -1]
    return tft.scale_to_z_score(tf.minimum(price, highest))


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """Decodes pictures, numbers the shops, and makes numbers of day and flag."""
    return {
        "picture": tf.map_fn(_decoded, inputs["picture"], fn_output_signature=tf.TensorSpec([SIDE, SIDE, 3])),
        "shop": tft.compute_and_apply_vocabulary(inputs["shop"], top_k=SHOPS, num_oov_buckets=1),
        "rest": tf.stack(
            [
                tft.scale_to_z_score(tf.cast(inputs["day"], tf.float32)),
                tf.cast(inputs["open"], tf.float32),
                _scaled(inputs["price"]),
            ],
            axis=1,
        ),
    }


def mirror(inputs: dict[str, Any], seeds: Any) -> dict[str, Any]:
    """Mirrors each picture with a probability of one half, left to right."""
    heads = uniform_integers(seeds, 0, 2) == 1
    mirrored = tf.reverse(inputs["picture"], axis=[2])
    return {**inputs, "picture": tf.where(heads[:, None, None, None], mirrored, inputs["picture"])}


def _model(units: int) -> Any:
    picture = tf_keras.Input([SIDE, SIDE, 3], name="picture")
    shop = tf_keras.Input([], dtype=tf.int64, name="shop")
    rest = tf_keras.Input([3], name="rest")
    embedded = tf_keras.layers.Embedding(SHOPS + 1, 2)(shop)
    joined = tf_keras.layers.Concatenate()([tf_keras.layers.Flatten()(picture), embedded, rest])
    hidden = tf_keras.layers.Dense(units, activation="relu")(joined)
    return tf_keras.Model({"picture": picture, "shop": shop, "rest": rest}, tf_keras.layers.Dense(2)(hidden))


def build_teacher(_: Hyperparameters) -> Any:
    """One wide layer."""
    return _model(64)


def build_student(_: Hyperparameters) -> Any:
    """The same with few units."""
    return _model(4)


TASK = Task(
    name="pictures",
    features=(
        Feature("picture", "text"),
        Feature("shop", "text"),
        Feature("day", "integer"),
        Feature("open", "integer", default=0),
        Feature("price", default=0.0),
        Feature("visits", "integer", default=0),
    ),
    label=Label("colour", classes=("red", "blue"), kind="text"),
    preprocessing_fn=preprocessing_fn,
    build_teacher=build_teacher,
    build_student=build_student,
    augment=mirror,
)
