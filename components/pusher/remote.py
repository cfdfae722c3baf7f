"""Puts a model into an object store (`gs://` ...) as its next version.

An object store renames no folders, so a version cannot appear at once. `saved_model.pb` is copied last: a server
cannot load a version without it, and tries again. Two pushes at a time may take the same number; one pipeline
makes one push at a time.
"""

from __future__ import annotations

import re

from tfx.dsl.io import fileio
from tfx.utils import io_utils

from components.pusher.push import next_version

_LAST = "saved_model.pb"


def push(model: str, serving: str) -> str:
    """Copies a model to `serving/<version>`, and returns that.

    Args:
      model: folder or URI of a SavedModel.
      serving: URI of the folder of the versions.

    Raises:
      Exception: what TensorFlow's filesystem raised; what was copied is deleted then.
    """
    model, serving = model.rstrip("/"), serving.rstrip("/")
    names = [name.rstrip("/") for name in fileio.listdir(serving)] if fileio.exists(serving) else []
    destination = f"{serving}/{next_version(names)}"
    last = f"{model}/{_LAST}"
    try:
        io_utils.copy_dir(model, destination, deny_regex_patterns=[f"^{re.escape(last)}$"])
        io_utils.copy_file(last, f"{destination}/{_LAST}")
    except BaseException:
        if fileio.exists(destination):
            fileio.rmtree(destination)
        raise
    return destination
