"""AnomalyStop on what TensorFlow Data Validation and stock ExampleValidator find in real data."""

from pathlib import Path

import pandas
import pytest
from tfx.types.artifact import Artifact

from limbeck import events
from limbeck.components.anomaly_stop import accepted
from limbeck.components.anomaly_stop.accepted import Span
from limbeck.components.anomaly_stop.executor import Executor
from limbeck.components.example_gen import label_counts
from limbeck.components.example_gen.inspection import SplitSummary
from limbeck.errors import DataError
from tests.components import rehearsal
from tests.components.anomaly_stop.ingested import Root, properties, schema_of, span, validated

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


def unlabelled(data: pandas.DataFrame) -> pandas.DataFrame:
    """The data as ExampleGen writes them if the label is empty in each row."""
    return data.drop(columns="kind")


@pytest.mark.parametrize(
    ("split", "why"), [("test", "the gate judges"), ("validation", "are chosen by its labels")]
)
def test_a_judging_split_without_any_label_is_refused_and_leaves_nothing_that_a_corrected_run_would_meet(
    tmp_path: Path, split: str, why: str
):
    """SchemaGen marked the label as deprecated, which was accepted; Transform then missed it in all of the data."""
    root, good = Root(tmp_path), {"train": GOOD, "validation": GOOD, "test": GOOD}

    with pytest.raises(DataError) as caught:
        root.run(**good | {split: unlabelled(GOOD)})

    [told] = [line for line in str(caught.value).splitlines() if line.startswith("  - ")]
    assert f"split '{split}': 0 of 20 examples have a label ('kind')" in told
    assert why in told
    assert root.state() == {}
    root.run(**good)
    assert not any(b"DEPRECATED" in content for content in root.state().values())


def test_some_rows_of_any_split_may_lack_the_label(tmp_path: Path):
    partly = GOOD.assign(kind=[None, *GOOD["kind"].tolist()[1:]])

    Root(tmp_path).run(train=partly, validation=partly, test=partly)


def test_a_declared_feature_that_one_split_alone_lacks_is_told_with_the_split(tmp_path: Path):
    root = Root(tmp_path)

    with pytest.raises(DataError) as caught:
        root.run(train=GOOD, test=GOOD.drop(columns="colour"))

    assert (
        "split 'test', feature 'colour': 0 of 20 examples have a value of it, but 20 examples of split 'train'"
        in (str(caught.value))
    )
    assert root.state() == {}


def test_an_accepted_schema_that_hides_a_declared_feature_is_replaced_on_demand_alone(tmp_path: Path):
    root = Root(tmp_path)
    hiding = Span(schema_of(GOOD, unlabelled(GOOD)), span(train=GOOD).statistics)
    accepted.replace(str(root.accepted), hiding, 0)

    with pytest.raises(
        DataError, match=r"feature 'kind': the accepted schema marks it as deprecated[\s\S]*--accept-schema"
    ):
        root.run(train=GOOD, test=GOOD)
    root.run(generation=1, train=GOOD, test=GOOD)
    assert not any(b"DEPRECATED" in content for content in root.state().values())
