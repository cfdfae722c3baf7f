"""The augmentation that docs/data.md shows is that of the example, and does what the page says."""

import inspect
from pathlib import Path

import numpy as np
import tensorflow as tf

from docs.examples import pictures
from limbeck.randomness import uniform_integers

PAGE = Path(__file__).parents[2] / "docs" / "data.md"


def batch(size):
    generator = np.random.default_rng(5)
    inputs = {
        "picture": generator.random((size, pictures.SIDE, pictures.SIDE, 3), np.float32),
        "shop": np.arange(size),
        "rest": generator.random((size, 3), np.float32),
    }
    return {name: tf.constant(values) for name, values in inputs.items()}, tf.constant(
        generator.integers(2**62, size=size)
    )


def test_the_page_shows_the_function_of_the_example():
    code = PAGE.read_text(encoding="utf-8").partition("<!-- mirror in pictures.py -->")[2]
    assert inspect.getsource(pictures.mirror) in code.partition("<!-- end of mirror")[0]
    assert pictures.TASK.augment is pictures.mirror


def test_each_picture_is_mirrored_or_not_by_its_own_seed_and_nothing_else_changes():
    inputs, seeds = batch(200)
    made = pictures.mirror(inputs, seeds)
    heads = uniform_integers(seeds, 0, 2).numpy() == 1
    before = inputs["picture"].numpy()
    expected = [one[:, ::-1] if head else one for one, head in zip(before, heads, strict=True)]
    np.testing.assert_array_equal(made["picture"], np.stack(expected))
    assert 60 < heads.sum() < 140
    for name in ("shop", "rest"):
        np.testing.assert_array_equal(made[name], inputs[name])
    alone = pictures.mirror({name: values[7:8] for name, values in inputs.items()}, seeds[7:8])
    np.testing.assert_array_equal(alone["picture"][0], made["picture"][7])
