"""URIs of buckets: their parts, and the path below which a launcher shows them."""

from __future__ import annotations

import dataclasses
import re

_BUCKET = re.compile(r"(^[a-z][a-z0-9]+:///?)([^/?]+)(/[^?]*)?(\?.+)?$")
_SCHEMES = ("gs://", "s3://", "minio://", "mem://")
_LOCAL = {"gs://": "/gcs/", "minio://": "/minio/", "s3://": "/s3/"}


class UriError(Exception):
    """A URI that the launcher does not take; the message is for the user."""


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
        """The URI that all URIs below it begin with. It has no `/` at its end, so siblings may begin with it too."""
        return f"{self.scheme}{self.bucket}/{self.prefix}".rstrip("/")

    def key(self, uri: str) -> str:
        """The key within the bucket, without the prefix; raises UriError for a URI elsewhere."""
        if not uri.startswith(self.text):
            raise UriError(f"URI {uri!r} lies outside {self.text!r}, the place of this run's outputs")
        key = uri.removeprefix(self.text).lstrip("/")
        if not key:
            raise UriError(f"URI {uri!r} names no object below {self.text!r}")
        return key


def location(uri: str, *, with_prefix: bool = True) -> Location:
    """The parts of a URI; raises UriError for one that is not of a bucket."""
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
    """The path at which a launcher shows a URI; raises UriError for one of another scheme."""
    for scheme, folder in _LOCAL.items():
        if uri.startswith(scheme):
            return folder + uri.removeprefix(scheme)
    if uri.startswith("oci://"):
        return "/oci/" + uri.removeprefix("oci://").replace("/", "_") + "/models"
    raise UriError(f"{uri!r} has no local path: KFP shows gs://, s3:// and minio:// only")


def below(root: str, *parts: str) -> str:
    """A URI below another, without its query."""
    joined = "/".join(part.strip("/") for part in parts)
    return f"{root.split('?', maxsplit=1)[0].rstrip('/')}/{joined}"
