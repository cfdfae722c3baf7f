"""The versions that are served, and which one answers.

A change of versions replaces the mapping by a new one. A request reads the mapping once. So each request is answered by
a single version, and no request waits for a change.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from limbeck.server.loading import Version
from limbeck.server.signature import Signature
from limbeck.server.tensors import RequestError


@dataclasses.dataclass
class Served:
    """The versions that are loaded now.

    Attributes:
      versions: versions by number. A change replaces the whole mapping.
      refused: the versions that could not be loaded, and why.
    """

    versions: Mapping[int, Version] = dataclasses.field(default_factory=dict)
    refused: Mapping[int, str] = dataclasses.field(default_factory=dict)

    def version(self, number: int | None = None) -> Version:
        """Returns a version, or the newest. Raises KeyError if it is not loaded."""
        versions = self.versions
        return versions[max(versions) if number is None else number]


def signatures_of(version: Version, *, compressed: bool) -> Mapping[str, Signature]:
    """Returns the signatures of a version, or of its compressed file. Raises RequestError if it has no file."""
    if not compressed:
        return version.signatures
    if version.compressed is None:
        raise RequestError(f"version {version.number} has no compressed file")
    return version.compressed
