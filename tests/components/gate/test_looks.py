"""What is a look at a test split: any order of the rows, other splits, and what a killed process leaves."""

from pathlib import Path

import pyarrow as pa
import pytest

from limbeck.components.gate import looks
from limbeck.components.predictor import tables
from limbeck.files import UNFINISHED
from limbeck.models import HARD_LABELS, STUDENT, TEACHER
from limbeck.report.verdicts import TestSplit
from tests.classes import classes


def table(student: float = 0.25, labels: tuple[int, ...] = (0, 1, 1), reverse: bool = False) -> pa.Table:
    """Predictions of two models for some test examples; the first logit of the student is given."""
    rows = [
        {
            "example_id": f"{number}",
            "split": "test",
            "model": model,
            "label": label,
            "logits": [student if model == STUDENT else 0.5, 0.0],
        }
        for model in (TEACHER, STUDENT, HARD_LABELS)
        for number, label in enumerate(labels)
    ]
    return pa.Table.from_pylist(rows[::-1] if reverse else rows, schema=tables.schema(classes()))


def test_the_order_of_the_rows_is_no_look(tmp_path: Path):
    folder = str(tmp_path / "looks")

    first = looks.note(folder, table())

    assert looks.note(folder, table(reverse=True)) == first
    assert first.judged == 1


def test_another_answer_is_a_look_and_other_examples_are_another_test_split(tmp_path: Path):
    folder = str(tmp_path / "looks")
    first = looks.note(folder, table())

    second = looks.note(folder, table(student=0.75))
    relabelled, longer = (
        looks.note(folder, table(labels=(0, 0, 1))),
        looks.note(folder, table(labels=(0, 1, 1, 1))),
    )

    assert (second.digest, second.judged) == (first.digest, 2)
    assert (relabelled.judged, longer.judged) == (1, 1)
    assert len({first.digest, relabelled.digest, longer.digest}) == 3


def test_an_older_number_is_brought_up_to_date(tmp_path: Path):
    """A gate from the cache knows of the looks before it only."""
    folder = str(tmp_path / "looks")
    old = looks.note(folder, table())
    new = looks.note(folder, table(student=0.75))

    assert looks.count(folder, old) == new
    # Somebody deleted the folder, or moved the report.
    assert looks.count(str(tmp_path / "elsewhere"), new) == new


def test_a_file_that_a_killed_process_left_is_no_look(tmp_path: Path):
    found = looks.note(str(tmp_path), table())
    (tmp_path / found.digest / f"{UNFINISHED}abc").write_bytes(b"")

    assert looks.count(str(tmp_path), TestSplit(found.digest, 0)).judged == 1


def test_what_cannot_be_noted_is_an_error(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(OSError):
        looks.note(str(tmp_path / "file"), table())
