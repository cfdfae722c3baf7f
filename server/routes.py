"""Two answers of TensorFlow Serving that KServe does not have: the list of versions, and their signatures."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from kserve.errors import ModelNotFound

from limbeck.server.repository import Students
from limbeck.server.signature import Signature
from limbeck.server.student import Served
from limbeck.server.tensors import TensorInfo

_TYPES = {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF"}


def add(app: FastAPI, students: Students, served: Served) -> None:
    """Adds the routes. They must be there before KServe adds its own for the same paths."""

    def status(name: str) -> dict[str, Any]:
        model = students.get_model(name)
        if model is None:
            raise ModelNotFound(name)
        asked = name.partition("@")[2]
        numbers = [int(asked)] if asked else sorted(served.versions, reverse=True)
        states = [_state(number) for number in numbers]
        if not asked:
            states += [_state(number, why) for number, why in sorted(served.refused.items(), reverse=True)]
        # Returns KServe's own answer to the same path.
        return {"name": name, "ready": True, "model_version_status": states}

    def metadata(name: str) -> dict[str, Any]:
        model = students.get_model(name)
        if model is None:
            raise ModelNotFound(name)
        version, signatures = model.loaded()
        return {
            "model_spec": {"name": name.partition("@")[0], "signature_name": "", "version": str(version.number)},
            "metadata": {
                "signature_def": {"signature_def": {key: _described(one) for key, one in signatures.items()}}
            },
        }

    app.add_api_route("/v1/models/{name}", status)
    app.add_api_route("/v1/models/{name}/metadata", metadata)


def _state(number: int, failure: str = "") -> dict[str, Any]:
    status = {"error_code": "UNKNOWN" if failure else "OK", "error_message": failure}
    return {"version": str(number), "state": "END" if failure else "AVAILABLE", "status": status}


def _described(signature: Signature) -> dict[str, Any]:
    return {
        "inputs": {one.name: _tensor(one) for one in signature.inputs},
        "outputs": {one.name: _tensor(one) for one in signature.outputs},
        "method_name": "tensorflow/serving/predict",
    }


def _tensor(info: TensorInfo) -> dict[str, Any]:
    sizes = [{"size": str(size), "name": ""} for size in info.shape]
    kind = _TYPES.get(info.dtype, info.dtype.upper())
    return {"dtype": f"DT_{kind}", "tensor_shape": {"dim": sizes, "unknown_rank": False}, "name": ""}
