"""Counts the students that were judged on one test split, because its figures lose value with each look at them.

If somebody tries ten settings and ships the student with the best test figure, this figure is too optimistic. The
validation split is the one for choosing settings. A user does not notice how often the test split was used, so the gate
counts: below a folder that outlives runs, each test split has a folder, and each student that was judged on the test
split has an empty file in this folder. The names are digests of what was judged. So a gate that runs again for the same
answers does not increase the count, and neither does a gate that comes from the cache. Two runs at the same time need
no lock.

Dwork et al. (2015), "The reusable holdout: Preserving validity in adaptive data analysis", Science 349(6248).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from limbeck import files
from limbeck.models import STUDENT, TEACHER, shipped
from limbeck.report.verdicts import TestSplit

if TYPE_CHECKING:
    import pyarrow as pa

_DIGITS = 16


def note(folder: str, table: pa.Table) -> TestSplit:
    """Notes that student and teacher were judged, and returns how many students were judged on their test split.

    Args:
      folder: folder or URI of the counts; made if it is missing.
      table: predictions of the test split, as `limbeck.components.predictor.tables` describes them.
    """
    ordered = table.sort_by([("model", "ascending"), ("example_id", "ascending")])
    examples = _digest(ordered, STUDENT, ("example_id", "label"))
    judged = shipped(ordered["model"].unique().to_pylist())
    answers = _digest(ordered, judged, ("logits",)) + _digest(ordered, TEACHER, ("logits",))
    split = TestSplit(examples, 0)
    files.write_bytes(
        files.join(_folder(folder, split), hashlib.sha256(answers.encode()).hexdigest()[:_DIGITS]), b""
    )
    return count(folder, split)


def count(folder: str, split: TestSplit) -> TestSplit:
    """Returns the test split with the number of students judged on it so far. The number never decreases."""
    noted = [name for name in files.names(_folder(folder, split)) if not name.startswith(files.UNFINISHED)]
    return TestSplit(split.digest, max(split.judged, len(noted)))


def _folder(folder: str, split: TestSplit) -> str:
    return files.join(folder, split.digest)


def _digest(table: pa.Table, model: str, columns: tuple[str, ...]) -> str:
    """Returns a digest of some columns of a model's rows. It does not depend on how the table lies in memory."""
    import pyarrow.compute as pc

    found = hashlib.sha256()
    chosen = table.filter(pc.equal(table["model"], model))
    for column in columns:
        for value in chosen[column].to_pylist():
            found.update(f"{value!r}\n".encode())
    return found.hexdigest()[:_DIGITS]
