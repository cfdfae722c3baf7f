"""The schema that a task brings along: data are checked against it, whatever was accepted before."""

import dataclasses
import re
from pathlib import Path

import pytest

from limbeck.components.anomaly_stop import curated
from limbeck.components.anomaly_stop.data_check import DataCheck, check_data
from limbeck.errors import TaskError
from limbeck.settings.drift import DriftConfig
from limbeck.task import Task
from tests.components.anomaly_stop.ingested import sample, span
from tests.components.shapes import TASK

SCHEMA = """
# Comments are welcome.
feature { name: "size" type: FLOAT presence { min_fraction: 1 min_count: 1 } float_domain { min: -50 max: 50 } }
feature { name: "colour" type: BYTES domain: "colour" presence { min_fraction: 0.5 min_count: 1 } }
feature { name: "kind" type: BYTES presence { min_count: 1 } }
string_domain { name: "colour" value: "red" value: "green" value: "blue" value: "mauve" }
"""
BEFORE = span(train=sample(1), test=sample(2))


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return with_schema(tmp_path, SCHEMA)


def with_schema(folder: Path, text: str) -> Task:
    (folder / "schema.pbtxt").write_text(text, encoding="utf-8")
    return dataclasses.replace(TASK, schema=folder / "schema.pbtxt")


def check(task: Task, data: object, baseline: object = None, replacing: bool = False) -> DataCheck:
    return check_data(task, DriftConfig(), data, baseline, replacing, curated=curated.read(task))


def test_a_task_without_a_schema_has_none():
    assert curated.read(TASK) is None


def test_good_data_pass_and_the_task_s_schema_is_kept_for_later_runs(task: Task):
    checked = check(task, BEFORE)

    assert (checked.changes, checked.faults) == ((), ())
    assert checked.notes[0].startswith("no baseline: the task's schema and the statistics of these data are kept")
    assert checked.accepted.schema == curated.read(task)
    assert checked.accepted.statistics is BEFORE.statistics


def test_the_first_data_can_break_it_though_they_agree_with_themselves(task: Task):
    pink, huge = sample(2), sample(1)
    pink.loc[7, "colour"] = "pink"
    huge.loc[3, "size"] = 51.0
    assert check_data(TASK, DriftConfig(), span(train=huge, test=pink), None, replacing=False).faults == ()

    faults = check(task, span(train=huge, test=pink)).faults

    assert len(faults) == 2
    assert faults[0].startswith("split 'train', feature 'size': ")
    assert "51" in faults[0]
    assert faults[1].startswith("split 'test', feature 'colour': Unexpected string values: ")
    assert "pink" in faults[1]
    assert all(fault.endswith("(by the task's schema)") for fault in faults)


def test_what_is_allowed_passes_though_no_data_before_had_it(task: Task):
    mauve = sample(3)
    mauve.loc[0, "colour"] = "mauve"
    assert check_data(TASK, DriftConfig(), span(train=mauve), BEFORE, replacing=False).changes

    checked = check(task, span(train=mauve), BEFORE)

    assert (checked.changes, checked.faults) == ((), ())
    assert checked.accepted.schema == curated.read(task)


def test_gaps_are_counted_in_each_split(task: Task):
    gappy = sample(2)
    gappy.loc[:300, "colour"] = None

    [fault] = check(task, span(train=sample(1), test=gappy)).faults

    assert fault.startswith("split 'test', feature 'colour': ")
    assert re.search(r"fraction.*24\.75|0\.2475", fault), fault


def test_drift_is_still_compared_with_the_data_accepted_last(task: Task):
    checked = check(task, span(train=sample(3, middle=2.0)), BEFORE)

    [change] = checked.changes
    assert change.startswith("split 'train', feature 'size': drifted from the data accepted last")
    assert checked.faults == ()


def test_accepting_new_data_accepts_no_fault(task: Task):
    far = sample(3)
    far.loc[0, "size"] = 99.0

    checked = check(task, span(train=far), BEFORE, replacing=True)

    [fault] = checked.faults
    assert "99" in fault
    assert checked.accepted.schema == curated.read(task)
    assert "accepted schema replaced: feature 'colour': values added: 'mauve'" in "\n".join(checked.notes)


def test_a_schema_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(TaskError, match=r"must be a file, but there is none at .*missing\.pbtxt: write it"):
        curated.read(dataclasses.replace(TASK, schema=tmp_path / "missing.pbtxt"))


@pytest.mark.parametrize("text", ["feature { nam: 'size' }", "feature {", "\x00"])
def test_a_file_that_is_no_schema_is_told(tmp_path: Path, text: str):
    with pytest.raises(TaskError, match=r"schema\.pbtxt must be a tensorflow_metadata Schema in text form"):
        curated.read(with_schema(tmp_path, text))


def test_a_schema_without_a_declared_feature_is_told(tmp_path: Path):
    with pytest.raises(TaskError, match=r"has no 'colour': add .* Did you mean 'color'\?"):
        curated.read(with_schema(tmp_path, SCHEMA.replace('"colour" type', '"color" type')))
