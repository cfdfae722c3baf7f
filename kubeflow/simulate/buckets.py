"""All buckets of the simulation: `minio://mlpipeline/a` is the file `minio/mlpipeline/a` of one folder."""

from __future__ import annotations

from pathlib import Path

from limbeck.kubeflow.simulate.bucket import Bucket
from limbeck.kubeflow.simulate.uris import Location

_FOLDERS = {"minio://": "minio", "s3://": "s3", "gs://": "gcs", "mem://": "mem"}


class Buckets:
    """Buckets below a folder; all that are asked for are there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, place: Location) -> Bucket:
        """The bucket of a location, whatever its prefix."""
        return Bucket(self._folder / _FOLDERS[place.scheme] / place.bucket)
