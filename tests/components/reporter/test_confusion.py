"""Confusions, held against counts made one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from limbeck.components.reporter.confusion import confusion
from limbeck.components.reporter.scores import judgeable
from tests.classes import classes
from tests.components.reporter.predictions import table

CLASSES = ("round", "square", "long")


@given(st.data())
def test_every_labelled_example_is_counted_where_it_belongs(data: st.DataObject):
    labels = data.draw(st.lists(st.integers(-1, 2), min_size=1, max_size=40))
    logits = data.draw(arrays.arrays(np.float32, (len(labels), 3), elements=st.floats(-50, 50, width=32)))
    expected = [[0] * 3 for _ in range(3)]
    for label, row in zip(labels, logits, strict=True):
        if label >= 0:
            expected[label][int(np.argmax(row))] += 1

    found = judgeable(table(labels, logits), "student", "test", classes(3))

    if found is None:
        assert set(labels) == {-1}
    else:
        assert confusion(found, CLASSES).counts == tuple(map(tuple, expected))


def test_rows_are_labels_and_columns_predictions():
    found = judgeable(table([0, 0, 2], [[0, 0, 1], [0, 0, 1], [1, 0, 0]]), "student", "test", classes(3))

    assert found is not None
    made = confusion(found, CLASSES)
    assert made.classes == CLASSES
    assert made.counts == ((0, 0, 2), (0, 0, 0), (1, 0, 0))
