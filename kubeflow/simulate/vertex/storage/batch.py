"""Several requests in one, as Beam deletes and copies: `multipart/mixed`, with a request of HTTP in each part."""

from __future__ import annotations

import re
from collections.abc import Callable

from limbeck.kubeflow.simulate.vertex.storage.api import Answer, Request

PATH = "/batch/storage/v1"
_BOUNDARY = "batch"


def answer(request: Request, one: Callable[[Request], Answer]) -> Answer:
    """Answers each part by `one`, in order. Raises ValueError if the body is not a batch."""
    boundary = re.search(r'boundary="?([^";]+)', request.headers.get("content-type", ""))
    if boundary is None:
        raise ValueError("a batch without boundary")
    parts = re.split(
        rb"(?:^|\r?\n)--" + re.escape(boundary[1].encode()) + rb"(?:--)?[ \t]*(?:\r?\n|$)", request.body
    )
    answers = [_part(part, number, one) for number, part in enumerate(filter(bytes.strip, parts))]
    body = b"".join(f"--{_BOUNDARY}\r\n".encode() + each + b"\r\n" for each in answers)
    kind = f"multipart/mixed; boundary={_BOUNDARY}"
    return Answer(200, body + f"--{_BOUNDARY}--\r\n".encode(), {"Content-Type": kind})


def _part(part: bytes, number: int, one: Callable[[Request], Answer]) -> bytes:
    outer, inner, body, *_ = [*re.split(rb"\r?\n\r?\n", part, maxsplit=2), b"", b""]
    method, target, *_ = inner.decode().split()
    # Some clients send a whole URL, others a path.
    answered = one(Request(method, re.sub(r"^https?://[^/]+", "", target), {}, body))
    identity = re.search(rb"Content-ID: *<?([^>\r\n]*)", outer, re.IGNORECASE)
    name = identity[1].decode() if identity else str(number)
    headers = "".join(f"{key}: {value}\r\n" for key, value in answered.headers.items())
    head = f"Content-Type: application/http\r\nContent-ID: <response-{name}>\r\n\r\n"
    return f"{head}HTTP/1.1 {answered.status} \r\n{headers}\r\n".encode() + answered.body
