"""The Open Inference Protocol, version 2, by REST: requests and answers in JSON, with tensors in JSON or binary.

A tensor is an object with a name, a shape, a datatype and its data. The data are in the JSON, flat or nested. Or the
bytes of all tensors follow the JSON, in its order, and a header gives the length of the JSON.

References: https://github.com/kserve/open-inference-protocol,
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from limbeck.server.tensors import DTYPES, Array, RequestError, datatype_of, numbers, texts

_LENGTH = np.dtype("<u4")


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request.

    Attributes:
      values: arrays by the name of the input.
      id: the client's name for the request, if there is one.
      signature: the name of the signature that the client asks for; None lets the inputs decide.
      outputs: the outputs that the client wants, and whether each is to be binary; None stands for all.
      binary: whether outputs that are not named are binary.
    """

    values: dict[str, Array]
    id: str | None = None
    signature: str | None = None
    outputs: dict[str, bool] | None = None
    binary: bool = False


def parse(body: bytes, length: int | None = None) -> Asked:
    """Parses the request of a client.

    Args:
      body: body of the request.
      length: how many bytes of it are JSON; None stands for all.

    Raises:
      RequestError: if it cannot be read.
    """
    try:
        return _parsed(body, len(body) if length is None else length)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        why = f"there is no {error}" if isinstance(error, KeyError) else error
        raise RequestError(f"the request cannot be read: {why}") from error


def encode(asked: Asked, model: str, version: int, answers: Mapping[str, Array]) -> tuple[bytes, int | None]:
    """Returns the body of the answer, and how many bytes of it are JSON: None if all are.

    Args:
      asked: the request.
      model: the name of the model.
      version: the version that answered.
      answers: arrays by the name of the output.

    Raises:
      RequestError: if the client wants an output that does not exist, or texts in JSON that are not UTF-8.
    """
    wanted = dict.fromkeys(answers, asked.binary) if asked.outputs is None else asked.outputs
    unknown = sorted(set(wanted) - set(answers))
    if unknown:
        raise RequestError(f"there are no outputs {unknown}: ask for some of {sorted(answers)}")
    outputs, parts = [], []
    for name, binary in wanted.items():
        described = _described(name, answers[name])
        if binary:
            parts.append(_bytes(answers[name]))
            described["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            described["data"] = _listed(name, answers[name])
        outputs.append(described)
    told = {"model_name": model, "model_version": str(version), "outputs": outputs}
    text = orjson.dumps(told if asked.id is None else told | {"id": asked.id})
    return (b"".join([text, *parts]), len(text)) if parts else (text, None)


def _parsed(body: bytes, length: int) -> Asked:
    told = orjson.loads(body[:length])
    values, start = {}, length
    for tensor in told["inputs"]:
        size = (tensor.get("parameters") or {}).get("binary_data_size")
        dtype = _dtype(tensor["datatype"])
        is_text = dtype.kind == "O"
        if size is None:
            array = texts(tensor["data"]) if is_text else numbers(tensor["data"], dtype)
        else:
            data = body[start : start + int(size)]
            array = _read_texts(data) if is_text else np.frombuffer(data, dtype.newbyteorder("<"))
            start += int(size)
        values[tensor["name"]] = array.reshape(tensor["shape"])
    if start != len(body):
        raise ValueError(f"its tensors end at byte {start}, and the request at byte {len(body)}")
    parameters = told.get("parameters") or {}
    binary, signature = bool(parameters.get("binary_data_output", False)), parameters.get("signature_name")
    outputs = {
        one["name"]: bool((one.get("parameters") or {}).get("binary_data", binary))
        for one in told.get("outputs") or ()
    }
    return Asked(values, told.get("id"), None if signature is None else str(signature), outputs or None, binary)


def _dtype(datatype: str) -> np.dtype[Any]:
    if datatype not in DTYPES:
        raise ValueError(f"a datatype is one of {sorted(DTYPES)}; received {datatype!r:.80}")
    return DTYPES[datatype]


def _read_texts(data: bytes) -> Array:
    read, start = [], 0
    while start < len(data):
        [size] = np.frombuffer(data, _LENGTH, 1, start)
        start += _LENGTH.itemsize
        if start + size > len(data):
            raise ValueError("a text is longer than its tensor")
        read.append(data[start : start + size])
        start += int(size)
    made = np.empty(len(read), object)
    made[:] = read
    return made


def _bytes(array: Array) -> bytes:
    if array.dtype != object:
        return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    return b"".join(part for text in array.ravel() for part in (_LENGTH.type(len(text)).tobytes(), text))


def _listed(name: str, array: Array) -> list[Any]:
    if array.dtype != object:
        return list(array.ravel().tolist())
    try:
        return [text.decode() for text in array.ravel()]
    except UnicodeDecodeError as error:
        raise RequestError(f"'{name}' is no UTF-8 text: ask for it in binary") from error


def _described(name: str, array: Array) -> dict[str, Any]:
    return {"name": name, "datatype": datatype_of(array), "shape": list(array.shape)}
