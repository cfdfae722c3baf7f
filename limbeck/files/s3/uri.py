"""Bucket and key of a URI."""

from __future__ import annotations

import dataclasses
import re

from limbeck.errors import ConfigError

SCHEMES = ("s3", "minio")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclasses.dataclass(frozen=True)
class Uri:
    """The location of an object.

    Attributes:
      scheme: `s3` or `minio`.
      bucket: name of the bucket.
      key: key, without a slash at its end; empty for the bucket itself.
    """

    scheme: str
    bucket: str
    key: str

    @property
    def prefix(self) -> str:
        """The start of the keys of all files below this folder."""
        return f"{self.key}/" if self.key else ""


def parse(text: str) -> Uri:
    """Returns the parts of a URI.

    Raises:
      ConfigError: if it names no bucket. The message does not repeat the URI, because it may hold a password.
    """
    scheme, _, rest = text.partition("://")
    bucket, _, key = rest.partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise ConfigError(
            f"a URI of an object store must be {scheme}://BUCKET/KEY, with a bucket of letters, digits, '.', '-' and "
            "'_'. Credentials are read from the environment, and must not be part of a URI"
        )
    return Uri(scheme.lower(), bucket, key.rstrip("/"))
