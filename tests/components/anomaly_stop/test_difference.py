"""What changed between two schemas, in words."""

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from limbeck.components.anomaly_stop.difference import schema_difference

COLOUR = 'feature { name: "colour" type: BYTES domain: "colours" }'


def schema(text: str) -> schema_pb2.Schema:
    return text_format.Parse(text, schema_pb2.Schema())


def colours(*values: str) -> str:
    listed = "".join(f' value: "{value}"' for value in values)
    return f'{COLOUR} string_domain {{ name: "colours"{listed} }}'


def feature(text: str) -> str:
    return f'feature {{ name: "size" {text} }}'


def test_equal_schemas_have_no_difference():
    one = schema(colours("red", "blue") + feature("type: FLOAT shape {}"))

    assert schema_difference(one, schema(text_format.MessageToString(one))) == []


def test_the_order_of_features_and_values_is_no_difference():
    one = schema(feature("type: INT") + colours("red", "blue"))
    other = schema(colours("blue", "red") + feature("type: INT"))

    assert schema_difference(one, other) == []


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        (feature("type: INT"), feature("type: FLOAT"), "feature 'size': type changed from INT to FLOAT"),
        (
            feature("type: INT presence { min_fraction: 1.0 min_count: 1 }"),
            feature("type: INT presence { min_count: 1 }"),
            "feature 'size': presence changed from (min_fraction: 1.0 min_count: 1) to (min_count: 1)",
        ),
        (
            feature("type: FLOAT shape { dim { size: 2 } }"),
            feature("type: FLOAT shape { dim { size: 3 } }"),
            "feature 'size': shape changed from shape (dim { size: 2 }) to shape (dim { size: 3 })",
        ),
        (
            feature("type: FLOAT shape { dim { size: 2 } }"),
            feature("type: FLOAT value_count { min: 1 max: 9 }"),
            "feature 'size': shape changed from shape (dim { size: 2 }) to value_count (min: 1 max: 9)",
        ),
        (
            feature("type: INT bool_domain {}"),
            feature("type: INT"),
            "feature 'size': range changed from bool_domain () to any",
        ),
        (colours("red", "blue"), colours("red", "blue", "mauve"), "feature 'colour': values added: 'mauve'"),
        (colours("red", "blue"), colours("blue"), "feature 'colour': values removed: 'red'"),
        (
            colours("red", "blue"),
            'feature { name: "colour" type: BYTES }',
            "feature 'colour': no longer limited to 2 values",
        ),
        (
            'feature { name: "colour" type: BYTES }',
            colours("red", "blue"),
            "feature 'colour': now limited to 2 values: 'blue', 'red'",
        ),
    ],
)
def test_one_change_is_one_sentence(old: str, new: str, difference: str):
    assert schema_difference(schema(old), schema(new)) == [difference]


def test_features_added_and_removed_are_told_by_name_in_order():
    old = schema('feature { name: "b" type: INT } feature { name: "c" type: INT }')
    new = schema('feature { name: "c" type: INT } feature { name: "a" type: BYTES }')

    assert schema_difference(old, new) == ["feature 'a' added: BYTES", "feature 'b' removed"]
    assert schema_difference(new, old) == ["feature 'a' removed", "feature 'b' added: INT"]


def test_values_within_the_feature_count_like_those_beside_it():
    inside = schema('feature { name: "colour" type: BYTES string_domain { name: "own" value: "red" } }')

    assert schema_difference(schema(colours("red")), inside) == []
    assert schema_difference(schema(colours("blue")), inside) == [
        "feature 'colour': values added: 'red'",
        "feature 'colour': values removed: 'blue'",
    ]


def test_many_values_are_counted_and_not_all_listed():
    [difference] = schema_difference(schema(colours("z")), schema(colours("z", *"abcdefg")))

    assert difference == "feature 'colour': values added: 'a', 'b', 'c', 'd', 'e' and 2 more"
