"""All buckets of the simulation: `minio://mlpipeline/a` is the file `minio/mlpipeline/a` of one folder."""

from __future__ import annotations

from pathlib import Path

from limbeck.kubeflow.simulate.bucket import Bucket
from limbeck.kubeflow.simulate.uris import Location

_FOLDERS = {"minio://": "minio", "s3://": "s3", "gs://": "gcs", "mem://": "mem"}


class Buckets:
    """Buckets below a folder. Every bucket exists."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, place: Location) -> Bucket:
        """Returns the bucket of a location. The prefix does not matter."""
        return Bucket(self._folder / _FOLDERS[place.scheme] / place.bucket)
