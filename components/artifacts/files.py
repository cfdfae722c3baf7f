"""The places of artifacts, and the files of an Examples artifact by split."""

from __future__ import annotations

from collections.abc import Sequence

from tfx import types
from tfx.types import artifact_utils

from limbeck import files
from limbeck.errors import DataError

TRANSFORMED_PREFIX = "transformed_examples"
Artifacts = dict[str, list[types.Artifact]]


def single_uris(*given: Artifacts) -> dict[str, str]:
    """Returns the URI of each input or output by name, without those that are not given."""
    return {key: artifact_utils.get_single_uri(value) for one in given for key, value in one.items() if value}


def split_files(examples: list[types.Artifact], split: str) -> list[str]:
    """Returns the files of one split, sorted by name. Raises DataError if the artifact has no such split."""
    known = split_names(examples)
    if split not in known:
        raise DataError(f"the examples have no split '{split}'; they have: {', '.join(known)}")
    uris = artifact_utils.get_split_uris(examples, split)
    return sorted(files.join(uri, name) for uri in uris for name in files.names(uri) if not name.startswith("."))


def split_names(examples: list[types.Artifact]) -> Sequence[str]:
    """Returns the splits of an Examples artifact."""
    return artifact_utils.decode_split_names(artifact_utils.get_single_instance(examples).split_names)
