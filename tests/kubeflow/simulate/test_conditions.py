"""Conditions: the part of CEL that pipelines use, over executor inputs."""

from typing import Any

import pytest

from limbeck.kubeflow.simulate.cel.condition import holds, select
from limbeck.kubeflow.simulate.cel.evaluation import evaluate
from limbeck.kubeflow.simulate.cel.tokens import CelError

ARTIFACT = {"uri": "minio://b/a", "metadata": {"blessed": 1, "word": "it's", "many": {"list": [1, 2]}}}
INPUTS: dict[str, Any] = {
    "parameterValues": {"n": 1, "half": 0.5, "s": "a", "yes": True, "l": [1, "a"], "t": {"k": 2}},
    "artifacts": {"_Gate.blessing": {"artifacts": [ARTIFACT]}},
}
METADATA = "inputs.artifacts['_Gate.blessing'].artifacts[0].metadata"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (f"({METADATA}['blessed'] == 1.0)", True),
        (f"{METADATA}['blessed'] == 1", True),
        (f"{METADATA}['blessed'] == true", False),
        (f"{METADATA}['word'] == 'it\\'s'", True),
        (f"{METADATA}['many']['list'][1] > 1.0", True),
        ("inputs.artifacts['_Gate.blessing'].artifacts[0].uri == 'minio://b/a'", True),
        ("inputs.artifacts['_Gate.blessing'].artifacts[0].custom_path == ''", True),
        ("inputs.parameter_values['n'] != 2.0", True),
        ("inputs.parameter_values['n'] >= 1 && inputs.parameter_values['half'] < 1.0", True),
        ("inputs.parameter_values['s'] == 'a' ? inputs.parameter_values['yes'] : false", True),
        ("!inputs.parameter_values['yes']", False),
        ("inputs.parameter_values['missing'] == 1 || inputs.parameter_values['yes']", True),
        ("inputs.parameter_values['missing'] == 1 && false", False),
        ("has(inputs.parameter_values.n) && !has(inputs.parameter_values.missing)", True),
        ("'a' in inputs.parameter_values['l'] && size(inputs.parameter_values['l']) == 2", True),
        ("'k' in inputs.parameter_values['t']", True),
        ("int(inputs.parameter_values['n']) + 2 * 3 == 7", True),
        ("(int(inputs.parameter_values['n']) + 2) * 3 == 9", True),
        ("-7 / 2 == -3 && -7 % 2 == -1", True),
        ("string(inputs.parameter_values['n']) == '1'", True),
        ("inputs.parameter_values['s'].startsWith('a') && matches('abc', 'b.')", True),
        ("parseJson('{\"a\": [1]}').a[0] == 1", True),
        ("[1, 2] == [1.0, 2.0] && {'a': 1} == {'a': 1.0}", True),
        ("null == null && 'a' + 'b' == 'ab'", True),
        (r"r'\d' == '\\d'", True),
    ],
)
def test_a_condition(condition: str, expected: bool) -> None:
    assert holds(condition, INPUTS) is expected


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        (f"{METADATA}['missing'] == 1", "no such key: missing"),
        ("inputs.parameter_values['n']", "no bool"),
        ("inputs.nothing == 1", "nothing"),
        ("something == 1", "undeclared reference"),
        ("inputs.parameter_values['n'] +", "Syntax error"),
        ("inputs.parameter_values['n'] == 1 )", "Syntax error"),
        ("inputs.parameter_values['s'] > 1", "no such overload"),
        ("inputs.parameter_values['n'] + 1 == 2", "no such overload: double + int"),
        ("inputs.parameter_values['l'][2] == 1", "out of bounds"),
        ("inputs.parameter_values['n'] && true", "no such overload"),
        ("1 / 0 == 1", "division by zero"),
        ("sqrt(1.0) == 1.0", "undeclared reference to function"),
        ("'a' == \u00a7", "Syntax error"),
    ],
)
def test_a_condition_that_fails(condition: str, told: str) -> None:
    with pytest.raises(CelError, match=told.replace("+", r"\+")):
        holds(condition, INPUTS)


def test_precedence_and_associativity() -> None:
    assert evaluate("1 - 2 - 3", {}) == -4
    assert evaluate("true || false && false", {}) is True
    assert evaluate("1 < 2 == true", {}) is True


@pytest.mark.parametrize(
    ("selector", "value", "expected"),
    [
        ("parseJson(string_value).a", '{"a": 2}', 2.0),
        ("struct_value.a", {"a": "b"}, "b"),
        ("list_value[1]", [1, 2], 2.0),
        ("string_value", 3, "3"),
    ],
)
def test_a_selector(selector: str, value: object, expected: object) -> None:
    assert select(selector, value) == expected
