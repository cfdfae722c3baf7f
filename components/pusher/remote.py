"""Puts a model into an object store (`gs://`, `s3://` ...) as its next version.

An object store cannot rename a folder, so a version cannot appear at once. `saved_model.pb` is copied last: without
it, a server cannot load the version, and tries again. Two simultaneous pushes may take the same number, but one
pipeline makes one push at a time.
"""

from __future__ import annotations

from limbeck import files
from limbeck.components.pusher.push import next_version

_LAST = "saved_model.pb"


def push(model: str, serving: str) -> str:
    """Copies a model to `serving/<version>`. Returns that URI.

    Args:
      model: folder or URI of a SavedModel.
      serving: URI of the folder of the versions.

    Raises:
      FileNotFoundError: if the model holds no `saved_model.pb`.
      OSError: if the model cannot be copied. Either way, the copied files are deleted.
    """
    model, serving = model.rstrip("/"), serving.rstrip("/")
    destination = f"{serving}/{next_version(files.names(serving))}"
    try:
        for path in [*(path for path in files.walk(model) if path != _LAST), _LAST]:
            files.copy(f"{model}/{path}", f"{destination}/{path}")
    except BaseException:
        files.remove_folder(destination)
        raise
    return destination
