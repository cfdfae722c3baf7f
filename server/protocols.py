"""Answers KServe's requests: TensorFlow Serving's JSON, and the Open Inference Protocol."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from kserve import InferOutput, InferRequest, InferResponse, Model
from kserve.errors import InvalidInput, ModelNotFound

from limbeck.server import rows, versions
from limbeck.server.loading import Version
from limbeck.server.signature import Signature, choose, usual
from limbeck.server.student import Served, signatures_of
from limbeck.server.tensors import Array, RequestError, TensorInfo, datatype_of


class StudentModel(Model):
    """The student, or its compressed file, under one name."""

    def __init__(self, name: str, served: Served, number: int | None = None, *, compressed: bool = False) -> None:
        """Takes its name, what is served, the version that answers (None: the newest), and whether its file answers."""
        super().__init__(name)
        self._served, self._number, self._compressed = served, number, compressed
        self.ready = True

    def get_input_types(self) -> list[dict[str, Any]]:
        """Returns the descriptions of inputs: a tensor for each feature, if the model takes them."""
        return _described(usual(self.loaded()[1]).inputs)

    def get_output_types(self) -> list[dict[str, Any]]:
        """Returns the descriptions of outputs."""
        return _described(usual(self.loaded()[1]).outputs)

    async def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
        """Answers one request. Other requests are accepted while TensorFlow computes."""
        try:
            return await self._answer(payload)
        except RequestError as error:
            raise InvalidInput(str(error)) from error
        except KeyError as error:
            raise ModelNotFound(f"{self.name}, version {error}") from error

    def validate(self, payload: Any) -> Any:
        """Checks nothing, because the shapes of the request are checked later."""
        return payload

    def loaded(self, number: int | None = None) -> tuple[Version, Mapping[str, Signature]]:
        """Returns the version that answers, and its signatures. Raises KeyError if it is not loaded (any more)."""
        version = self._served.version(self._number if number is None else number)
        return version, signatures_of(version, compressed=self._compressed)

    async def answer_rows(self, payload: Any) -> Any:
        """Returns the answer to a request of TensorFlow Serving's. Raises RequestError if it is wrong."""
        signatures = self.loaded()[1]
        asked = rows.parse(payload, signatures)
        return rows.answer(asked, await asked.signature.answer(asked.values))

    async def _answer(self, payload: Any) -> Any:
        if isinstance(payload, InferRequest):
            return await self._infer(payload)
        return await self.answer_rows(payload)

    async def _infer(self, request: InferRequest) -> InferResponse:
        version, signatures = self.loaded(_number(request.model_version))
        try:
            values = {one.name: one.as_numpy() for one in request.inputs}
        except Exception as error:
            raise RequestError(f"the inputs cannot be read: {error}") from error
        asked = (request.parameters or {}).get("signature_name")
        answers = await choose(signatures, values, None if asked is None else str(asked)).answer(values)
        return InferResponse(
            response_id=request.id or uuid.uuid4().hex,
            model_name=self.name,
            model_version=str(version.number),
            infer_outputs=[_output(name, array) for name, array in answers.items()],
            use_binary_outputs=request.use_binary_outputs,
            requested_outputs=request.request_outputs,
        )


def _number(text: str | None) -> int | None:
    if not text:
        return None
    number = versions.whole_number(text)
    if number is None:
        raise RequestError(f"a version is a number; received {text!r:.80}")
    return number


def _output(name: str, array: Array) -> InferOutput:
    output = InferOutput(name, list(array.shape), datatype_of(array))
    output.set_data_from_numpy(array, binary_data=True)
    return output


def _described(infos: tuple[TensorInfo, ...]) -> list[dict[str, Any]]:
    return [{"name": one.name, "datatype": one.datatype, "shape": list(one.shape)} for one in infos]
