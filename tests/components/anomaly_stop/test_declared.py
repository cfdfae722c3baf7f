"""What a task declares against the schema of the data."""

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from limbeck.components.anomaly_stop.declared import missing_from_schema
from limbeck.task import Feature, Label, Task


def schema(**types: str) -> schema_pb2.Schema:
    features = "".join(f'feature {{ name: "{name}" type: {kind} }}' for name, kind in types.items())
    return text_format.Parse(features, schema_pb2.Schema())


def task(*features: Feature, label: Label | None = None) -> Task:
    return Task(
        name="declared",
        features=features,
        label=label or Label("kind", classes=("a", "b"), kind="text"),
        preprocessing_fn=dict,
        build_teacher=dict,
        build_student=dict,
    )


def test_data_that_have_all_that_is_declared_and_more_are_accepted():
    declared = task(Feature("size"), Feature("count", "integer"), Feature("colour", "text"))

    assert (
        missing_from_schema(declared, schema(size="FLOAT", count="INT", colour="BYTES", kind="BYTES", x="INT"))
        == []
    )


def test_whole_numbers_may_stand_where_numbers_are_declared():
    assert missing_from_schema(task(Feature("size")), schema(size="INT", kind="BYTES")) == []


def test_an_absent_feature_is_named_with_the_nearest_name_of_the_data():
    found = missing_from_schema(task(Feature("petal_width")), schema(petal_widht="FLOAT", kind="BYTES"))

    assert found == [
        "feature 'petal_width': declared by the task, but not in the data. Did you mean 'petal_widht'?"
    ]


def test_an_absent_label_is_named():
    [found] = missing_from_schema(task(Feature("size")), schema(size="FLOAT"))

    assert found.startswith("feature 'kind': declared by the task, but not in the data.")


def test_an_absent_mark_of_visible_labels_is_named():
    label = Label("digit", classes=("0", "1"), visible_to_student="label_visible")

    [found] = missing_from_schema(task(Feature("size"), label=label), schema(size="FLOAT", digit="INT"))

    assert "'label_visible'" in found


@pytest.mark.parametrize(
    ("kind", "held"), [("number", "BYTES"), ("integer", "FLOAT"), ("integer", "BYTES"), ("text", "INT")]
)
def test_a_type_that_cannot_be_read_as_declared_is_told_with_both(kind: str, held: str):
    found = missing_from_schema(task(Feature("size", kind)), schema(size=held, kind="BYTES"))

    assert found == [f"feature 'size': declared as {kind}, but the data hold {held}"]


def test_every_fault_is_told():
    found = missing_from_schema(task(Feature("size"), Feature("colour", "text")), schema(size="BYTES"))

    assert [one.split("'")[1] for one in found] == ["size", "colour", "kind"]


def test_a_feature_without_default_must_be_in_every_example():
    """Transform would find out, and say so in TensorFlow's words."""
    data = schema(size="FLOAT", kind="BYTES")
    data.feature[0].presence.min_count = 1

    [found] = missing_from_schema(task(Feature("size")), data)

    assert found.startswith("feature 'size': missing in some examples, but the task declares no default")
    assert missing_from_schema(task(Feature("size", default=0.0)), data) == []
    data.feature[0].presence.min_fraction = 1.0
    assert missing_from_schema(task(Feature("size")), data) == []
