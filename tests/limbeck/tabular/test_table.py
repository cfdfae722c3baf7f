"""Preprocessing against NumPy, through the analyzers of tensorflow_transform as Transform runs them."""

import math

import numpy as np
import pytest
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from limbeck.errors import TaskError
from limbeck.tabular import Scale, Table
from limbeck.tabular.numbers import BINS, quantile_place
from limbeck.trainer.data.preprocessing import dense_feature

ROWS = 3000
TABLE = Table(numbers=("heavy", "gappy", "constant", "far"), categories={"city, of birth": 3}, codes={"shop": 2})


def table() -> dict[str, np.ndarray]:
    numbers = np.random.default_rng(1)
    gappy = np.where(numbers.random(ROWS) < 0.3, np.nan, numbers.normal(5, 2, ROWS))
    city = numbers.choice(["a", "b", "c", "d\n", ""], ROWS, p=[0.4, 0.3, 0.15, 0.05, 0.1])
    return {
        "heavy": numbers.lognormal(sigma=3, size=ROWS),
        "gappy": gappy,
        "constant": np.full(ROWS, 3.7),
        # Its variance is far below its square.
        "far": 1e6 + numbers.normal(size=ROWS),
        "city, of birth": city,
        "shop": numbers.choice([10, 20, 30], ROWS, p=[0.5, 0.3, 0.2]),
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The inputs of the models, for each row of the table. Gaps are missing values, as in a tf.Example."""
    import tensorflow as tf

    columns = table()
    rows = [
        {
            name: value
            for name, value in zip(columns, row, strict=True)
            if value != "" and not (isinstance(value, float) and math.isnan(value))
        }
        for row in zip(*(column.tolist() for column in columns.values()), strict=True)
    ]
    kinds = {"number": tf.float32, "text": tf.string, "integer": tf.int64}
    spec = {feature.name: tf.io.VarLenFeature(kinds[feature.kind]) for feature in TABLE.features}
    data = [{name: [value] for name, value in row.items()} for row in rows]
    data = [{**{name: [] for name in spec}, **row} for row in data]
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))

    def preprocess(inputs):
        return TABLE.preprocess({one.name: dense_feature(one, inputs[one.name]) for one in TABLE.features})

    with tft_beam.Context(temp_dir=str(tmp_path_factory.mktemp("scratch"))):
        (transformed, _), _ = (data, metadata) | tft_beam.AnalyzeAndTransformDataset(preprocess)
    return {name: np.array([row[name] for row in transformed]) for name in ("numbers", "categories")}


def test_distances_are_those_of_the_values_that_exist(made):
    columns = table()
    for index, name in enumerate(TABLE.numbers):
        values = columns[name].astype(np.float32).astype(np.float64)
        there = ~np.isnan(values)
        deviation = values[there].std()
        expected = (values[there] - values[there].mean()) / (deviation if name != "constant" else 1)
        np.testing.assert_allclose(made["numbers"][there, index, 0], expected.clip(-4, 4), rtol=2e-3, atol=1e-3)
        assert (made["numbers"][~there, index, 0] == 0).all()


def test_places_are_the_ranks_among_the_training_data(made):
    values = table()["heavy"]
    ranks = values.argsort().argsort() / (ROWS - 1)
    # The outermost of BINS + 2 parts of the data are cut.
    expected = np.clip((ranks * (BINS + 2) - 1) / BINS, 0, 1)
    np.testing.assert_allclose(made["numbers"][:, 0, 1], expected, atol=1.5 / BINS)


def test_gaps_are_marked(made):
    columns = table()
    for index, name in enumerate(TABLE.numbers):
        np.testing.assert_array_equal(made["numbers"][:, index, 2], np.isnan(columns[name]))
    assert np.isfinite(made["numbers"]).all()


def test_frequent_values_have_places_and_all_others_share_the_last(made):
    columns = table()
    expected = {"a": 0, "b": 1, "c": 2, "d\n": 3, "": 3}
    np.testing.assert_array_equal(
        made["categories"][:, 0], [expected[value] for value in columns["city, of birth"]]
    )
    np.testing.assert_array_equal(made["categories"][:, 1], [{10: 0, 20: 1, 30: 2}[v] for v in columns["shop"]])


def test_the_place_is_that_of_numpy_between_different_edges():
    values = np.float32([[-1.0], [0.0], [0.5], [2.5], [9.0]])
    edges = np.float32([[0.0, 1.0, 2.0, 4.0]])
    expected = np.interp(values[:, 0], edges[0], [0, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(quantile_place(values, edges)[:, 0], expected, atol=1e-6)


def test_the_place_jumps_where_edges_coincide():
    places = quantile_place(np.float32([[-0.1], [0.0], [0.5]]), np.float32([[0.0, 0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(places[:, 0], [0, 2 / 3, 2.5 / 3], atol=1e-6)


def test_both_networks_take_what_preprocessing_makes(made):
    for model in (TABLE.teacher(5), TABLE.student(5)):
        assert model({name: values[:10] for name, values in made.items()}).shape == (10, 5)
        assert model.layers[-1].activation.__name__ == "linear"
    assert TABLE.student(5).count_params() < TABLE.teacher(5).count_params() / 10


def test_a_table_of_one_kind_of_columns_has_one_input():
    assert set(Table(numbers=("a",)).teacher(2).input) == {"numbers"}
    assert set(Table(categories={"a": 3}).teacher(2).input) == {"categories"}


def test_hyperparameters_change_the_size():
    assert TABLE.teacher(2, {"units": 7, "layers": 3}).layers[-2].rate == 0.2
    sizes = [
        layer.units for layer in TABLE.teacher(2, {"units": 7, "layers": 3}).layers if hasattr(layer, "units")
    ]
    assert sizes == [7, 7, 7, 2]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"unit": 3}, "no hyperparameter 'unit'.*Did you mean 'units'"), ({"units": -1}, "'units'.*-1"),
     ({"units": 1.5}, "1.5"), ({"bins": "many"}, "'many'")],
)  # fmt: skip
def test_a_hyperparameter_that_a_network_cannot_have_is_refused(wrong, message):
    with pytest.raises(TaskError, match=message):
        TABLE.student(2, wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({}, "at least one column"), ({"numbers": ("a", "b"), "categories": {"a": 2}}, r"twice: \['a'\]"),
     ({"categories": {"a": 0}}, "column 'a' needs at least one value")],
)  # fmt: skip
def test_a_table_that_contradicts_itself_is_refused(wrong, message):
    with pytest.raises(TaskError, match=message):
        Table(**wrong)


def test_numbers_begin_at_their_mean(made):
    inputs = {name: values[:200] for name, values in made.items()}
    plain, scaled = TABLE.student(1), TABLE.student(1, answers=Scale(1000.0, 50.0))
    scaled.set_weights(plain.get_weights())
    np.testing.assert_allclose(scaled(inputs), 1000 + 50 * plain(inputs).numpy(), rtol=1e-6)


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 0.0), (math.nan, 1.0), (0.0, math.inf)])
def test_a_scale_is_finite(mean, deviation):
    with pytest.raises(TaskError, match="deviation above 0"):
        Scale(mean, deviation)
