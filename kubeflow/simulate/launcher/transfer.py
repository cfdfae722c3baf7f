"""Downloads of input artifacts, uploads of output artifacts."""

from __future__ import annotations

import os
import posixpath
from pathlib import PurePosixPath
from typing import Any

from kubeflow.simulate.buckets import Buckets
from kubeflow.simulate.launcher.command import path_of
from kubeflow.simulate.launcher.errors import LauncherError
from kubeflow.simulate.pod.files import PodFiles
from kubeflow.simulate.uris import Location, UriError, location
from kubeflow.simulate.versions import Rules


def download(files: PodFiles, buckets: Buckets, home: Location, inputs: dict[str, Any], rules: Rules) -> None:
    """Puts the input artifacts where their URIs have their local paths.

    An artifact whose objects are not there is no error: the user's process finds nothing at its path.

    Args:
      files: of the pod.
      buckets: all of them.
      home: the run's own root.
      inputs: artifacts by key.
      rules: of the release; before 2.17 whatever begins with the URI comes along.

    Raises:
      LauncherError: for a URI of no bucket, or where a file is in the way of a folder.
    """
    for name, held in inputs.items():
        for artifact in held.get("artifacts", []):
            uri = artifact.get("uri", "")
            try:
                place = home if uri.startswith(home.text) else location(uri, with_prefix=False)
                key = place.prefix + place.key(uri)
                local = path_of(artifact)
                _download(files, buckets, place, key, local, rules)
            except (UriError, OSError) as error:
                raise LauncherError(f"failed to download input artifact {name!r} from {uri!r}: {error}") from None


def _download(files: PodFiles, buckets: Buckets, place: Location, key: str, local: str, rules: Rules) -> None:
    bucket = buckets.of(place)
    for each in bucket.keys(key):
        folder = key.rstrip("/")
        if rules.exact_prefix and each != folder and not each.startswith(f"{folder}/"):
            continue
        target = posixpath.normpath(posixpath.join(local, posixpath.relpath(each, key)))
        files.make(posixpath.dirname(target))
        here = files.host(target)
        if here.is_dir():
            raise IsADirectoryError(f"{target} is a folder, and an object has its name")
        bucket.get(each, here)
        files.give(here)


def upload(files: PodFiles, buckets: Buckets, home: Location, artifact: dict[str, Any], path: str) -> None:
    """Uploads a file, or the files of a folder. Empty folders vanish; what is not there is no error.

    Raises:
      LauncherError: for a URI outside the run, or a link to a folder inside a folder.
    """
    try:
        key = home.prefix + home.key(artifact["uri"])
    except UriError as error:
        raise LauncherError(str(error)) from None
    if not files.host(path).exists():
        return
    try:
        _upload(files, buckets, home, path, key)
    except OSError as error:
        raise LauncherError(f"{path} cannot be uploaded: {error}") from None


def _upload(files: PodFiles, buckets: Buckets, home: Location, path: str, key: str) -> None:
    here = files.host(path)
    if not here.is_dir():
        buckets.of(home).put(key, here)
        return
    for name in sorted(os.listdir(here)):
        below = str(PurePosixPath(path, name))
        if (here / name).is_dir() and not (here / name).is_symlink():
            _upload(files, buckets, home, below, f"{key}/{name}")
        else:
            buckets.of(home).put(f"{key}/{name}", files.host(below))
