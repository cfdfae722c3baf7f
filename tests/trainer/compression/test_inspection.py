"""What is read back from a `.tflite` file, against the arrays that went into it."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from limbeck.errors import DataError, TaskError
from limbeck.trainer.compression import inspection, litert

SIZES = (20, 64, 3)


def build(zeros: float = 0.0) -> tf_keras.Model:
    """A perceptron whose first kernel has a share of zeros."""
    tf_keras.utils.set_random_seed(3)
    given = tf_keras.Input([SIZES[0]], name="x")
    hidden = tf_keras.layers.Dense(SIZES[1], activation="relu")(given)
    model = tf_keras.Model({"x": given}, tf_keras.layers.Dense(SIZES[2])(hidden))
    kernel, *rest = model.get_weights()
    kernel.ravel()[: int(zeros * kernel.size)] = 0
    model.set_weights([kernel, *rest])
    return model


def examples(count: int = 50) -> list[dict]:
    values = np.random.default_rng(0).normal(size=[count, SIZES[0]]).astype(np.float32)
    return [{"x": row[np.newaxis]} for row in values]


def converted(model: tf_keras.Model, storage: str, representative: list[dict] | None = None) -> bytes:
    specs = {"x": tf.TensorSpec([1, SIZES[0]], tf.float32, name="x")}
    return litert.convert(model, specs, storage, examples() if representative is None else representative, "it")


def answers(content: bytes) -> np.ndarray:
    runner = tf.lite.Interpreter(model_content=content, num_threads=1).get_signature_runner()
    return np.concatenate([runner(x=one["x"])["logits"] for one in examples()])


def test_a_file_of_float32_holds_the_weights_and_answers_as_the_model():
    model = build(zeros=0.4)
    content = converted(model, "float32")
    kernel, bias, last, _ = model.get_weights()

    first, second, *small = inspection.tensors(content)
    assert (first.shape, first.dtype, first.elements) == (kernel.T.shape, "float32", kernel.size)
    assert (first.zeros, first.distinct) == (int((kernel == 0).sum()), len(np.unique(kernel)))
    assert first.sparsity == pytest.approx(0.4, abs=1e-3)
    assert second.shape == last.T.shape
    # The biases are zeros, and the converter keeps none of them.
    assert not bias.any() and not small
    hidden = np.maximum(np.concatenate([one["x"] for one in examples()]).astype(float) @ kernel, 0)
    np.testing.assert_allclose(answers(content), hidden @ last, atol=1e-5)


def test_sizes_are_those_of_the_bytes():
    content = converted(build(zeros=0.9), "float32")
    size = inspection.size_of(content)
    assert size.bytes == len(content) > size.gzip
    assert gzip.decompress(gzip.compress(content, mtime=0)) == content
    assert size.gzip < inspection.size_of(converted(build(), "float32")).gzip


def test_int8_answers_as_the_integers_of_its_file_say():
    """The weights as the file holds them, dequantised, and the model computed on them by NumPy in float64."""
    content = converted(build(), "int8")
    stored = {values.shape: (details, values) for details, values in inspection.constants(content)}
    weights = []
    for place in (0, 1):
        details, values = stored[SIZES[place + 1], SIZES[place]]
        assert values.dtype == np.int8
        scales = details["quantization_parameters"]["scales"]
        assert not details["quantization_parameters"]["zero_points"].any()
        weights.append((values * (scales[:, np.newaxis] if len(scales) > 1 else scales)).T.astype(float))
    hidden = np.maximum(np.concatenate([one["x"] for one in examples()]) @ weights[0], 0)
    dequantised, got = hidden @ weights[1], answers(content)

    steps = [
        one["quantization"][0]
        for one in tf.lite.Interpreter(model_content=content).get_tensor_details()
        if one["quantization"][0] and one["dtype"] is np.int8 and 1 in one["shape"][:1]
    ]
    # Inputs, hidden values and logits are each rounded to a step of their own.
    assert len(steps) == 3
    spread = np.abs(weights[1]).sum(axis=0).max() * (np.abs(weights[0]).sum(axis=0).max() * steps[0] + steps[1])
    assert np.abs(got - dequantised).max() <= max(spread, sum(steps))
    assert np.abs(got - dequantised).mean() < 2 * max(steps)
    assert inspection.float_operators(content) == ()


@pytest.mark.parametrize(("storage", "dtype"), [("dynamic_range", "int8"), ("float16", "float16")])
def test_the_other_kinds_store_the_kernel_smaller_and_compute_in_floating_point(storage: str, dtype: str):
    model = build()
    content = converted(model, storage)
    [first, *_] = inspection.tensors(content)
    assert (first.dtype, first.elements) == (dtype, SIZES[0] * SIZES[1])
    assert inspection.float_operators(content) == ("FULLY_CONNECTED",)
    expected = model.predict({"x": np.concatenate([one["x"] for one in examples()])}, verbose=0)
    assert 0 < np.abs(answers(content) - expected).max() < 0.05


def test_a_zero_that_is_stored_as_another_number_is_a_zero():
    values = np.array([[3, -5, 3], [7, 7, 0]], np.int8)
    one = {"quantization_parameters": {"zero_points": np.array([3]), "quantized_dimension": 0}}
    rows = {"quantization_parameters": {"zero_points": np.array([-5, 7]), "quantized_dimension": 0}}
    none = {"quantization_parameters": {"zero_points": np.array([], np.int32), "quantized_dimension": 0}}
    counts = [(values == inspection.zero_points(details, values)).sum() for details in (one, rows, none)]
    assert counts == [2, 3, 1]


def test_int8_without_an_example_is_refused():
    with pytest.raises(DataError, match="it cannot be quantised to int8 without representative examples"):
        converted(build(), "int8", representative=[])


def test_a_model_without_operators_for_it_is_refused():
    given = tf_keras.Input([], dtype="int64", name="x")
    encoded = tf_keras.layers.CategoryEncoding(4, output_mode="one_hot")(given)
    model = tf_keras.Model({"x": given}, tf_keras.layers.Dense(3)(encoded))
    specs = {"x": tf.TensorSpec([1], tf.int64, name="x")}
    with pytest.raises(
        TaskError, match=r"it cannot become a \.tflite file: LiteRT has no operator for DenseBincount"
    ):
        litert.convert(model, specs, "float16", [], "it")


def test_a_layer_that_treats_one_example_otherwise_is_converted_for_any_number():
    """The function that is converted must not know, while it is traced, that there is one example."""
    given = tf_keras.Input([], name="x")
    odd = tf_keras.layers.Lambda(lambda x: tf.stack([x, x if x.shape[0] == 1 else 2 * x], axis=1))(given)
    content = litert.convert(
        tf_keras.Model({"x": given}, odd), {"x": tf.TensorSpec([1], tf.float32, name="x")}, "float32", [], "it"
    )
    runner = tf.lite.Interpreter(model_content=content).get_signature_runner()
    assert runner(x=np.float32([3]))["logits"].tolist() == [[3, 6]]
