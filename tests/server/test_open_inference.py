"""The Open Inference Protocol, by the examples of its documents. Triton's own client asks in test_server.py."""

import json
import struct

import numpy as np
import pytest

from limbeck.server import open_inference
from limbeck.server.open_inference import Asked
from limbeck.server.tensors import RequestError

TEXTS = np.array([b"a", "ß".encode()], object)
ANSWERS = {"scores": np.array([[0.5, 0.25], [1, 0]], np.float32), "class": np.array([1, 0]), "name": TEXTS}


def body(*tensors, **fields):
    return json.dumps({"inputs": tensors} | fields).encode()


def tensor(name="x", shape=(2, 2), datatype="FP32", **fields):
    return {"name": name, "shape": list(shape), "datatype": datatype} | fields


@pytest.mark.parametrize("data", [[1, 2, 3, 4], [[1, 2], [3, 4]]])
def test_numbers_in_json_are_flat_or_nested(data):
    asked = open_inference.parse(body(tensor(data=data), id="42"))
    assert asked.values["x"].dtype == np.float32
    assert asked.values["x"].tolist() == [[1, 2], [3, 4]]
    assert (asked.id, asked.signature, asked.outputs, asked.binary) == ("42", None, None, False)


def test_binary_tensors_follow_the_json_in_its_order():
    tensors = [
        tensor(parameters={"binary_data_size": 16}),
        tensor("n", [2], "INT16", data=[7, 8]),
        tensor("t", [2], "BYTES", parameters={"binary_data_size": 11}),
    ]
    text = body(*tensors, parameters={"binary_data_output": True, "signature_name": "serving_tensors"})
    numbers, texts = struct.pack("<4f", 1, 2, 3, 4), struct.pack("<I1sI2s", 1, b"a", 2, "ß".encode())
    asked = open_inference.parse(text + numbers + texts, len(text))
    assert {name: array.tolist() for name, array in asked.values.items()} == {
        "x": [[1, 2], [3, 4]],
        "n": [7, 8],
        "t": [b"a", "ß".encode()],
    }
    assert asked.values["n"].dtype == np.int16
    assert (asked.signature, asked.binary) == ("serving_tensors", True)


def test_an_answer_in_json():
    content, length = open_inference.encode(Asked({}, id="42"), "student", 3, ANSWERS)
    assert length is None
    assert json.loads(content) == {
        "id": "42",
        "model_name": "student",
        "model_version": "3",
        "outputs": [
            {"name": "scores", "datatype": "FP32", "shape": [2, 2], "data": [0.5, 0.25, 1.0, 0.0]},
            {"name": "class", "datatype": "INT64", "shape": [2], "data": [1, 0]},
            {"name": "name", "datatype": "BYTES", "shape": [2], "data": ["a", "ß"]},
        ],
    }


def test_a_client_chooses_outputs_and_which_are_binary():
    outputs = [{"name": "name", "parameters": {"binary_data": True}}, {"name": "class"}]
    asked = open_inference.parse(body(tensor(data=[1, 2, 3, 4]), outputs=outputs))
    content, length = open_inference.encode(asked, "student", 3, ANSWERS)
    told = json.loads(content[:length])["outputs"]
    assert told == [
        {"name": "name", "datatype": "BYTES", "shape": [2], "parameters": {"binary_data_size": 11}},
        {"name": "class", "datatype": "INT64", "shape": [2], "data": [1, 0]},
    ]
    assert content[length:] == struct.pack("<I1sI2s", 1, b"a", 2, "ß".encode())


def test_an_answer_is_read_as_a_request_of_the_same_tensors():
    content, length = open_inference.encode(Asked({}, binary=True), "student", 3, ANSWERS)
    told = json.loads(content[:length])
    text = json.dumps({"inputs": told["outputs"]}).encode()
    values = open_inference.parse(text + content[length:], len(text)).values
    for name, array in ANSWERS.items():
        np.testing.assert_array_equal(values[name], array)
        assert values[name].dtype == array.dtype


@pytest.mark.parametrize(
    ("content", "length", "told"),
    [
        (b"{", None, "cannot be read"),
        (b"[]", None, "cannot be read"),
        (b"{}", None, "there is no 'inputs'"),
        (body({"name": "x", "shape": [1]}), None, "there is no 'datatype'"),
        (body(tensor(datatype="FP99", data=[])), None, "a datatype is one of"),
        (body(tensor(data=[1, 2, 3])), None, "cannot reshape"),
        (body(tensor(data=["a", 2, 3, 4])), None, "received values such as"),
        (body(tensor(datatype="INT8", data=[1, 2, 3, 1000])), None, "received 1 to 1000"),
        (body(tensor()), None, "there is no 'data'"),
        (body(tensor(parameters={"binary_data_size": 16})), None, "cannot reshape"),
        (body(tensor(data=[1, 2, 3, 4])) + b"more", -4, "end at byte"),
        (
            body(tensor("t", [1], "BYTES", parameters={"binary_data_size": 5})) + b"\xff\0\0\0a",
            -5,
            "a text is longer",
        ),
        (body(tensor("t", [1], "BYTES", parameters={"binary_data_size": 3})) + b"\xff\0\0", -3, "cannot be read"),
        (body(tensor(parameters={"binary_data_size": -16})), None, "cannot be read"),
    ],
)
def test_a_wrong_request_is_told(content, length, told):
    with pytest.raises(RequestError, match=told):
        open_inference.parse(content, None if length is None else len(content) + length)


def test_outputs_that_there_are_none_of_are_told():
    with pytest.raises(
        RequestError, match=r"no outputs \['logits'\]: ask for some of \['class', 'name', 'scores'\]"
    ):
        open_inference.encode(Asked({}, outputs={"logits": False}), "student", 3, ANSWERS)
    with pytest.raises(RequestError, match="no UTF-8 text: ask for it in binary"):
        open_inference.encode(Asked({}), "student", 3, {"name": np.array([b"\xff"], object)})
