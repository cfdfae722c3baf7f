"""AnomalyStop on what TensorFlow Data Validation and stock ExampleValidator find in real data."""

from pathlib import Path

import pandas
import pytest
from tfx.types.artifact import Artifact

from limbeck import events
from limbeck.components.anomaly_stop.executor import Executor
from limbeck.components.example_gen import label_counts
from limbeck.components.example_gen.inspection import SplitSummary
from limbeck.errors import DataError
from tests.components import rehearsal
from tests.components.anomaly_stop.ingested import properties, schema_of, validated

GOOD = pandas.DataFrame(
    {
        "size": [0.5, 1.5, 2.5, 3.5] * 5,
        "colour": ["red", "green", "blue", "red"] * 5,
        "kind": ["round", "square", "long", "round"] * 5,
    }
)


def stop(inputs: dict[str, Artifact], scratch: Path) -> str:
    """Runs AnomalyStop; returns what it complains of."""
    with pytest.raises(DataError) as caught:
        rehearsal.run(Executor, inputs, {}, properties(scratch / "accepted"), scratch)
    return str(caught.value)


def test_data_as_they_should_be_pass(tmp_path: Path):
    inputs = validated(tmp_path, schema_of(GOOD), train=GOOD, test=GOOD)

    rehearsal.run(Executor, inputs, {}, properties(tmp_path / "accepted"), tmp_path)


def test_an_unexpected_value_is_told_with_split_feature_and_value(tmp_path: Path):
    bad = GOOD.assign(colour=["mauve", *GOOD["colour"].tolist()[1:]])

    message = stop(validated(tmp_path, schema_of(GOOD), train=GOOD, test=bad), tmp_path)

    assert "split 'test', feature 'colour': Unexpected string values" in message
    assert "mauve" in message
    assert "split 'train'" not in message
    assert message.endswith("correct the data and run again")


def test_a_missing_column_is_told(tmp_path: Path):
    message = stop(validated(tmp_path, schema_of(GOOD), train=GOOD.drop(columns="size"), test=GOOD), tmp_path)

    assert "split 'train', feature 'size': Column dropped" in message
    assert "feature 'colour'" not in message


def test_every_anomaly_of_every_split_is_told_at_once(tmp_path: Path):
    first = GOOD.drop(columns="size")
    second = GOOD.assign(kind="triangular", colour=1)

    message = stop(validated(tmp_path, schema_of(GOOD), train=first, test=second), tmp_path)

    listed = [line.split(":")[0].strip(" -") for line in message.splitlines() if line.startswith("  - ")]
    assert listed == [
        "split 'train', feature 'size'",
        "split 'test', feature 'colour'",
        "split 'test', feature 'kind'",
    ]


def test_a_feature_that_the_task_declares_and_the_data_lack_is_told_though_no_anomaly_was_found(tmp_path: Path):
    data = GOOD.rename(columns={"colour": "color"})

    message = stop(validated(tmp_path, schema_of(data), train=data), tmp_path)

    assert "feature 'colour': declared by the task, but not in the data. Did you mean 'color'?" in message
    assert "split" not in message


def test_unlabelled_examples_and_classes_without_one_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    told = tmp_path / "events.jsonl"
    monkeypatch.setenv(events.ENVIRONMENT, str(told))
    inputs = validated(tmp_path, schema_of(GOOD), train=GOOD, test=GOOD)
    counted = SplitSummary("train", 20, unlabelled=5, labels={"round": 10, "long": 5})
    label_counts.write([counted, SplitSummary("test", 20, labels={"round": 20})], inputs["examples"].uri)

    rehearsal.run(Executor, inputs, {}, properties(tmp_path / "accepted"), tmp_path)

    notes = told.read_text(encoding="utf-8")
    assert "split 'train': 5 of 20 examples have no label" in notes
    assert "split 'train': no example has the label 'square'" in notes
