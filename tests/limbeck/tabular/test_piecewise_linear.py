import numpy as np
import pytest
import tf_keras

from limbeck.tabular.piecewise_linear import PiecewiseLinear


def test_bins_are_full_below_the_place_and_empty_above():
    places = np.float32([[0.0, 1.0], [0.5, 0.3]])
    expected = [[0, 0, 0, 0, 1, 1, 1, 1], [1, 1, 0, 0, 1, 0.2, 0, 0]]
    np.testing.assert_allclose(PiecewiseLinear(4)(places), expected, atol=1e-6)


def test_the_mean_of_the_bins_is_the_place():
    places = np.random.default_rng(0).random([100, 3]).astype(np.float32)
    encoded = PiecewiseLinear(7)(places).numpy().reshape(100, 3, 7)
    np.testing.assert_allclose(encoded.mean(axis=-1), places, atol=1e-6)


def test_keras_saves_and_loads_it(tmp_path):
    inputs = tf_keras.Input([2])
    model = tf_keras.Model(inputs, PiecewiseLinear(3)(inputs))
    model.save(tmp_path / "model.keras")
    loaded = tf_keras.models.load_model(tmp_path / "model.keras")
    places = np.float32([[0.1, 0.9]])
    np.testing.assert_array_equal(loaded(places), model(places))


def test_there_is_at_least_one_bin():
    with pytest.raises(ValueError, match="at least one bin, received 0"):
        PiecewiseLinear(0)
