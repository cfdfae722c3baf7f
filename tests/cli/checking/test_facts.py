"""How many rows there are, from how many were read."""

from __future__ import annotations

from limbeck.cli.checking.facts import all_rows
from limbeck.components.example_gen.row_counts import RowCounts

READ = {"train": 80, "validation": 11, "test": 9}


def test_rows_that_are_divided_are_divided_as_the_sample_was():
    assert all_rows(READ, RowCounts({"all": 1000}), divided=True) == {"train": 800, "validation": 110, "test": 90}
    assert all_rows(READ, RowCounts({"all": 100}), divided=True) == READ
    # An estimate may be too low.
    assert all_rows(READ, RowCounts({"all": 90}), divided=True) == READ


def test_splits_of_their_own_are_counted_by_themselves_and_unlabelled_rows_join_the_training():
    counted = RowCounts({"train": 500, "validation": 20, "test": 30}, unlabelled=7)

    assert all_rows(READ, counted, divided=False) == {"train": 507, "validation": 20, "test": 30}
