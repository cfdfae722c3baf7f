"""MUNGE against NumPy: who the nearest neighbour is, what a new row is made of, and what is no table."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from limbeck.errors import TaskError
from limbeck.randomness import mix, normal, uniform
from limbeck.task import Feature, Label, Picture, Task
from limbeck.trainer.data import neighbours as module
from limbeck.trainer.data.munge import _COLUMNS, assert_mungeable, munged
from limbeck.trainer.data.neighbours import Neighbours
from limbeck.trainer.data.order import Order
from limbeck.trainer.data.packed import PackedExamples
from tests.trainer import packed

COUNT = 60
SEEDS = tf.constant(np.arange(500) * 7 - 40, tf.int64)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A packed table of two numbers of different size, a constant, and an integer that stands for a name."""
    generator = np.random.default_rng(4)
    rows = [
        packed.serialize(
            example_id=f"{number:03}",
            x=[float(generator.normal()), float(1000 * generator.normal()), 5.0],
            name=int(generator.integers(3)),
            label=0,
        )
        for number in range(COUNT)
    ]
    return PackedExamples(packed.pack_all(tmp_path_factory.mktemp("table") / "packed", rows))


def nearest(examples, rows, candidates):
    x = examples.column("x", np.arange(COUNT)).astype(np.float64)
    names = examples.column("name", np.arange(COUNT))
    low, high = x[candidates].min(axis=0), x[candidates].max(axis=0)
    x = (x - low) / np.where(high > low, high - low, 1)
    found = []
    for row in rows:
        squares = ((x[row] - x[candidates]) ** 2).sum(axis=1) + (names[row] != names[candidates]).ravel()
        squares[candidates == row] = np.inf
        found.append(candidates[squares.argmin()])
    return found


def test_the_neighbour_is_the_row_that_differs_least(table):
    rows = np.array([5, 0, 59, 5, 17])
    found = Neighbours(table, ["x", "name"]).of(rows)
    np.testing.assert_array_equal(found, nearest(table, rows, np.arange(COUNT)))
    assert (found != rows).all()


def test_the_neighbour_does_not_depend_on_who_asks_when(table, monkeypatch):
    whole = Neighbours(table, ["x", "name"]).of(np.arange(COUNT))
    monkeypatch.setattr(module, "_BLOCK_VALUES", 7 * COUNT)
    other = Neighbours(table, ["x", "name"])
    first = other.of(np.array([30, 31, 32]))
    np.testing.assert_array_equal(first, whole[30:33])
    np.testing.assert_array_equal(other.of(np.arange(COUNT)[::-1]), whole[::-1])


def test_a_large_table_has_its_neighbours_among_some_rows(table, monkeypatch):
    monkeypatch.setattr(module, "CANDIDATES", 20)
    found = Neighbours(table, ["x", "name"]).of(np.arange(COUNT))
    np.testing.assert_array_equal(found, nearest(table, np.arange(COUNT), np.arange(0, COUNT, 3)))


def test_partners_follow_the_order(table):
    order = Order(COUNT, 8, 2, seed=3)
    found = Neighbours(table, ["x", "name"])
    positions = np.arange(50, 90)
    np.testing.assert_array_equal(found.partners(order)(positions), found.of(order.rows(positions)))


def rows_of(seed):
    generator = np.random.default_rng(seed)
    size = len(SEEDS)
    return {
        "numbers": generator.normal(size=[size, 3, 3]).astype(np.float32),
        "a": generator.normal(size=[size, 2]).astype(np.float32),
        "names": generator.integers(0, 9, [size, 2]),
        "one": generator.normal(size=[size]).astype(np.float32),
    }


