"""What a client sent, as arrays; and how it is told what is wrong."""

import numpy as np
import pytest

from limbeck.server.tensors import RequestError, TensorInfo, batch_of

X = TensorInfo("x", "float32", (-1, 2))
COUNT = TensorInfo("count", "int8", (-1,))
TOWN = TensorInfo("town", "string", (-1,))


@pytest.mark.parametrize(
    ("info", "values", "expected"),
    [
        (X, [[1, 2.5]], np.array([[1, 2.5]], np.float32)),
        (X, [[True, 2]], np.array([[1, 2]], np.float32)),
        (COUNT, [1, -128], np.array([1, -128], np.int8)),
        (TensorInfo("ok", "bool", (-1,)), [True, False], np.array([True, False])),
    ],
)
def test_numbers_become_the_dtype_of_the_model(info, values, expected):
    array = info.array(values)
    assert array.dtype == expected.dtype
    np.testing.assert_array_equal(array, expected)


def test_texts_become_bytes_of_utf_8():
    assert TOWN.array(["Öhringen", b"\xff\x00"]).tolist() == ["Öhringen".encode(), b"\xff\x00"]
    assert TensorInfo("t", "string", (-1, 2)).array([["a", "b"]]).shape == (1, 2)


@pytest.mark.parametrize(
    ("info", "values", "told"),
    [
        (X, [1, 2], r"'x' takes values of shape \[any, 2\]; received \[2\]"),
        (X, [[1, 2, 3]], r"received \[1, 3\]"),
        (X, [[1], [2, 3]], r"'x' takes float32 values"),
        (X, [["1", "2"]], r"received values such as"),
        (COUNT, [1.5], "received values such as"),
        (COUNT, [300], "received 300 to 300"),
        (COUNT, [None], "received values such as None"),
        (TOWN, [1], "received values such as 1"),
    ],
)
def test_what_does_not_fit_is_told_by_the_name_of_the_input(info, values, told):
    with pytest.raises(RequestError, match=told):
        info.array(values)


def test_all_inputs_have_as_many_examples():
    assert batch_of({"x": np.zeros([3, 2]), "y": np.zeros(3)}) == 3
    with pytest.raises(RequestError, match=r"as many examples; received \{'x': 3, 'y': 2\}"):
        batch_of({"x": np.zeros(3), "y": np.zeros(2)})
    with pytest.raises(RequestError, match="must have an example"):
        batch_of({"x": np.zeros([0, 2])})
