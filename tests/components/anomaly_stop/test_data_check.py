"""The data of a run against those before, and its splits against each other."""

import dataclasses

import pytest

from limbeck.components.anomaly_stop.data_check import check_data
from limbeck.settings.drift import DriftConfig
from limbeck.task import Task
from tests.components.anomaly_stop.ingested import sample, span
from tests.components.shapes import TASK

LIMITS = DriftConfig()
BEFORE = span(train=sample(1), test=sample(2))
FLAGGED = sample(1).assign(flag=[0, 0, 0, 1] * 100)


def task(visible: str | None) -> Task:
    return dataclasses.replace(TASK, label=dataclasses.replace(TASK.label, visible_to_student=visible))


def test_without_a_baseline_the_data_are_what_later_ones_are_held_against():
    checked = check_data(TASK, LIMITS, BEFORE, None, replacing=False)

    assert (checked.changes, checked.faults) == ((), ())
    assert checked.notes[0].startswith("no baseline: ")
    assert checked.accepted is BEFORE


def test_another_sample_of_the_same_data_passes_and_only_its_statistics_are_kept():
    data = span(train=sample(3), test=sample(4))
    checked = check_data(TASK, LIMITS, data, BEFORE, replacing=False)

    assert (checked.changes, checked.faults) == ((), ())
    assert checked.notes[0].startswith("drift from the data accepted last: at most ")
    assert checked.notes[1].startswith("skew between the splits: at most ")
    assert checked.accepted.schema is BEFORE.schema
    assert checked.accepted.statistics is data.statistics


def test_drift_is_told_with_feature_distance_and_threshold():
    [change] = check_data(TASK, LIMITS, span(train=sample(3, middle=2.0)), BEFORE, replacing=False).changes

    assert change.startswith(
        "split 'train', feature 'size': drifted from the data accepted last: Jensen-Shannon divergence 0."
    )
    assert change.endswith(", but drift.threshold allows 0.3")


@pytest.mark.parametrize(
    ("limits", "refused"),
    [(DriftConfig(), True), (DriftConfig(threshold=0.99), False), (DriftConfig(threshold=1.0), False)],
)
def test_the_threshold_decides(limits: DriftConfig, refused: bool):
    data = span(train=sample(3, middle=2.0))

    assert bool(check_data(TASK, limits, data, BEFORE, replacing=False).changes) == refused


def test_a_threshold_of_one_refuses_nothing_however_far():
    before, data = span(train=sample(1)), span(train=sample(1, middle=1e6))

    assert check_data(TASK, DriftConfig(threshold=0.999), data, before, replacing=False).changes
    assert not check_data(TASK, DriftConfig(threshold=1.0), data, before, replacing=False).changes


@pytest.mark.parametrize("replacing", [True, False])
def test_a_split_unlike_the_training_split_is_a_fault_whatever_is_accepted(replacing: bool):
    data = span(train=sample(1), test=sample(2, middle=2.0))
    checked = check_data(TASK, LIMITS, data, BEFORE, replacing)

    [fault] = checked.faults
    assert fault.startswith(
        "split 'test', feature 'size': skewed against split 'train': Jensen-Shannon divergence"
    )
    assert fault.endswith(", but drift.skew_threshold allows 0.3")
    assert checked.changes == ()


def test_skew_is_seen_on_the_first_run_too():
    one_colour = sample(2).assign(colour="blue")
    [fault] = check_data(TASK, LIMITS, span(train=sample(1), test=one_colour), None, replacing=False).faults

    assert fault.startswith("split 'test', feature 'colour': skewed against split 'train': L-infinity distance 0.")


def test_a_feature_that_no_model_reads_may_drift():
    taken, later = (sample(1).assign(taken_at=range(begin, begin + 400)) for begin in (5000, 9000))

    assert check_data(TASK, LIMITS, span(train=later), span(train=taken), replacing=False).changes == ()


def test_which_labels_the_student_sees_may_differ_between_splits_and_not_between_runs():
    """Of the training split a few are visible, of the others all."""
    shown = FLAGGED.assign(flag=1)
    splits = span(train=FLAGGED, test=shown)

    assert check_data(task("flag"), LIMITS, splits, splits, replacing=False).faults == ()
    [change] = check_data(task("flag"), LIMITS, span(train=shown), splits, replacing=False).changes
    assert "feature 'flag': drifted" in change


def test_what_replaces_the_baseline_is_shown_and_not_refused():
    data = span(train=sample(3, middle=2.0).assign(scanner="a"))
    checked = check_data(TASK, LIMITS, data, BEFORE, replacing=True)

    assert (checked.changes, checked.faults) == ((), ())
    assert checked.accepted is data
    assert "accepted schema replaced: feature 'scanner' added: BYTES" in checked.notes
    assert any("feature 'size': drifted" in note for note in checked.notes)


def test_an_equal_schema_that_is_accepted_says_so():
    checked = check_data(TASK, LIMITS, BEFORE, BEFORE, replacing=True)

    assert checked.notes[0] == "accepted schema replaced: no difference"


def test_without_enough_values_it_is_said_that_nothing_was_measured():
    few = span(train=sample(1, rows=20), test=sample(2, rows=20))

    assert check_data(TASK, LIMITS, few, few, replacing=False).notes == (
        "drift from the data accepted last: not measured, no feature has 100 values",
        "skew between the splits: not measured, no feature has 100 values",
    )