def reference(own, other, probability, width):
    """Written column by column from the docstring; the random numbers alone are those of the product."""
    made, place = {}, 0
    streams = mix(SEEDS, _COLUMNS)
    for name in sorted(own):
        mine, its = own[name].copy(), other[name]
        columns = mine.shape[1] if mine.ndim > 1 else 1
        for column in range(columns):
            drawn = streams + place
            place += 1
            taken, z = uniform(drawn, 0).numpy() < probability, normal(drawn, 1).numpy().astype(np.float64)
            target = (slice(None), column) if mine.ndim > 1 else (slice(None),)
            a, b = mine[target], its[target]
            if mine.ndim == 3:
                taken, z = taken[:, None], z[:, None]
            new = b
            if mine.dtype == np.float32:
                flags = np.isin(a, [0, 1]) & np.isin(b, [0, 1])
                new = np.where(flags, b, b + z * width * (b.astype(np.float64) - a))
            mine[target] = np.where(taken, new, a)
        made[name] = mine
    return made


def test_new_rows_are_made_as_the_paper_says():
    own, other = rows_of(1), rows_of(2)
    # Flags.
    own["numbers"][..., 2] = own["numbers"][..., 2] > 0
    other["numbers"][..., 2] = other["numbers"][..., 2] > 0
    found = munged(
        {k: tf.constant(v) for k, v in own.items()}, {k: tf.constant(v) for k, v in other.items()}, SEEDS, 0.4, 0.7
    )
    expected = reference(own, other, 0.4, 0.7)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-5)
        assert found[name].dtype == own[name].dtype
    assert np.isin(found["numbers"][..., 2], [0, 1]).all()
    changed = found["a"].numpy() != own["a"]
    assert 0.35 < changed.mean() < 0.45
    assert abs(np.corrcoef(changed.T)[0, 1]) < 0.15, "columns are taken independently"


def test_equal_rows_stay_as_they_are_and_probability_zero_changes_nothing():
    own, other = ({k: tf.constant(v) for k, v in rows_of(seed).items()} for seed in (1, 2))
    for made in (munged(own, own, SEEDS, 1.0, 5.0), munged(own, other, SEEDS, 0.0, 1.0)):
        for name, values in made.items():
            np.testing.assert_array_equal(values, own[name])


def test_a_row_depends_on_its_own_seed_alone():
    own, other = ({k: tf.constant(v) for k, v in rows_of(seed).items()} for seed in (1, 2))
    whole = munged(own, other, SEEDS, 0.5, 0.5)
    some = munged(
        {k: v[9:16] for k, v in own.items()}, {k: v[9:16] for k, v in other.items()}, SEEDS[9:16], 0.5, 0.5
    )
    for name, values in some.items():
        np.testing.assert_array_equal(values, whole[name][9:16])


TABLE = Task(
    name="table",
    features=(Feature("a"), Feature("b")),
    label=Label("y", ("0", "1")),
    preprocessing_fn=dict,
    build_teacher=dict,
    build_student=dict,
)


def fixed(shape, dtype=tf.float32):
    return tf.io.FixedLenFeature(shape, dtype)


def test_the_columns_of_a_table_are_taken():
    spec = {"numbers": fixed([9, 3]), "categories": fixed([2], tf.int64), "x": fixed([7]), "y": fixed([])}
    assert_mungeable(spec, TABLE)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"image": fixed([8, 8, 1])}, "also take image, which are no columns of one value each"),
        ({"steps": fixed([20, 4])}, "also take steps, which are no columns"),
        ({"words": tf.io.VarLenFeature(tf.int64)}, "also take words, which are no columns"),
        ({"text": fixed([], tf.string)}, "also take text, which are no columns"),
        ({"characters": fixed([32], tf.int64)}, "take 32 integers in each example, of 2 raw columns"),
    ],
)
def test_what_is_no_table_is_refused_with_a_remedy(spec, message):
    with pytest.raises(TaskError, match=rf"munge exchanges the columns of a table, but .*{message}.*: set dist"):
        assert_mungeable(spec, TABLE)


def test_a_picture_is_refused_though_its_pixels_lie_in_a_row():
    pictures = dataclasses.replace(TABLE, picture=Picture("image", 8, 8))
    with pytest.raises(TaskError, match=r"task 'table' declares a picture: set distillation.inputs=augmented"):
        assert_mungeable({"image": fixed([64])}, pictures)
