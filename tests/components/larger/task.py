"""A task with rows of 2 KiB: a text, of which 512 letters become numbers."""

from typing import Any

from limbeck.task import Feature, Hyperparameters, Label, Task

CLASSES = ("even", "odd")
TEXT_BYTES, NUMBERS = 2048, 512


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    import tensorflow as tf
    import tensorflow_transform as tft

    letters = tf.io.decode_raw(tf.strings.substr(inputs["text"], 0, NUMBERS), tf.uint8)
    letters = tf.reshape(tf.cast(letters, tf.float32), [-1, NUMBERS])
    return {"letters": letters / 128.0, "size": tft.scale_to_z_score(inputs["size"])}


def build(_: Hyperparameters) -> Any:
    import tensorflow as tf
    import tf_keras

    letters = tf_keras.Input([NUMBERS], name="letters")
    size = tf_keras.Input([], name="size")
    joined = tf_keras.layers.Concatenate()([letters, tf.expand_dims(size, 1)])
    return tf_keras.Model({"letters": letters, "size": size}, tf_keras.layers.Dense(len(CLASSES))(joined))


TASK = Task(
    name="long-rows",
    features=(Feature("text", "text"), Feature("size")),
    label=Label("kind", classes=CLASSES, kind="text"),
    preprocessing_fn=preprocessing_fn,
    build_teacher=build,
    build_student=build,
)
