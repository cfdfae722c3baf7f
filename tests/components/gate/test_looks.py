"""What is a look at a test split: any order of the rows, other splits, and what a killed process leaves."""

from pathlib import Path

import pyarrow as pa
import pytest

from limbeck.components.gate import looks
from limbeck.components.predictor import tables
from limbeck.files import UNFINISHED
from limbeck.models import COMPRESSED, HARD_LABELS, STUDENT, TEACHER
from limbeck.report.verdicts import TestSplit
from tests.classes import classes


def table(
    student: float = 0.25, labels: tuple[int, ...] = (0, 1, 1), reverse: bool = False, file: float | None = None
) -> pa.Table:
    """Predictions for some test examples; the first logit of the student is given, and that of its file, if any."""
    first = {STUDENT: student} | ({} if file is None else {COMPRESSED: file})
    rows = [
        {
            "example_id": f"{number}",
            "split": "test",
            "model": model,
            "label": label,
            "logits": [first.get(model, 0.5), 0.0],
        }
        for model in (TEACHER, HARD_LABELS, *first)
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


def test_another_file_of_the_same_student_is_a_look(tmp_path: Path):
    counts = [looks.note(str(tmp_path / "looks"), table(file=file)).judged for file in (0.25, 0.75, 0.25)]

    assert counts == [1, 2, 2]


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
