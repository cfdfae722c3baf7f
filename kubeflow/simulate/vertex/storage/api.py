"""The JSON API of Cloud Storage, as far as TensorFlow's, Beam's and Google's own clients use it, on buckets of files.

It returns an answer for a request, and knows nothing about sockets. Only the files are changed.
"""

from __future__ import annotations

import dataclasses
import json
import re
import tempfile
import threading
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from limbeck.kubeflow.simulate.bucket import Bucket
from limbeck.kubeflow.simulate.buckets import Buckets
from limbeck.kubeflow.simulate.uris import Location
from limbeck.kubeflow.simulate.vertex.storage import listing

HOST = "storage.googleapis.com"
# Another name of the same service. TensorFlow uses it for everything but the content of objects.
HOSTS = (HOST, "www.googleapis.com")
# One generation for all objects is enough, because an object is never changed without a new name.
_GENERATION = "1"
_UPDATED = "2020-01-01T00:00:00.000Z"


@dataclasses.dataclass(frozen=True)
class Request:
    """A request: method, path with its query, headers in lower case, body."""

    method: str
    target: str
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: bytes = b""


@dataclasses.dataclass(frozen=True)
class Answer:
    """An answer: status, body, headers."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Api:
    """Answers requests. It is thread-safe."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self._uploads: dict[str, tuple[str, str, bytearray]] = {}
        self._lock = threading.Lock()
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Answer]]] = [
            ("POST", re.compile(r"/upload/storage/v1/b/([^/]+)/o"), self._start_upload),
            ("PUT", re.compile(r"/upload/storage/v1/b/([^/]+)/o"), self._continue_upload),
            ("GET", re.compile(r"/(?:download/)?storage/v1/b/([^/]+)/o/([^/]+)"), self._object),
            ("DELETE", re.compile(r"/storage/v1/b/([^/]+)/o/([^/]+)"), self._delete),
            (
                "POST",
                re.compile(r"/storage/v1/b/([^/]+)/o/([^/]+)/(rewriteTo|copyTo)/b/([^/]+)/o/([^/]+)"),
                self._copy,
            ),
            ("GET", re.compile(r"/storage/v1/b/([^/]+)/o"), self._list),
            ("GET", re.compile(r"/storage/v1/b/([^/]+)"), self._bucket),
            ("GET", re.compile(r"/([^/]+)/(.+)"), self._content),
        ]

    def answer(self, request: Request) -> Answer:
        """Answers one request, with 404 for a missing object, and 501 for an unknown request."""
        path, _, query = request.target.partition("?")
        values = {key: found[-1] for key, found in urllib.parse.parse_qs(query, keep_blank_values=True).items()}
        with self._lock:
            for method, pattern, call in self._routes:
                match = pattern.fullmatch(path)
                if method == request.method and match:
                    return call(request, values, *map(urllib.parse.unquote, match.groups()))
        return _failed(501, f"{request.method} {path} is not simulated")

    def _in(self, bucket: str) -> Bucket:
        return self._buckets.of(Location("gs://", bucket))

    def _bucket(self, _request: Request, _query: Mapping[str, str], bucket: str) -> Answer:
        found = {
            "kind": "storage#bucket",
            "name": bucket,
            "id": bucket,
            "location": "US",
            "storageClass": "STANDARD",
        }
        return _json(found)

    def _object(self, request: Request, query: Mapping[str, str], bucket: str, key: str) -> Answer:
        if query.get("alt") == "media":
            return self._content(request, query, bucket, key)
        content = self._in(bucket).read(key)
        return _missing(bucket, key) if content is None else _json(_resource(bucket, key, len(content)))

    def _content(self, request: Request, _query: Mapping[str, str], bucket: str, key: str) -> Answer:
        content = self._in(bucket).read(key)
        if content is None:
            return _missing(bucket, key)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        headers = {"Content-Type": "application/octet-stream", "X-Goog-Generation": _GENERATION}
        if asked is None:
            return Answer(200, content, headers)
        first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
        if first >= len(content):
            return Answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        part = content[first : last + 1]
        return Answer(206, part, {**headers, "Content-Range": f"bytes {first}-{last}/{len(content)}"})

    def _list(self, _request: Request, query: Mapping[str, str], bucket: str) -> Answer:
        sizes = self._in(bucket).sizes()
        page = listing.page(
            sorted(sizes, key=str.encode),
            prefix=query.get("prefix", ""),
            delimiter=query.get("delimiter", ""),
            token=query.get("pageToken", ""),
            maximum=int(query.get("maxResults") or listing.MAXIMUM),
        )
        found: dict[str, Any] = {"kind": "storage#objects"}
        found["items"] = [_resource(bucket, key, sizes[key]) for key in page.keys]
        found["prefixes"] = list(page.prefixes)
        if page.token:
            found["nextPageToken"] = page.token
        return _json({key: value for key, value in found.items() if value})

    def _delete(self, _request: Request, _query: Mapping[str, str], bucket: str, key: str) -> Answer:
        return Answer(204) if self._in(bucket).delete(key) else _missing(bucket, key)

    def _copy(
        self, _request: Request, _query: Mapping[str, str], bucket: str, key: str, how: str, target: str, name: str
    ) -> Answer:
        content = self._in(bucket).read(key)
        if content is None:
            return _missing(bucket, key)
        self._put(target, name, content)
        resource = _resource(target, name, len(content))
        if how == "copyTo":
            return _json(resource)
        size = str(len(content))
        rewritten = {
            "kind": "storage#rewriteResponse",
            "done": True,
            "objectSize": size,
            "totalBytesRewritten": size,
        }
        return _json({**rewritten, "resource": resource})

    def _start_upload(self, request: Request, query: Mapping[str, str], bucket: str) -> Answer:
        if query.get("uploadType") == "multipart":
            described, content = _parts(request)
            key = query.get("name") or str(json.loads(described)["name"])
            self._put(bucket, key, content)
            return _json(_resource(bucket, key, len(content)))
        key = query.get("name") or str(json.loads(request.body or b"{}").get("name", ""))
        if query.get("uploadType") == "media" and key:
            self._put(bucket, key, request.body)
            return _json(_resource(bucket, key, len(request.body)))
        if query.get("uploadType") != "resumable" or not key:
            return _failed(400, "an upload needs a name, and to be of the type media, multipart or resumable")
        number = uuid.uuid4().hex
        self._uploads[number] = (bucket, key, bytearray())
        where = f"/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={number}"
        return Answer(200, b"", {"Location": _origin(request) + where, "X-GUploader-UploadID": number})

    def _continue_upload(self, request: Request, query: Mapping[str, str], _bucket: str) -> Answer:
        number = query.get("upload_id", "")
        if number not in self._uploads:
            return _failed(404, "there is no such upload")
        bucket, key, held = self._uploads[number]
        range_of = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", request.headers.get("content-range", ""))
        if range_of and range_of[1] is not None:
            held[int(range_of[1]) :] = request.body
        elif not range_of:
            held[:] = request.body
        if range_of and (range_of[3] == "*" or int(range_of[3]) > len(held)):
            return Answer(308, b"", {"Range": f"bytes=0-{len(held) - 1}"} if held else {})
        del self._uploads[number]
        self._put(bucket, key, bytes(held))
        return _json(_resource(bucket, key, len(held)))

    def _put(self, bucket: str, key: str, content: bytes) -> None:
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            self._in(bucket).put(key, Path(file.name))


