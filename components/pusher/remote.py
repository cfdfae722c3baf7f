"""Puts a model into an object store (`gs://` ...) as its next version.

An object store renames no folders, so a version cannot appear at once. `saved_model.pb` is copied last: a server
cannot load a version without it, and tries again. Two pushes at a time may take the same number; one pipeline
makes one push at a time.
"""

from __future__ import annotations

from components.pusher.push import next_version
from limbeck import files

_LAST = "saved_model.pb"


def push(model: str, serving: str) -> str:
    """Copies a model to `serving/<version>`, and returns that.

    Args:
      model: folder or URI of a SavedModel.
      serving: URI of the folder of the versions.

    Raises:
      FileNotFoundError: where the model holds no `saved_model.pb`.
      OSError: where it cannot be copied. What was copied is deleted in each case.
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
