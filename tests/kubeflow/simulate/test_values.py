"""Values as Go writes them, and quantities as Kubernetes does."""

import json
import math

import pytest

from limbeck.kubeflow.simulate.driver.options import DriverError
from limbeck.kubeflow.simulate.driver.quantities import canonical
from limbeck.kubeflow.simulate.launcher.errors import LauncherError
from limbeck.kubeflow.simulate.launcher.output_file import value_of
from limbeck.kubeflow.simulate.upload.strict import FieldError, free
from limbeck.kubeflow.simulate.values import plain, short, stable_json, text_in_driver, text_of


@pytest.mark.parametrize(
    ("number", "in_launcher", "in_driver"),
    [
        (0.1, "0.1", "0.1"),
        (2.0, "2", "2"),
        (1e-7, "0.0000001", "1e-07"),
        (0.0001, "0.0001", "0.0001"),
        (1234567.5, "1234567.5", "1.2345675e+06"),
        (-2.5, "-2.5", "-2.5"),
        (123456.5, "123456.5", "123456.5"),
        (9007199254740992.0, "9007199254740992", "9007199254740992"),
    ],
)
def test_a_number_as_text(number: float, in_launcher: str, in_driver: str) -> None:
    assert (text_of(number), text_in_driver(number)) == (in_launcher, in_driver)
    assert float(plain(number)) == float(short(number)) == number


def test_json_is_sorted_dense_and_escaped() -> None:
    text = stable_json({"b": "<&>\u2028ä", "a": [1, None]})
    assert text == '{"a":[1,null],"b":"\\u003c\\u0026\\u003e\\u2028ä"}'
    assert json.loads(text) == {"a": [1, None], "b": "<&>\u2028ä"}


def test_numbers_of_a_free_value_are_doubles() -> None:
    assert free({"big": 9007199254740993, "yes": True, "half": 0.5}) == {
        "big": 9007199254740992,
        "yes": True,
        "half": 0.5,
    }
    with pytest.raises(FieldError):
        free([math.inf])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2", "2"),
        ("0.5", "500m"),
        ("1.5G", "1500M"),
        ("16Gi", "16Gi"),
        ("0.5Gi", "512Mi"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1000m", "1"),
        ("0", "0"),
        ("2000k", "2M"),
        ("1e3", "1k"),
    ],
)
def test_a_quantity(given: str, expected: str) -> None:
    assert canonical(given) == expected


@pytest.mark.parametrize("text", ["", "two", "1 Gi", "1GB", "1e+06G"])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(DriverError):
        canonical(text)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("STRING", " a\n", " a\n"),
        ("NUMBER_INTEGER", "3\n", 3),
        ("NUMBER_INTEGER", "-3", -3),
        ("NUMBER_DOUBLE", "1e-3", 0.001),
        ("BOOLEAN", "True", True),
        ("BOOLEAN", "0", False),
        ("LIST", "[1]", [1]),
        ("STRUCT", '{"a": 1.0}', {"a": 1}),
    ],
)
def test_the_file_of_an_output_parameter(kind: str, text: str, value: object) -> None:
    assert value_of("name", kind, text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("NUMBER_INTEGER", "1.5"),
        ("NUMBER_INTEGER", ""),
        ("NUMBER_INTEGER", "9223372036854775808"),
        ("NUMBER_DOUBLE", "one"),
        ("NUMBER_DOUBLE", "1_000"),
        ("NUMBER_DOUBLE", "1e999"),
        ("BOOLEAN", "yes"),
        ("LIST", "{}"),
        ("STRUCT", '{"a": NaN}'),
        ("TASK_CONFIG", "{}"),
    ],
)
def test_the_file_of_an_output_parameter_of_another_type(kind: str, text: str) -> None:
    with pytest.raises(LauncherError, match=kind):
        value_of("name", kind, text)


def test_beyond_two_to_the_53_digits_are_lost_in_three_ways() -> None:
    hashed = 2831889900921229999
    held = free(hashed)
    assert held == 2831889900921230000  # as JSON: the shortest digits that tell the double, then zeros
    assert text_of(held) == "2831889900921230000"
    assert text_in_driver(held) == "2831889900921229824"  # as a whole number: all digits of the double
