"""TensorFlow Serving's JSON, by the examples of its documentation."""

import asyncio
import base64

import numpy as np
import pytest

from limbeck.server import rows
from limbeck.server.signature import Signature
from limbeck.server.tensors import RequestError, TensorInfo

EXAMPLES = Signature("serving_default", (TensorInfo("examples", "string", (-1,)),), (), dict)
FEATURES = Signature(
    "serving_tensors", (TensorInfo("tag", "string", (-1,)), TensorInfo("signal", "float32", (-1, 2))), (), dict
)
SIGNATURES = {one.name: one for one in (EXAMPLES, FEATURES)}


def test_rows_and_columns_say_the_same():
    by_rows = rows.parse(
        {"instances": [{"tag": "foo", "signal": [1, 2]}, {"tag": "bar", "signal": [3, 4]}]}, SIGNATURES
    )
    by_columns = rows.parse({"inputs": {"tag": ["foo", "bar"], "signal": [[1, 2], [3, 4]]}}, SIGNATURES)
    assert by_rows.values == by_columns.values == {"tag": ["foo", "bar"], "signal": [[1, 2], [3, 4]]}
    assert (by_rows.signature, by_columns.signature) == (FEATURES, FEATURES)
    assert (by_rows.columns, by_columns.columns) == (False, True)


@pytest.mark.parametrize("values", [["a", "b"], [{"b64": base64.b64encode(b"a").decode()}, "b"]])
def test_a_single_input_needs_no_name(values):
    for field in ("instances", "inputs"):
        asked = rows.parse({field: values}, SIGNATURES)
        assert asked.signature is EXAMPLES
        assert EXAMPLES.inputs[0].array(asked.values["examples"]).tolist() == [b"a", b"b"]


def test_bytes_in_an_example_are_read():
    asked = rows.parse({"instances": [{"tag": {"b64": "/w=="}, "signal": [1, 2]}]}, SIGNATURES)
    assert asked.values["tag"] == [b"\xff"]


def test_a_signature_can_be_asked_for():
    asked = rows.parse({"signature_name": "serving_tensors", "inputs": {"tag": ["a"]}}, SIGNATURES)
    assert asked.signature is FEATURES
    with pytest.raises(RequestError, match=r"takes \['signal', 'tag'\]; received \['tag'\]"):
        asyncio.run(asked.signature.answer(asked.values))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ([1], "must be an object with 'instances'"),
        ({}, "must be an object with 'instances'"),
        ({"instances": [1], "inputs": [1]}, "must be an object"),
        ({"instances": [1], "verison": 3}, "must be an object"),
        ({"instances": []}, "a list with an example"),
        ({"instances": 3}, "a list with an example"),
        (
            {"instances": [{"tag": "a"}, {"signal": [1, 2]}]},
            r"the first has \['tag'\], and number 2 has \['signal'\]",
        ),
        ({"instances": [{"tig": "a"}]}, r"must be \['signal', 'tag'\]; received \['tig'\]"),
        ({"signature_name": "no", "instances": [1]}, "there is no signature 'no'"),
        ({"signature_name": "serving_tensors", "instances": [1]}, "name them"),
        ({"instances": [{"b64": "?"}]}, "'b64' must be base64"),
    ],
)
def test_what_cannot_be_read_is_told(body, told):
    with pytest.raises(RequestError, match=told):
        rows.parse(body, SIGNATURES)


def test_answers_come_in_the_layout_of_the_request():
    outputs = {"class": np.array([b"a", b"\xff"], object), "scores": np.array([[0.5, 0.25], [1, 0]], np.float32)}
    by_rows = rows.parse({"instances": ["x", "y"]}, SIGNATURES)
    assert rows.answer(by_rows, outputs) == {
        "predictions": [{"class": "a", "scores": [0.5, 0.25]}, {"class": {"b64": "/w=="}, "scores": [1.0, 0.0]}]
    }
    by_columns = rows.parse({"inputs": ["x", "y"]}, SIGNATURES)
    assert rows.answer(by_columns, outputs)["outputs"]["scores"] == [[0.5, 0.25], [1.0, 0.0]]


def test_a_single_output_has_no_name():
    outputs = {"scores": np.array([1.0, 2.0])}
    assert rows.answer(rows.parse({"instances": ["x", "y"]}, SIGNATURES), outputs) == {"predictions": [1.0, 2.0]}
    assert rows.answer(rows.parse({"inputs": ["x", "y"]}, SIGNATURES), outputs) == {"outputs": [1.0, 2.0]}
