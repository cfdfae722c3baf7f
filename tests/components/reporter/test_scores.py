"""Which rows of the table count, and which models can be judged."""

import math

import numpy as np
import pyarrow as pa
import pytest

from limbeck.components.predictor import tables
from limbeck.components.reporter.scores import judgeable, scores
from tests.classes import classes
from tests.components.reporter.predictions import table


def test_the_labelled_rows_of_one_model_and_split_are_taken():
    logits = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    labels = [2, -1, 0, 1, -1]
    mixed = pa.concat_tables(
        [table([0], [[9, 9, 9]], model="teacher"), table(labels, logits), table([0], [[8, 8, 8]], split="train")]
    )

    found = scores(mixed, "student", "test", classes(3))

    assert found.ids.to_pylist() == ["id-0000", "id-0002", "id-0003"]
    assert found.labels.tolist() == [2, 0, 1]
    np.testing.assert_array_equal(found.logits, logits[[0, 2, 3]])
    assert found.logits.dtype == np.float64


@pytest.mark.parametrize("rows", [
    table([-1, -1], [[1, 2], [2, 1]]),
    table([0], [[1, 2]], model="teacher"),
    tables.schema(classes()).empty_table(),
    pa.Table.from_batches([], tables.schema(classes())),
])  # fmt: skip
def test_without_labelled_examples_no_model_can_be_judged(rows: pa.Table):
    assert judgeable(rows, "student", "test", classes(2)) is None
    assert scores(rows, "student", "test", classes(2)).logits.shape == (0, 2)


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_a_model_with_a_logit_that_is_not_finite_cannot_be_judged(broken: float):
    assert judgeable(table([0, 1], [[1, 2], [2, broken]]), "student", "test", classes(2)) is None
    assert judgeable(table([0, 1], [[1, 2], [2, 3]]), "student", "test", classes(2)) is not None
    # It is of an example that does not count.
    assert judgeable(table([0, -1], [[1, 2], [2, broken]]), "student", "test", classes(2)) is not None
