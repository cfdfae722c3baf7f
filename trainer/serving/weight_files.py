"""`WeightFiles`: the weights of a SavedModel, written part by part, so that no process ever holds all of them.

`tf.saved_model.save` takes a model with its weights in memory. No process can hold all weights of a model in stages.
But its graph can be exported from a sketch: TensorFlow leaves out the value of a variable that has none. TensorFlow's
own operation then writes the values beside it, each part in a file. A checkpoint may have any number of such files, and
`MergeV2Checkpoints` merges several checkpoints: it renames the files, and writes one index. So all programs that load a
SavedModel can load this one.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from limbeck.aliases import KerasModel, Tensor, Variable
from limbeck.trainer.pipelining.variable_handles import plain, value_of


class WeightFiles:
    """The weights of the members of a SavedModel, in files until the SavedModel is written."""

    def __init__(self, folder: Path) -> None:
        """Takes an empty folder on a disk with enough space for the weights."""
        self._folder, self._parts, self._members = folder, 0, 0

    def add(self, sketch: KerasModel, trained: KerasModel) -> None:
        """Writes the weights of the next member. At any time, memory holds at most as many bytes as the largest weight.

        Args:
          sketch: the model as it is exported (`limbeck.trainer.pipelining.sketch`). If a variable of it has memory, it
            gets its value here.
          trained: the same model with its weights, on any devices.
        """
        empty: list[tuple[str, Variable]] = []
        for place, (one, other) in enumerate(zip(sketch.variables, trained.variables, strict=True)):
            # Keras counts a vocabulary as a weight, but it has neither a dtype nor a value.
            if not hasattr(one, "dtype"):
                continue
            if plain(one).is_initialized():
                plain(one).assign(_here(other))
            else:
                # The name that TensorFlow gives to `weights[member][place]` of `limbeck.trainer.serving.export`.
                empty.append((f"weights/{self._members}/{place}/.ATTRIBUTES/VARIABLE_VALUE", other))
        sizes = [int(one.shape.num_elements() or 0) * one.dtype.size for _, one in empty]
        for begin, end in parts_of(sizes):
            self._write(empty[begin:end])
        self._members += 1

    def _write(self, some: Sequence[tuple[str, Variable]]) -> None:
        import tensorflow as tf

        with tf.device("/cpu:0"):
            tf.raw_ops.SaveV2(
                prefix=str(self._folder / _part(self._parts)),
                tensor_names=[name for name, _ in some],
                shape_and_slices=[""] * len(some),
                tensors=[_here(one) for _, one in some],
            )
        self._parts += 1

    def merge_into(self, saved_model: str) -> None:
        """Moves the weights into a SavedModel of the sketches, in the order in which they were added.

        The folder of this object is empty afterwards.
        """
        import tensorflow as tf
        from tensorflow.python.saved_model import fingerprinting_utils

        if not self._parts:
            return
        variables = Path(saved_model) / "variables"
        for file in sorted(variables.iterdir()):
            file.rename(variables / file.name.replace("variables", "graph", 1))
        for file in sorted(self._folder.iterdir()):
            # A rename does not work across file systems.
            shutil.move(file, variables / file.name)
        with tf.device("/cpu:0"):
            tf.raw_ops.MergeV2Checkpoints(
                checkpoint_prefixes=[str(variables / name) for name in ("graph", *map(_part, range(self._parts)))],
                destination_prefix=str(variables / "variables"),
                delete_old_dirs=False,
            )
        # TensorFlow has written the fingerprint of the old index.
        fingerprinting_utils.write_fingerprint(saved_model)
        self._parts = self._members = 0


def parts_of(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Groups neighbours into parts that are not larger than the largest single one. Returns where parts begin and end.

    Args:
      sizes: bytes of each.
    """
    limit, found, begin, total = max(sizes, default=0), [], 0, 0
    for number, size in enumerate(sizes):
        if number > begin and total + size > limit:
            found.append((begin, number))
            begin, total = number, 0
        total += size
    return [*found, (begin, len(sizes))] if sizes else []


def _part(number: int) -> str:
    return f"part-{number:05d}"


def _here(variable: Any) -> Tensor:
    """Returns the value of a variable in the memory of this machine."""
    import tensorflow as tf

    value = value_of(variable)
    with tf.device("/cpu:0"):
        return tf.identity(value)
