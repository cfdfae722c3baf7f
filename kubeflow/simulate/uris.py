"""URIs of buckets: their parts, and the path below which a launcher shows them."""

from __future__ import annotations

import dataclasses
import re

_BUCKET = re.compile(r"(^[a-z][a-z0-9]+:///?)([^/?]+)(/[^?]*)?(\?.+)?$")
_SCHEMES = ("gs://", "s3://", "minio://", "mem://")
_LOCAL = {"gs://": "/gcs/", "minio://": "/minio/", "s3://": "/s3/"}


class UriError(Exception):
    """The launcher does not support a URI. The message is for the user."""


@dataclasses.dataclass(frozen=True)
class Location:
    """A bucket and a prefix in it.

    Attributes:
      scheme: `minio://`, `s3://` or `gs://`.
      bucket: its name.
      prefix: empty, or ends in `/`.
    """

    scheme: str
    bucket: str
    prefix: str = ""

    @property
    def text(self) -> str:
        """The URI with which all URIs below it begin. It does not end in `/`, so siblings may begin with it, too."""
        return f"{self.scheme}{self.bucket}/{self.prefix}".rstrip("/")

    def key(self, uri: str) -> str:
        """Returns the key within the bucket, without the prefix. Raises UriError for a URI elsewhere."""
        if not uri.startswith(self.text):
            raise UriError(f"URI {uri!r} lies outside {self.text!r}, the place of this run's outputs")
        key = uri.removeprefix(self.text).lstrip("/")
        if not key:
            raise UriError(f"URI {uri!r} names no object below {self.text!r}")
        return key


def location(uri: str, *, with_prefix: bool = True) -> Location:
    """Returns the parts of a URI. Raises UriError if it is not in a bucket."""
    match = _BUCKET.match(uri)
    if match is None:
        raise UriError(f"{uri!r} is not a URI of a bucket, such as minio://mlpipeline/folder")
    scheme, bucket, path, _ = match.groups()
    if scheme not in _SCHEMES:
        raise UriError(f"{uri!r} is in no bucket that KFP opens: it takes gs://, s3:// and minio://")
    prefix = (path or "").removeprefix("/")
    if not with_prefix:
        prefix = ""
    return Location(scheme, bucket, f"{prefix}/" if prefix and not prefix.endswith("/") else prefix)


def local_path(uri: str) -> str:
    """Returns the path at which a launcher shows a URI. Raises UriError for another scheme."""
    for scheme, folder in _LOCAL.items():
        if uri.startswith(scheme):
            return folder + uri.removeprefix(scheme)
    if uri.startswith("oci://"):
        return "/oci/" + uri.removeprefix("oci://").replace("/", "_") + "/models"
    raise UriError(f"{uri!r} has no local path: KFP shows gs://, s3:// and minio:// only")


def below(root: str, *parts: str) -> str:
    """Returns a URI below another one, without its query."""
    joined = "/".join(part.strip("/") for part in parts)
    return f"{root.split('?', maxsplit=1)[0].rstrip('/')}/{joined}"
