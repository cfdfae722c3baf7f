"""Their preprocessing and model, as stock TFX asks for them: no ids, and the label among the features."""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

from components import EPOCHS  # noqa: TID251

FEATURES = ("alcohol", "malic_acid", "ash", "color_intensity", "hue", "proline")
LABEL = "cultivar"


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    scaled = {f"{name}_xf": tft.scale_to_z_score(inputs[name]) for name in FEATURES}
    return scaled | {"cultivar_xf": inputs[LABEL]}


def run_fn(arguments: Any) -> None:
    transform = tft.TFTransformOutput(arguments.transform_output)
    spec = transform.transformed_feature_spec()
    records = tf.data.TFRecordDataset(tf.io.gfile.glob(arguments.train_files), compression_type="GZIP")
    examples = tf.io.parse_example([one.numpy() for one in records], spec)
    labels = examples.pop("cultivar_xf")
    tf_keras.utils.set_random_seed(0)
    inputs = [tf_keras.Input([1], name=f"{name}_xf") for name in FEATURES]
    hidden = tf_keras.layers.Dense(32, "relu")(tf_keras.layers.Concatenate()(inputs))
    model = tf_keras.Model(inputs, tf_keras.layers.Dense(3, "softmax")(hidden))
    model.compile(tf_keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    model.fit(examples, labels, batch_size=32, epochs=EPOCHS, verbose=0)
    model.transform = transform.transform_features_layer()
    raw_spec = {name: one for name, one in transform.raw_feature_spec().items() if name != LABEL}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(serialized: Any) -> dict[str, Any]:
        transformed = model.transform(tf.io.parse_example(serialized, raw_spec))
        return {"outputs": model({one.name: transformed[one.name] for one in inputs})}

    tf.saved_model.save(model, arguments.serving_model_dir, signatures={"serving_default": serve})
