"""What is told of the labels of each split."""

import dataclasses
from pathlib import Path

import pytest

from limbeck import Label, Task
from limbeck.components.example_gen.inspection import SplitSummary
from limbeck.components.example_gen.label_counts import Counted, LabelCounts, notes, read, write
from tests.components import shapes

COLUMNS = Label("y", objective="multi_label", columns=("a", "b"))


def task(label: Label) -> Task:
    """A task of which only the label matters."""
    return dataclasses.replace(shapes.TASK, features=(), slices=(), label=label)


def test_what_is_written_is_read(tmp_path: Path):
    write(
        [SplitSummary("train", 5, unlabelled=2, labels={"0": 3}), SplitSummary("test", 1, labels={"1": 1})],
        str(tmp_path),
    )
    assert read(str(tmp_path)) == Counted(
        {"train": LabelCounts(5, 2, {"0": 3}), "test": LabelCounts(1, 0, {"1": 1})}
    )


def test_examples_of_another_example_gen_have_none(tmp_path: Path):
    assert notes(read(str(tmp_path)), task(Label("y", ("no", "yes")))) == []


@pytest.mark.parametrize(
    ("label", "counts"),
    [
        (Label("y", ("no", "maybe", "yes"), "text"), {"no": 3, "yes": 1}),
        (Label("y", ("no", "maybe", "yes")), {"0": 3, "2": 1}),
        (Label("y", ("yes", "maybe"), "text", objective="binary"), {"yes": 3}),
        (Label("y", ("yes", "maybe"), objective="binary"), {"0": 3}),
    ],
)
def test_unlabelled_examples_and_absent_classes_are_told(label: Label, counts: dict[str, int]):
    counted = Counted({"train": LabelCounts(10, 6, counts), "test": LabelCounts(2, 0, {})})
    unlabelled, absent = notes(counted, task(label))
    assert (
        "split 'train': 6 of 10 examples have no label; figures of this split are over the other 4" in unlabelled
    )
    assert "no example has the label 'maybe'" in absent


def test_of_several_columns_the_value_that_no_example_has_is_told_with_its_column():
    counted = Counted({"train": LabelCounts(5, 0, {"a=0": 3, "a=1": 2, "b=0": 5})})
    [absent] = notes(counted, task(COLUMNS))
    assert "no example has the label 'b=1': no model can learn it" in absent


def test_columns_that_labelled_examples_lack_are_told():
    counts = LabelCounts(9, 2, {"a=0": 3, "a=1": 2, "b=0": 2, "b=1": 1}, {"b": 4, "a": 2})
    unlabelled, lacking = notes(Counted({"train": counts}), task(COLUMNS))
    assert "2 of 9 examples have no label" in unlabelled
    assert "split 'train': of 7 labelled examples, 2 lack 'a', 4 lack 'b'; each column counts in" in lacking


def test_of_a_number_only_missing_labels_are_told():
    label = Label("y", kind="number", objective="regression")
    [told] = notes(Counted({"train": LabelCounts(5, 2, {})}), task(label))
    assert "2 of 5 examples have no label" in told