def _origin(request: Request) -> str:
    return f"{request.headers.get('x-scheme', 'https')}://{request.headers.get('host', HOST)}"


def _resource(bucket: str, key: str, size: int) -> dict[str, Any]:
    return {
        "kind": "storage#object",
        "id": f"{bucket}/{key}/{_GENERATION}",
        "bucket": bucket,
        "name": key,
        "size": str(size),
        "generation": _GENERATION,
        "metageneration": "1",
        "timeCreated": _UPDATED,
        "updated": _UPDATED,
        "contentType": "application/octet-stream",
    }


def _parts(request: Request) -> tuple[bytes, bytes]:
    """Returns the two parts of a multipart upload: the description of the object, and its content."""
    boundary = re.search(r'boundary="?([^";]+)', request.headers.get("content-type", ""))
    if boundary is None:
        raise ValueError("a multipart upload without boundary")
    _, described, content, *_ = request.body.split(b"--" + boundary[1].encode())
    return tuple(
        re.split(rb"\r?\n\r?\n", part, maxsplit=1)[1].removesuffix(b"\r\n") for part in (described, content)
    )  # type: ignore[return-value]


def _json(value: dict[str, Any]) -> Answer:
    return Answer(200, json.dumps(value).encode(), {"Content-Type": "application/json; charset=UTF-8"})


def _missing(bucket: str, key: str) -> Answer:
    return _failed(404, f"No such object: {bucket}/{key}")


def _failed(status: int, message: str) -> Answer:
    error = {"error": {"code": status, "message": message, "errors": [{"message": message}]}}
    return dataclasses.replace(_json(error), status=status)
