"""A small task with what can go wrong in one: a vector, a text, text labels, an analyzer and a vocabulary."""

from typing import Any

from limbeck.task import Feature, Hyperparameters, Label, Task

CLASSES = ("round", "square", "long")


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    import tensorflow_transform as tft

    return {
        "size_scaled": tft.scale_to_z_score(inputs["size"], elementwise=True),
        "colour_index": tft.compute_and_apply_vocabulary(inputs["colour"], num_oov_buckets=1),
    }


def build(hyperparameters: Hyperparameters) -> Any:
    import tensorflow as tf
    import tf_keras

    size = tf_keras.Input([2], name="size_scaled")
    colour = tf_keras.Input([], dtype="int64", name="colour_index")
    # LiteRT has no operator for the layer CategoryEncoding.
    joined = tf_keras.layers.Concatenate()([size, tf.one_hot(colour, 4)])
    hidden = tf_keras.layers.Dense(int(hyperparameters.get("units", 4)), activation="tanh")(joined)
    return tf_keras.Model(
        {"size_scaled": size, "colour_index": colour}, tf_keras.layers.Dense(len(CLASSES))(hidden)
    )


TASK = Task(
    name="shapes",
    features=(Feature("size", shape=(2,)), Feature("colour", "text")),
    label=Label("kind", classes=CLASSES, kind="text"),
    preprocessing_fn=preprocessing_fn,
    build_teacher=build,
    build_student=build,
    slices=(("colour",), ("colour", "kind")),
)
