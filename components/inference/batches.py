"""A SavedModel of ours, called with batches of one size, without Beam.

A matrix product with another number of rows may round differently. So all batches are padded to one size. Then the
answer to an example depends neither on Beam's bundles nor on the other examples in its file.
"""

from __future__ import annotations

import atexit
import platform
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic.dataclasses import dataclass

from limbeck.chunks import chunks
from limbeck.digests.content import folder_digest
from limbeck.errors import ConfigError
from limbeck.records import STRICT

BATCH_SIZE = 256
_Item = TypeVar("_Item")


@dataclass(frozen=True, config=STRICT)
class SavedModel:
    """A SavedModel that another process loads, perhaps on another machine.

    A long-lived process may see several models at one path, because a folder is removed and made again. And two
    machines may have different folders with the same name. So the content identifies the model.

    Attributes:
      folder: folder of the SavedModel.
      digest: digest of its content (`limbeck.digests.content`).
    """

    folder: str
    digest: str

    @classmethod
    def of(cls, folder: str) -> SavedModel:
        """Returns the model in a folder that this process sees."""
        return cls(folder, folder_digest(folder))

    def load(self) -> Any:
        """Returns the loaded model. A process keeps the last eight.

        Raises:
          ConfigError: if this process finds another model in the folder.
        """
        with _loading:
            if self not in _loaded:
                import tensorflow as tf

                self._assert_same()
                while len(_loaded) >= _KEPT:
                    del _loaded[next(iter(_loaded))]
                if not _loaded:
                    # TensorFlow logs errors if models are still loaded when the process ends.
                    atexit.register(_loaded.clear)
                _loaded[self] = tf.saved_model.load(self.folder)
            return _loaded[self]

    def _assert_same(self) -> None:
        if folder_digest(self.folder) != self.digest:
            raise ConfigError(
                f"a worker scores with the model of the pipeline, but on {platform.node()} there is another one in "
                f"{self.folder}: take a folder on a file system that all machines share"
            )


_KEPT = 8
_loaded: dict[SavedModel, Any] = {}
_loading = threading.Lock()


def batched(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Returns the items in lists of `BATCH_SIZE`; the last may be shorter."""
    return chunks(items, BATCH_SIZE)


def filled(batch: Sequence[bytes]) -> Any:
    """Returns a tensor of strings `[BATCH_SIZE]`: the batch, and its last example again as often as needed."""
    import tensorflow as tf

    return tf.constant([*batch, *[batch[-1]] * (BATCH_SIZE - len(batch))])


def logits_of(model: Any, batch: Sequence[bytes]) -> npt.NDArray[np.float32]:
    """Returns float32 `[examples, members, outputs]` for serialized transformed examples."""
    return model.signatures["transformed"](filled(batch))["logits"].numpy()[: len(batch)]


def answers_of(model: Any, batch: Sequence[bytes]) -> list[dict[str, Any]]:
    """Returns what a served model answers for each serialized raw example: its outputs by name."""
    said = model.signatures["serving_default"](filled(batch))
    columns = {name: values.numpy() for name, values in said.items()}
    return [{name: values[index] for name, values in columns.items()} for index in range(len(batch))]
