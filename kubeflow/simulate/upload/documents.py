"""Reads the documents of a file as the API server's YAML parser does, which also reads JSON.

Python's YAML reads bare words differently: there, `yes` is a bool and `1e-05` a text. Here, words have the meaning of
the server's parser, a repeated key is an error, and a date stays a text.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from limbeck.kubeflow.simulate.refusals import RefusedError


class _Loader(yaml.SafeLoader):
    """SafeLoader with the server's words for booleans, numbers and nothing."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # as its base has it

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Returns a mapping. Raises ConstructorError for a repeated key."""
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, (str, int, float, bool)) and key in seen:
                problem = f"mapping key {key!r} already defined"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            seen.add(key if isinstance(key, (str, int, float, bool)) else id(key_node))
        return super().construct_mapping(node, deep)


def _number(loader: _Loader, node: yaml.ScalarNode) -> float:
    return float(str(loader.construct_scalar(node)).replace("_", ""))


_WORDS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(0b[0-1_]+|0x[0-9a-fA-F_]+|0[0-7_]+|(0|[1-9][0-9_]*))", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("merge", r"<<", "<"),
)
for _name, _pattern, _first in _WORDS:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(f"^(?:{_pattern})$"), list(_first))
_Loader.add_constructor("tag:yaml.org,2002:float", _number)


def read(text: str) -> list[dict[str, Any]]:
    """Returns the documents of a file that hold a mapping. Raises RefusedError if the text is not YAML."""
    try:
        documents = list(yaml.load_all(text, Loader=_Loader))  # a SafeLoader
    except yaml.YAMLError as error:
        raise RefusedError("pipeline", f"the file is neither YAML nor JSON: {_one_line(error)}") from None
    for document in documents:
        if document is not None and not isinstance(document, dict):
            raise RefusedError("pipeline", f"a document of the file is a {type(document).__name__}, not a mapping")
    return [document for document in documents if document is not None]


def _one_line(error: yaml.YAMLError) -> str:
    return " ".join(str(error).split())
