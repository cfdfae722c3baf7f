"""Reads a CEL expression into a tree, by precedence climbing."""

from __future__ import annotations

import dataclasses
from typing import Any

from limbeck.kubeflow.simulate.cel.tokens import CelError, Token, tokens


@dataclasses.dataclass(frozen=True)
class Node:
    """A node: its kind, its name or value, and the nodes below.

    Kinds: `value`, `name`, `select`, `index`, `call`, `list`, `map`, `if`, and `operator`.
    """

    kind: str
    value: Any
    below: tuple[Node, ...] = ()


_PRECEDENCE = (("||",), ("&&",), ("<", "<=", ">=", ">", "==", "!=", "in"), ("+", "-"), ("*", "/", "%"))


def parse(text: str) -> Node:
    """Returns the tree of an expression. Raises CelError for a syntax error."""
    reader = _Reader(tokens(text))
    tree = reader.expression()
    reader.expect("end", None)
    return tree


class _Reader:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._position = 0

    def expression(self) -> Node:
        condition = self._binary(0)
        if not self._take("?"):
            return condition
        yes = self._binary(0)
        self.expect("operator", ":")
        return Node("if", None, (condition, yes, self.expression()))

    def _binary(self, level: int) -> Node:
        if level == len(_PRECEDENCE):
            return self._unary()
        left = self._binary(level + 1)
        while self._next().kind == "operator" and self._next().value in _PRECEDENCE[level]:
            operator = self._advance().value
            left = Node("operator", operator, (left, self._binary(level + 1)))
        return left

    def _unary(self) -> Node:
        for operator in ("!", "-"):
            if self._take(operator):
                return Node("operator", operator, (self._unary(),))
        return self._member(self._primary())

    def _member(self, node: Node) -> Node:
        while True:
            if self._take("."):
                name = self.expect("name", None).value
                if self._take("("):
                    node = Node("call", name, (node, *self._list(")")))
                else:
                    node = Node("select", name, (node,))
            elif self._take("["):
                node = Node("index", None, (node, self.expression()))
                self.expect("operator", "]")
            else:
                return node

    def _primary(self) -> Node:
        token = self._advance()
        if token.kind == "value":
            return Node("value", token.value)
        if token.kind == "name":
            if self._take("("):
                return Node("call", token.value, tuple(self._list(")")))
            return Node("name", token.value)
        if token.value == "(":
            inner = self.expression()
            self.expect("operator", ")")
            return inner
        if token.value == "[":
            return Node("list", None, tuple(self._list("]")))
        if token.value == "{":
            return Node("map", None, tuple(self._entries()))
        raise CelError(
            f"Syntax error: unexpected {token.value if token.kind != 'end' else 'end of the expression'!r}"
        )

    def _list(self, close: str) -> list[Node]:
        found: list[Node] = []
        while not self._take(close):
            if found:
                self.expect("operator", ",")
            found.append(self.expression())
        return found

    def _entries(self) -> list[Node]:
        found: list[Node] = []
        while not self._take("}"):
            if found:
                self.expect("operator", ",")
            found.append(self.expression())
            self.expect("operator", ":")
            found.append(self.expression())
        return found

    def _next(self) -> Token:
        return self._tokens[self._position]

    def _advance(self) -> Token:
        token = self._next()
        self._position = min(self._position + 1, len(self._tokens) - 1)
        return token

    def _take(self, operator: str) -> bool:
        if self._next() == Token("operator", operator):
            self._advance()
            return True
        return False

    def expect(self, kind: str, value: Any) -> Token:
        """Returns the next token. Raises CelError if it is not the expected one."""
        token = self._advance()
        if token.kind != kind or (value is not None and token.value != value):
            raise CelError(f"Syntax error: expected {value or kind}, found {token.value!r}")
        return token
