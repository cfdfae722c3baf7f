"""Answers requests on the two paths of a model, before KServe's web framework.

Routing, validation, timers and a log line of each request took nine tenths of KServe's time for a small student
(benchmarks/serving). So this module answers these two paths, from the bytes of the request to the bytes of the answer.
KServe answers all other paths: gRPC, health, metadata, metrics, CloudEvents.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import orjson
from kserve.errors import ModelNotFound
from kserve.metrics import PREDICT_HIST_TIME

from limbeck.server import open_inference, versions
from limbeck.server.protocols import StudentModel
from limbeck.server.repository import Students
from limbeck.server.signature import choose
from limbeck.server.tensors import RequestError

_PATH = re.compile(
    r"/v(?:1/models/(?P<rows>[^/:@]+)(?:/versions/(?P<rows_version>[0-9]{1,18}))?:predict"
    r"|2/models/(?P<tensors>[^/:@]+)(?:/versions/(?P<tensors_version>[0-9]{1,18}))?/infer)"
)
_JSON_LENGTH = b"inference-header-content-length"
_log = logging.getLogger(__name__)

Headers = Mapping[bytes, bytes]
_Application = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]


class InferencePaths:
    """ASGI application: answers requests to a model, and passes all others on."""

    def __init__(self, app: _Application, students: Students) -> None:
        """Takes the application for the other requests, and the models."""
        self._app, self._students = app, students

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answers a request."""
        asks = scope["type"] == "http" and scope["method"] == "POST"
        found = _PATH.fullmatch(scope["path"]) if asks else None
        headers = dict(scope["headers"]) if found else {}
        if found is None or _is_cloud_event(headers):
            await self._app(scope, receive, send)
            return
        body = await _body(receive)
        if body is None:
            return
        status, told, content = await self._answered(found, headers, body)
        told.append((b"content-length", str(len(content)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": content})

    async def _answered(
        self, found: re.Match[str], headers: Headers, body: bytes
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        try:
            content, length = await self._answer(found, headers, body)
        except RequestError as error:
            return _failed(400, str(error))
        except ModelNotFound as error:
            return _failed(404, str(error))
        except Exception as error:
            _log.exception("a request could not be answered")
            return _failed(500, f"{type(error).__name__} : {error}")
        if length is None:
            return 200, [(b"content-type", b"application/json")], content
        binary = [(b"content-type", b"application/octet-stream"), (_JSON_LENGTH, str(length).encode())]
        return 200, binary, content

    async def _answer(self, found: re.Match[str], headers: Headers, body: bytes) -> tuple[bytes, int | None]:
        by_rows = found["rows"] is not None
        name = found["rows"] or found["tensors"]
        version = found["rows_version"] or found["tensors_version"]
        model = self._students.get_model(name if version is None else f"{name}@{version}")
        if model is None:
            raise ModelNotFound(name if version is None else f"{name}, version {version}")
        with PREDICT_HIST_TIME.labels(name).time():
            return await (_by_rows(model, body) if by_rows else _by_tensors(model, body, headers))


async def _by_rows(model: StudentModel, body: bytes) -> tuple[bytes, None]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(f"a request must be JSON: {error}") from error
    return orjson.dumps(await model.answer_rows(told)), None


async def _by_tensors(model: StudentModel, body: bytes, headers: Headers) -> tuple[bytes, int | None]:
    asked = open_inference.parse(body, _json_length(headers))
    version, signatures = model.loaded()
    answers = await choose(signatures, asked.values, asked.signature).answer(asked.values)
    # The name without the version that a path may add.
    return open_inference.encode(asked, model.name.partition("@")[0], version.number, answers)


def _json_length(headers: Headers) -> int | None:
    text = headers.get(_JSON_LENGTH)
    if text is None:
        return None
    length = versions.whole_number(text.decode("latin-1"))
    if length is None:
        raise RequestError(f"Inference-Header-Content-Length must be a number of bytes; received {text!r:.80}")
    return length


def _is_cloud_event(headers: Headers) -> bool:
    # Every CloudEvent has an identifier, in a header or in its JSON.
    return b"ce-id" in headers or b"cloudevents" in headers.get(b"content-type", b"")


async def _body(receive: Any) -> bytes | None:
    """Returns the body of a request, or None if the client is gone."""
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _failed(status: int, why: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    return status, [(b"content-type", b"application/json")], orjson.dumps({"error": why})
