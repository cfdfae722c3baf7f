"""One example as a picture or as texts."""

import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from limbeck.components.reporter.model_inputs import (
    CHARACTERS,
    MISSING,
    MOST_INPUTS,
    as_picture,
    as_raw_texts,
    as_texts,
)
from limbeck.errors import TaskError
from limbeck.report import findings
from limbeck.task import Feature, Picture


def features(**values: list[Any]) -> Any:
    """`tf.train.Feature` messages as they come from an example of these values."""
    kinds = {float: ("float_list", tf.train.FloatList), int: ("int64_list", tf.train.Int64List)}
    made = tf.train.Example()
    for name, some in values.items():
        kind, message = kinds.get(type(some[0]) if some else float, ("bytes_list", tf.train.BytesList))
        made.features.feature[name].CopyFrom(tf.train.Feature(**{kind: message(value=some)}))
    return tf.train.Example.FromString(made.SerializeToString()).features.feature


@given(arrays.arrays(np.float32, (3, 5), elements=st.floats(-40, 40, width=32)), st.floats(0.5, 300))
def test_a_picture_is_scaled_and_clipped(pixels: Any, brightest: float):
    made = as_picture(features(image=pixels.ravel().tolist()), Picture("image", 3, 5, brightest))

    assert np.shape(made.rows) == (3, 5)
    np.testing.assert_allclose(made.rows, np.minimum(np.maximum(pixels / brightest, 0), 1), atol=6e-5)


def test_a_picture_may_be_of_integers_and_what_is_no_number_is_black():
    assert as_picture(features(image=[0, 16, 8, 99]), Picture("image", 2, 2, 16)).rows == ((0, 1), (0.5, 1))
    found = as_picture(features(image=[math.nan, math.inf, -math.inf, 0.25]), Picture("image", 1, 4))
    assert found == findings.GreyImage(((0.0, 1.0, 0.0, 0.25),))


def test_a_large_picture_becomes_small():
    pixels = np.arange(100 * 150, dtype=np.float32).reshape(100, 150) / 15_000

    made = as_picture(features(image=pixels.ravel().tolist()), Picture("image", 100, 150))

    np.testing.assert_allclose(made.rows, pixels[::3, ::3], atol=6e-5)


@pytest.mark.parametrize(("given_values", "message"), [
    ({"image": [0.5] * 6}, "'image' of 2 x 2 pixels needs 4 numbers in each example, but an example holds 6 numbers"),
    ({"image": []}, "an example holds 0 numbers"),
    ({"image": [b"a"] * 4}, "an example holds 4 texts"),
    ({"imag": [0.5] * 4, "label": [3]}, r"'image', which is not a model input\. Did you mean 'imag'\? .*: imag$"),
])  # fmt: skip
def test_a_picture_that_the_examples_do_not_hold_is_the_users_to_mend(given_values: Any, message: str):
    with pytest.raises(TaskError, match=message):
        as_picture(features(**given_values), Picture("image", 2, 2))


def test_texts_are_short():
    made = as_texts(
        features(
            number=[3.14159265, -1e-12],
            index=[1234567],
            words=["Gewürztraminer".encode(), b"\xff"],
            long=[0.5] * 100,
            exact=[b"x" * CHARACTERS],
            none=[],
            label=[1],
            student_label=[1],
            example_id=[b"7"],
            teacher_logits=[0.5],
        )
    )

    assert made == {
        "number": "3.142, -1e-12",
        "index": "1234567",
        "words": "Gewürztraminer, 1 bytes",
        "long": ("0.5, " * 12)[:59] + "…",
        "exact": "x" * CHARACTERS,
        "none": "",
    }


def test_of_many_inputs_the_first_are_shown():
    made = as_texts(features(**{f"m{number:02}": [number] for number in range(50)}))

    assert made == {f"m{number:02}": str(number) for number in range(MOST_INPUTS)}


def test_raw_features_are_exact_in_the_order_of_the_task_and_gaps_are_said():
    given = features(
        fare=[14.85], miles=[3.0, 1e-3], seconds=[7], photo=[b"\xff\xd8\xff"], company=[b"Caf\xc3\xa9"], tip=[1]
    )
    names = ("seconds", "fare", "miles", "company", "photo", "hour")

    found = as_raw_texts(given, [Feature(name, "number") for name in names])

    assert list(found.items()) == [
        ("seconds", "7"),
        ("fare", "14.85"),
        ("miles", "3, 0.001"),
        ("company", "Café"),
        ("photo", "3 bytes"),
        ("hour", MISSING),
    ]
