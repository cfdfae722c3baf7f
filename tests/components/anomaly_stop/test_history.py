"""Runs one after the other in one folder: what a later one may be like is what an earlier one was."""

import json
from pathlib import Path

import pandas
import pytest

from limbeck import events
from limbeck.components.anomaly_stop import accepted
from limbeck.errors import DataError
from limbeck.settings.drift import DriftConfig
from tests.components.anomaly_stop.ingested import Root, sample

TRAIN, TEST = sample(1), sample(2)


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """A folder with a first run."""
    made = Root(tmp_path)
    made.run(train=TRAIN, test=TEST)
    return made


@pytest.fixture
def emitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "events.jsonl"
    monkeypatch.setenv(events.ENVIRONMENT, str(path))
    return path


def notes(emitted: Path) -> list[str]:
    return [json.loads(line)["text"] for line in emitted.read_text(encoding="utf-8").splitlines()]


def refused(root: Root, **splits: pandas.DataFrame) -> str:
    """Runs once more; returns the complaint, after which nothing that was accepted may have changed."""
    before = root.state()
    with pytest.raises(DataError) as caught:
        root.run(**splits)
    assert root.state() == before != {}
    return str(caught.value)


def test_the_first_run_is_accepted_and_says_that_there_is_no_baseline(tmp_path: Path, emitted: Path):
    root = Root(tmp_path)
    root.run(train=TRAIN, test=TEST)

    assert notes(emitted)[0].startswith("no baseline: ")
    kept = accepted.read(str(root.accepted))
    assert kept is not None
    assert [feature.name for feature in kept.schema.feature] == ["size", "colour", "kind"]
    assert {split: kept.statistics[split].datasets[0].num_examples for split in kept.statistics} == {
        "train": 400,
        "test": 400,
    }
    assert accepted.generation(str(root.accepted)) == 0


def test_the_same_data_pass(root: Root, emitted: Path):
    root.run(train=TRAIN, test=TEST)

    assert notes(emitted)[0].startswith("drift from the data accepted last: at most ")
    assert "divergence 0.000" in notes(emitted)[0] or "distance 0.000" in notes(emitted)[0]
    assert accepted.generation(str(root.accepted)) == 0


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (
            TRAIN.assign(colour=["mauve", *TRAIN["colour"].tolist()[1:]]),
            "feature 'colour': Unexpected string values",
        ),
        (TRAIN.assign(extra=1.0), "feature 'extra': New column"),
        (TRAIN.assign(size=None).astype({"size": float}), "feature 'size': Column dropped"),
        (TRAIN.assign(size="large"), "feature 'size': Unexpected data type"),
    ],
    ids=["a new text", "a new feature", "a missing feature", "another type"],
)
def test_data_unlike_the_accepted_ones_are_refused(root: Root, data: pandas.DataFrame, complaint: str):
    """In all splits: the schema that is inferred from the same data has nothing against them."""
    message = refused(root, train=data, test=data)

    for split in ("train", "test"):
        assert f"split '{split}', {complaint}" in message
    assert "(by the accepted schema)" in message
    assert "run with --accept-schema" in message.splitlines()[-1]


def test_a_drifted_distribution_is_refused(root: Root):
    message = refused(root, train=sample(3, middle=2.0), test=sample(4, middle=2.0))

    assert "feature 'size': drifted from the data accepted last: Jensen-Shannon divergence 0." in message
    assert "drift.threshold allows 0.3" in message
    assert "run with --accept-schema" in message.splitlines()[-1]


def test_a_skewed_split_is_refused_and_accepting_it_is_not_offered(root: Root):
    message = refused(root, train=TRAIN, test=sample(4, middle=2.0))

    assert "split 'test', feature 'size': skewed against split 'train'" in message
    assert message.endswith("correct the data and run again")


def test_refused_data_are_not_a_first_run(tmp_path: Path):
    root = Root(tmp_path)
    with pytest.raises(DataError, match="skewed"):
        root.run(train=TRAIN, test=sample(4, middle=2.0))

    assert accepted.read(str(root.accepted)) is None


def test_drift_is_measured_from_the_data_accepted_last(root: Root):
    """Small steps pass, each of them; the way back in one does not."""
    for step in (0.8, 1.6, 2.4):
        root.run(train=sample(5, middle=step), test=sample(6, middle=step))

    assert "feature 'size': drifted" in refused(root, train=TRAIN, test=TEST)


def test_the_schema_stays_that_of_the_first_run_though_later_data_hold_less(root: Root):
    fewer = sample(5)
    fewer = fewer[fewer["colour"] != "blue"].reset_index(drop=True)
    root.run(train=fewer, test=fewer)

    root.run(train=TRAIN, test=TEST)


def test_another_generation_replaces_schema_and_statistics_and_shows_the_difference(root: Root, emitted: Path):
    data = sample(3, middle=2.0).assign(scanner="a")
    root.run(generation=1, train=data, test=data)

    told = notes(emitted)
    assert told[0] == "accepted schema replaced: feature 'scanner' added: BYTES"
    assert "feature 'size': drifted" in told[1]
    assert accepted.generation(str(root.accepted)) == 1
    root.run(generation=1, train=data, test=data)
    assert "feature 'scanner': Column dropped" in refused(root, generation=1, train=TRAIN, test=TEST)


def test_accepting_does_not_help_against_a_feature_that_the_task_declares(root: Root):
    without = TRAIN.drop(columns="size")
    message = refused(root, generation=1, train=without, test=without)

    assert "feature 'size': declared by the task, but not in the data" in message
    assert accepted.generation(str(root.accepted)) == 0


def test_the_first_run_may_be_told_to_accept(tmp_path: Path, emitted: Path):
    root = Root(tmp_path)
    root.run(generation=1, train=TRAIN, test=TEST)

    assert accepted.generation(str(root.accepted)) == 1
    assert notes(emitted)[0].startswith("no baseline: ")


def test_a_compiled_pipeline_of_an_older_generation_keeps_the_newer(root: Root):
    data = TRAIN.assign(scanner="a")
    root.run(generation=1, train=data, test=data)
    root.run(generation=0, train=data, test=data)

    assert accepted.generation(str(root.accepted)) == 1


def test_a_threshold_that_somebody_typed_in_is_used(root: Root):
    far = sample(3, middle=2.0)

    root.run(limits=DriftConfig(threshold=1.0), train=far, test=far)
