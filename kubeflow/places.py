"""The paths of an artifact's files, as the process in a container sees them.

KFP's launcher copies inputs to local paths before the process runs, and outputs from there afterwards, because
TensorFlow opens neither `minio://` nor `s3://`. Vertex AI only uses `gs://`, which TensorFlow opens, and copies
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_FOLDERS = MappingProxyType({"minio://": "/minio/", "s3://": "/s3/", "gs://": "/gcs/"})


def local_path(uri: str) -> str:
    """Where KFP's launcher keeps the files of a URI; the URI itself where it keeps none of them."""
    for scheme, folder in _FOLDERS.items():
        if uri.startswith(scheme):
            return folder + uri[len(scheme) :]
    return uri


def place(uri: str, target: str) -> str:
    """The path or URI that an executor opens."""
    return local_path(uri) if target == "kubeflow" else uri


def uri_of(text: str, uris: Mapping[str, str]) -> str:
    """A text with the URI in the place of a local path, where it is one of an artifact, or lies below one.

    Args:
      text: any.
      uris: of the artifacts of this execution, by local path.
    """
    for path, uri in uris.items():
        if text == path or text.startswith(f"{path}/"):
            return uri + text[len(path) :]
    return text
