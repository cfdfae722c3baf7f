"""Evaluates a CEL expression over JSON values, where every number of the input is a double.

`&&` and `||` are commutative: an error on one side does not matter if the other side decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from limbeck.kubeflow.simulate.cel.functions import call, kind
from limbeck.kubeflow.simulate.cel.syntax import Node, parse
from limbeck.kubeflow.simulate.cel.tokens import CelError


def evaluate(text: str, variables: Mapping[str, Any]) -> Any:
    """Returns the value of an expression.

    Args:
      text: the expression.
      variables: variables by name. Their numbers are floats. Whole numbers in the expression are ints.

    Raises:
      CelError: if it cannot be read or evaluated.
    """
    return _value(parse(text), variables)


def _value(node: Node, variables: Mapping[str, Any]) -> Any:
    """Returns the value of a node. Some nodes choose which of the nodes below they evaluate."""
    if node.kind == "operator" and node.value in ("&&", "||"):
        return _logic(node, variables)
    if node.kind == "if":
        chosen = node.below[1] if _bool(_value(node.below[0], variables), "?:") else node.below[2]
        return _value(chosen, variables)
    if node.kind == "call" and node.value == "has":
        return _has(node, variables)
    if node.kind == "name":
        if node.value not in variables:
            raise CelError(f"undeclared reference to {node.value!r}: there are {', '.join(variables)}")
        return variables[node.value]
    return _KINDS[node.kind](node.value, [_value(each, variables) for each in node.below])


def _logic(node: Node, variables: Mapping[str, Any]) -> bool:
    decides = node.value == "||"
    error: CelError | None = None
    for each in node.below:
        try:
            if _bool(_value(each, variables), node.value) is decides:
                return decides
        except CelError as problem:
            error = problem
    if error is not None:
        raise error
    return not decides


def _bool(value: Any, operator: str) -> bool:
    if not isinstance(value, bool):
        raise CelError(f"no such overload: {operator} needs a bool, found {kind(value)}")
    return value


def _has(node: Node, variables: Mapping[str, Any]) -> bool:
    if len(node.below) != 1 or node.below[0].kind != "select":
        raise CelError("invalid argument to has(): it takes a field such as has(a.b)")
    holder = _value(node.below[0].below[0], variables)
    return isinstance(holder, dict) and node.below[0].value in holder


def _select(holder: Any, name: str) -> Any:
    if not isinstance(holder, dict):
        raise CelError(f"{kind(holder)} has no field {name!r}")
    if name not in holder:
        raise CelError(f"no such key: {name}")
    return holder[name]


def _index(holder: Any, index: Any) -> Any:
    if isinstance(holder, dict):
        return _select(holder, index)
    if isinstance(holder, list) and kind(index) in ("int", "double"):
        if index != int(index) or not 0 <= index < len(holder):
            raise CelError(f"index out of bounds: {index}")
        return holder[int(index)]
    raise CelError(f"no such overload: {kind(holder)}[{kind(index)}]")


def _unary(operator: str, value: Any) -> Any:
    if operator == "!":
        return not _bool(value, "!")
    if kind(value) not in ("int", "double"):
        raise CelError(f"no such overload: -{kind(value)}")
    return -value


def _binary(operator: str, left: Any, right: Any) -> Any:
    if operator in ("==", "!="):
        return _equal(left, right) is (operator == "==")
    if operator == "in":
        if not isinstance(right, (list, dict)):
            raise CelError(f"no such overload: in {kind(right)}")
        return any(_equal(left, each) for each in right)
    kinds = (kind(left), kind(right))
    numeric = all(one in ("int", "double") for one in kinds)
    if operator in ("<", "<=", ">", ">="):
        if not numeric and not (kinds[0] == kinds[1] and kinds[0] in ("string", "bool")):
            raise CelError(f"no such overload: {kinds[0]} {operator} {kinds[1]}")
        return _ORDERS[operator](left, right)
    if kinds[0] != kinds[1] or not (numeric or (operator == "+" and kinds[0] in ("string", "list"))):
        raise CelError(f"no such overload: {kinds[0]} {operator} {kinds[1]}")
    return _arithmetic(operator, left, right, kinds[0])


def _arithmetic(operator: str, left: Any, right: Any, kind: str) -> Any:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    if kind == "double":
        if operator == "%":
            raise CelError("no such overload: double % double")
        if right == 0:
            return float("nan") if left == 0 else float("inf") * (1 if left > 0 else -1)
        return left / right
    if right == 0:
        raise CelError("division by zero" if operator == "/" else "modulus by zero")
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    return quotient if operator == "/" else left - quotient * right


_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def _operate(operator: str, values: list[Any]) -> Any:
    return _unary(operator, values[0]) if len(values) == 1 else _binary(operator, values[0], values[1])


def _equal(left: Any, right: Any) -> bool:
    """Returns whether two values are equal. Numbers compare by value; other values of different kinds never are."""
    kinds = {"double" if one == "int" else one for one in (kind(left), kind(right))}
    if len(kinds) > 1:
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    return bool(left == right)


_KINDS: dict[str, Callable[[Any, list[Any]], Any]] = {
    "value": lambda held, _: held,
    "select": lambda name, values: _select(values[0], name),
    "index": lambda _, values: _index(values[0], values[1]),
    "list": lambda _, values: values,
    "map": lambda _, values: dict(zip(values[::2], values[1::2], strict=True)),
    "call": call,
    "operator": _operate,
}
