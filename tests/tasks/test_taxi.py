"""What the taxi task promises: which trip is where, that no model can see the tip, and what the models get."""

import csv
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from limbeck.errors import DataError
from limbeck.examples import SPLITS
from limbeck.settings import sources
from limbeck.tasks import taxi
from limbeck.tasks.taxi import data, models
from limbeck.tasks.taxi.cross import Cross
from limbeck.tasks.taxi.preprocessing import TRIP, VOCABULARIES
from tests.limbeck.tabular.transformed import transformed
from tests.tasks.files import checksums, write_elsewhere

pytestmark = pytest.mark.long

CONFIG = sources.load([sources.read_yaml(Path(taxi.__file__).parent / "config.yaml")])
TRIPS = 15_002
EXAMPLES = 600


@pytest.fixture(scope="module")
def raw():
    return list(data.trips())


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("taxi")
    data.write(folder)
    return folder


@pytest.fixture(scope="module")
def splits(written):
    """The rows of each split, read from the files alone."""
    return {path.name: read(path / "trips.csv") for path in written.iterdir()}


def read(file):
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_each_trip_is_in_one_split(splits, raw):
    assert set(splits) == set(SPLITS)
    assert sum(map(len, splits.values())) == len(raw) == TRIPS
    everything = Counter(tuple(row[name] for name in data.COLUMNS) for row in raw)
    found = [Counter(tuple(row[name] for name in data.COLUMNS) for row in rows) for rows in splits.values()]
    assert sum(found, Counter()) == everything
    # Trips that differ in their tip alone are in one split.
    assert sum(map(len, found)) == len(everything)


def test_the_shares_are_met(splits):
    for split, share in data.SHARES.items():
        # Four standard deviations of a binomial share.
        assert len(splits[split]) / TRIPS == pytest.approx(share / 100, abs=0.015)


def test_no_file_holds_the_tip(splits):
    for rows in splits.values():
        assert set(rows[0]) == {*data.COLUMNS, data.LABEL}
        assert not [name for name in rows[0] if "tips" in name or "total" in name]
    assert {feature.name for feature in taxi.TASK.features} < set(data.COLUMNS)


def test_the_split_does_not_look_at_the_tip(raw):
    for row in raw[:200]:
        assert data.split_of({**row, "tips": "99"}) == data.split_of(row)


def test_a_tip_is_big_above_a_fifth_of_the_fare(raw, splits):
    expected = Counter()
    for row in raw:
        big = Fraction(row["tips"]) > Fraction(row["fare"]) / 5
        expected[tuple(row[name] for name in data.COLUMNS), str(int(big))] += 1
    found = Counter(
        (tuple(row[name] for name in data.COLUMNS), row[data.LABEL]) for rows in splits.values() for row in rows
    )
    assert found == expected
    assert [data.is_big_tip({"fare": "15.65", "tips": tips}) for tips in ("3.13", "3.14")] == [False, True]


def test_cash_hides_the_tip(splits):
    """The documentation says so."""
    rows = [row for rows in splits.values() for row in rows]
    big = {
        kind: np.mean([row[data.LABEL] == "1" for row in rows if row["payment_type"] == kind])
        for kind in ("Cash", "Credit Card")
    }
    assert big["Cash"] < 0.001
    assert 0.6 < big["Credit Card"] < 0.75


def test_another_process_writes_the_same_bytes(written, tmp_path):
    write_elsewhere("taxi", tmp_path)
    assert checksums(tmp_path) == checksums(written)


def test_writing_over_data_is_refused(written):
    with pytest.raises(FileExistsError):
        data.write(written)


def test_a_tfx_package_without_the_trips_is_told(monkeypatch):
    monkeypatch.setattr(data, "_FILE", Path("examples/none.csv"))
    with pytest.raises(DataError, match=r"must be in the installed tfx package, as examples/none\.csv"):
        list(data.trips())


@pytest.fixture(scope="module")
def inputs(splits, tmp_path_factory):
    """The first trips of the training split, and what the models get of them."""
    rows = splits["train"][:EXAMPLES]
    unseen = [{**rows[0], "company": "A new one", "pickup_community_area": "99", "payment_type": "Barter"}]
    return rows, transformed(TRIP, rows, unseen, tmp_path_factory.mktemp("scratch"))


def test_numbers_are_described_as_numpy_does(inputs):
    rows, (made, _) = inputs
    assert made["numbers"].shape == (EXAMPLES, len(TRIP.numbers), 3)
    for index, name in enumerate(TRIP.numbers):
        values = np.array([float(row[name] or "nan") for row in rows], np.float32).astype(float)
        gaps = np.isnan(values)
        distance, place, gap = (made["numbers"][:, index, part] for part in range(3))
        np.testing.assert_array_equal(gap, gaps)
        expected = (values - values[~gaps].mean()) / values[~gaps].std()
        np.testing.assert_allclose(
            distance[~gaps], expected[~gaps].clip(-4, 4), rtol=1e-2, atol=1e-2, err_msg=name
        )
        assert (distance[gaps] == 0).all()
        assert (np.diff(place[~gaps][np.argsort(values[~gaps])]) >= -1e-6).all()
        assert ((place >= 0) & (place <= 1)).all()
    # Half of the fares are below the median; fares that are equal share a place.
    assert np.median(made["numbers"][:, 0, 1]) == pytest.approx(0.5, abs=0.05)


