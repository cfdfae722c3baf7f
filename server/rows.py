"""The JSON of TensorFlow Serving's REST interface: rows (`instances`) and columns (`inputs`).

A client sends a list of examples, or a list for each input. If a signature has only one input or output, its name may
be left out. Bytes are `{"b64": "..."}`.

Reference: https://www.tensorflow.org/tfx/serving/api_rest
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from limbeck.server.signature import DEFAULT, Signature, choose
from limbeck.server.tensors import Array, RequestError

_FIELDS = {"signature_name", "instances", "inputs"}


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request.

    Attributes:
      signature: the requested signature.
      values: nested lists by the name of the input.
      columns: whether the client sent columns, and so wants columns.
    """

    signature: Signature
    values: dict[str, Any]
    columns: bool


def parse(body: Any, signatures: Mapping[str, Signature]) -> Asked:
    """Parses the request of a client. Raises RequestError if it cannot be read."""
    if not isinstance(body, dict) or set(body) - _FIELDS or ("instances" in body) == ("inputs" in body):
        raise RequestError(
            "a request must be an object with 'instances' (a list of examples) or 'inputs' (a list for each input), "
            f"and perhaps 'signature_name'; received {_shown(body)}"
        )
    asked, columns = body.get("signature_name"), "inputs" in body
    values = _decoded(body["inputs"] if columns else _columns(body["instances"]))
    if not isinstance(values, dict):
        # The input of a signature with one input, without its name.
        signature = signatures[DEFAULT] if asked is None else choose(signatures, (), asked)
        if len(signature.inputs) != 1:
            raise RequestError(f"the signature '{signature.name}' takes {sorted(signature.names)}: name them")
        return Asked(signature, {signature.inputs[0].name: values}, columns)
    return Asked(choose(signatures, values, asked), values, columns)


def answer(asked: Asked, outputs: Mapping[str, Array]) -> dict[str, Any]:
    """Returns the JSON of the answer."""
    lists = {name: _encoded(array) for name, array in outputs.items()}
    if asked.columns:
        return {"outputs": next(iter(lists.values())) if len(lists) == 1 else lists}
    if len(lists) == 1:
        return {"predictions": next(iter(lists.values()))}
    return {
        "predictions": [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)],
    }


def _columns(instances: Any) -> Any:
    """Returns rows as columns; unchanged if their input has no name."""
    if not isinstance(instances, list) or not instances:
        raise RequestError(f"'instances' must be a list with an example; received {_shown(instances)}")
    if not all(isinstance(one, dict) and not _is_bytes(one) for one in instances):
        return instances
    names = set(instances[0])
    for place, one in enumerate(instances):
        if set(one) != names:
            raise RequestError(
                f"each example must have the same inputs; the first has {sorted(names)}, and number {place + 1} has "
                f"{sorted(one)}"
            )
    return {name: [one[name] for one in instances] for name in instances[0]}


def _is_bytes(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"b64"}


def _decoded(value: Any) -> Any:
    if _is_bytes(value):
        try:
            return base64.b64decode(value["b64"], validate=True)
        except (binascii.Error, TypeError, ValueError) as error:
            raise RequestError(f"'b64' must be base64; received {_shown(value['b64'])}") from error
    if isinstance(value, dict):
        return {name: _decoded(one) for name, one in value.items()}
    return [_decoded(one) for one in value] if isinstance(value, list) else value


def _encoded(array: Array) -> list[Any]:
    if array.dtype != object:
        return list(array.tolist())
    texts = np.empty(array.size, dtype=object)
    texts[:] = [_text(one) for one in array.ravel()]
    return list(texts.reshape(array.shape).tolist())


def _text(value: bytes) -> Any:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}


def _shown(value: Any) -> str:
    text = repr(sorted(value) if isinstance(value, dict) else value)
    return text if len(text) <= 80 else f"{text[:80]}..."  # noqa: PLR2004