def test_categories_are_places_by_frequency_and_unseen_ones_share_the_last(inputs):
    rows, (made, unseen) = inputs
    columns = [*TRIP.categories, *TRIP.codes]
    assert made["categories"].shape == (EXAMPLES, len(columns))
    for index, name in enumerate(columns):
        counts = Counter(row[name] for row in rows)
        places = {}
        for row, place in zip(rows, made["categories"][:, index].tolist(), strict=True):
            places.setdefault(row[name], set()).add(place)
        assert all(len(found) == 1 for found in places.values()), name
        own = {value: place for value, (place,) in places.items() if place < VOCABULARIES[index] - 1}
        assert len(own) == min(len(counts), VOCABULARIES[index] - 1)
        ordered = [counts[value] for value in sorted(own, key=own.__getitem__)]
        assert ordered == sorted(counts.values(), reverse=True)[: len(own)], name
    for name in ("company", "pickup_community_area", "payment_type"):
        index = columns.index(name)
        assert unseen["categories"][0, index] == VOCABULARIES[index] - 1


@pytest.mark.parametrize("build", [models.build_teacher, models.build_student])
def test_models_map_trips_to_a_logit(build, inputs):
    _, (made, unseen) = inputs
    model = build({})
    logits = model({name: tf.constant(made[name]) for name in made}).numpy()
    assert logits.shape == (EXAMPLES, 1)
    assert np.isfinite(logits).all()
    assert len(np.unique(logits)) > EXAMPLES / 2
    # A logit, not a probability.
    assert ((logits < 0) | (logits > 1)).any()
    assert np.isfinite(model({name: tf.constant(unseen[name]) for name in unseen}).numpy()).all()


def test_a_cross_layer_computes_the_formula_of_its_paper():
    numbers = np.random.default_rng(5)
    features, crossed = numbers.normal(size=(2, 4, 6)).astype(np.float32)
    layer = Cross(rank=2)
    layer([tf.constant(features), tf.constant(crossed)])
    inner, outer, bias = (numbers.normal(size=weight.shape) for weight in layer.weights)
    layer.set_weights([inner, outer, bias])
    expected = features * (crossed @ (inner @ outer) + bias) + crossed
    np.testing.assert_allclose(layer([features, crossed]), expected, rtol=1e-5, atol=1e-5)
    again = Cross.from_config(layer.get_config())
    assert again.rank == 2
    with pytest.raises(ValueError, match="at least 1, received 0"):
        Cross(rank=0)


def test_two_cross_layers_learn_a_product_of_three_that_a_linear_model_cannot():
    numbers = np.random.default_rng(7)
    features = numbers.normal(size=(512, 3)).astype(np.float32)
    product = features.prod(axis=1)
    tf_keras.utils.set_random_seed(1)
    given = crossed = tf_keras.Input([3])
    for _ in range(2):
        crossed = Cross(rank=3)([given, crossed])
    model = tf_keras.Model(given, tf_keras.layers.Dense(1)(crossed))
    model.compile(tf_keras.optimizers.Adam(0.02), "mse")
    model.fit(features, product, 64, 60, verbose=0)
    linear = np.linalg.lstsq(features, product, rcond=None)[0]
    assert np.mean((features @ linear - product) ** 2) > 0.5 * product.var()
    assert np.mean((model.predict(features, verbose=0)[:, 0] - product) ** 2) < 0.05 * product.var()


def test_hyperparameters_set_the_size():
    features = len(TRIP.numbers) * (2 + 3) + len(VOCABULARIES) * 4
    student = models.build_student({"bins": 3, "embedding": 4, "units": 5})
    assert student.count_params() == sum(VOCABULARIES) * 4 + (features * 5 + 5) + (5 + 1)
    teacher = models.build_teacher(
        {"bins": 3, "embedding": 4, "units": 6, "crosses": 1, "rank": 2, "dropout": 0.1}
    )
    wide = len(TRIP.numbers) * (2 + 3) + len(VOCABULARIES)
    weights = sum(VOCABULARIES) * (4 + 1) + features * (2 * 2 + 1) + (features * 6 + 6) + (6 * 3 + 3)
    assert sum(np.prod(one.shape) for one in teacher.trainable_weights) == weights + features + 3 + wide + 1


def test_the_student_is_much_smaller_than_its_teachers():
    teacher = models.build_teacher(CONFIG.teachers.hyperparameters)
    student = models.build_student(CONFIG.student.hyperparameters)
    assert CONFIG.teachers.count * teacher.count_params() > 30 * student.count_params()
