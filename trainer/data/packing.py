"""Packs a split of transformed examples into a folder, in which each example is found by its number.

Transform writes compressed shards. They can only be read from front to back, in an order that depends on the processes
that wrote them, and each example must be parsed again each time it is read. So each split is packed once:

  records.bin    a row of fixed width for each example, sorted by example id (`limbeck.trainer.data.layout`)
  stream-N.bin   the values of columns that have no fixed size, in the same order
  index.npy      the checksum of each row, and whether the example has a label; in the same order
  layout.json    the columns
  seal.json      the digest of the other files (`limbeck.trainer.data.seal`)

Equal data give equal bytes, whatever the number of files, and whatever the number of processes that read them. So the
digest of the files identifies the data, and checkpoints are found by this digest. A split need not fit in memory
(`limbeck.trainer.data.packed`), and neither need its ids, labels or order: files are read into sorted runs
(`limbeck.trainer.data.runs`), which are merged a block at a time (`limbeck.trainer.data.merging`). No file holds
objects of Python.

Reading is most of the work, and each file can be read by itself. `pack` reads all files in this process;
`limbeck.components.training.packing` lets other processes read them. Both end with `merge`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from limbeck.aliases import FeatureSpec
from limbeck.errors import DataError
from limbeck.objectives.objective import Objective
from limbeck.records import to_json
from limbeck.trainer.data import checksum, merging, seal
from limbeck.trainer.data.block import PackedBlock, behind_each_other
from limbeck.trainer.data.layout import Layout
from limbeck.trainer.data.packed import ENTRY, INDEX, LAYOUT, RECORDS, stream_name
from limbeck.trainer.data.preprocessing import assert_none_undeclared
from limbeck.trainer.data.reading import Reading, assert_equal_sizes
from limbeck.trainer.data.runs import Limits, Run, fetched, longer, opened, write, write_runs


@dataclasses.dataclass(frozen=True)
class Labels:
    """The labels of a split.

    Attributes:
      key: name of the feature that is the label of this training.
      objective: how the label is encoded.
      split: name of the split in messages.
    """

    key: str
    objective: Objective
    split: str = "training"

    def of(self, block: PackedBlock) -> npt.NDArray[Any]:
        """Returns the labels of some examples: `[examples, *label_shape]`."""
        return block.layout.values(block.rows, self.key).reshape(len(block), *self.objective.label_shape)

    def assert_declared(self, runs: Sequence[Run]) -> None:
        """Raises DataError if an example of the split has a label that the task does not declare."""
        unknown = sum(int(self.objective.undeclared(self.of(opened(run))).sum()) for run in runs)
        total = sum(run.examples for run in runs)
        assert_none_undeclared(self.objective, unknown, total, f"{self.split} examples")


def pack(
    files: Sequence[str],
    destination: Path,
    spec: FeatureSpec,
    label_key: str,
    objective: Objective,
    *,
    split: str = "training",
    limits: Limits = Limits(),  # noqa: B008, frozen
) -> int:
    """Packs the TFRecord files of one split into a folder, sorted by example id, in this process.

    The examples are written twice: first as sorted runs, then merged. Until the runs are removed, both take space.

    Args:
      files: TFRecord files (gzip, as Transform writes them) of serialized tf.Examples with an `example_id`.
      destination: an empty folder.
      spec: feature spec of all features that will be read from the packed split.
      label_key: name of the feature that is the label of this training.
      objective: how the label is encoded.
      split: name of the split in messages.
      limits: how much memory may be used. The packed files do not depend on it.

    Returns:
      The number of examples.

    Raises:
      DataError: if there are no examples, a file is truncated or corrupt, a record is not a transformed example,
        examples have different numbers of soft targets, or a label is not one that the task declares.
    """
    reading, labels = Reading.of(spec, label_key, objective), Labels(label_key, objective, split)
    with _scratch(destination) as scratch:
        count = _merge(
            write_runs(sorted(files), reading, str(scratch), limits), destination, labels, limits, scratch
        )
    seal.write(str(destination), INDEX)
    return count


def merge(runs: Sequence[Run], destination: Path, labels: Labels, limits: Limits) -> int:
    """Merges the sorted runs of a split into a packed split. May remove some of the runs.

    Args:
      runs: all runs of the split, in the order of its files.
      destination: an empty folder.
      labels: the labels of the split.
      limits: how much memory is taken.

    Returns:
      The number of examples.

    Raises:
      DataError: if there are no examples, they have different numbers of soft targets, or a label is not one that the
        task declares.
    """
    with _scratch(destination) as scratch:
        count = _merge([fetched(run, scratch) for run in runs], destination, labels, limits, scratch)
    seal.write(str(destination), INDEX)
    return count


@contextlib.contextmanager
def _scratch(destination: Path) -> Iterator[Path]:
    """Yields a folder for runs, on the disk of the packed split. Removes it before the split is sealed."""
    scratch = destination / "runs"
    scratch.mkdir(parents=True)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _merge(runs: Sequence[Run], destination: Path, labels: Labels, limits: Limits, scratch: Path) -> int:
    if not runs:
        raise DataError(f"the {labels.split} split holds no examples: check data.path and its split folders")
    for run in runs:
        assert_equal_sizes(runs[0].layout, run.layout)
    labels.assert_declared(runs)
    few = _fewer(runs, scratch, limits)
    count = sum(run.examples for run in few)
    blocks = merging.merged([opened(run) for run in few], limits.block_bytes)
    _write(destination, runs[0].layout, count, labels, blocks)
    return count


def _fewer(runs: Sequence[Run], scratch: Path, limits: Limits) -> list[Run]:
    """Merges runs until so few are left that all may be open at once. Removes the runs that it merged."""
    found = list(runs)
    while len(found) > limits.open_runs:
        some, found = found[: limits.open_runs], found[limits.open_runs :]
        made = longer(some, scratch)
        write(made, merging.merged([opened(run) for run in some], limits.block_bytes))
        for run in some:
            Path(run.path).unlink()
        # The merged run comes last, so that shorter runs are merged first.
        found.append(made)
    return found


def _write(destination: Path, layout: Layout, count: int, labels: Labels, blocks: Iterator[PackedBlock]) -> None:
    """Writes all files but the seal, or none. The blocks hold all examples, sorted."""
    text = to_json(layout)
    streams = [stream_name(number) for number in range(len(layout.streams))]
    paths = [destination / name for name in (RECORDS, INDEX, *streams)]
    npy: Any = np.lib.format
    try:
        (destination / LAYOUT).write_text(text, encoding="utf-8")
        with contextlib.ExitStack() as stack:
            records, index, *values = [stack.enter_context(path.open("wb")) for path in paths]
            header = {"descr": npy.dtype_to_descr(ENTRY), "fortran_order": False, "shape": (count,)}
            npy.write_array_header_1_0(index, header)
            place_keys = checksum.keys(text, layout.words)
            for block, rows in behind_each_other(blocks):
                entries = np.zeros(len(block), ENTRY)
                entries["labelled"] = labels.objective.labelled(labels.of(block))
                entries["check"] = checksum.of_rows(rows, place_keys)
                for file, part in zip((records, index, *values), (rows, entries, *block.streams), strict=True):
                    file.write(part.tobytes())
    except BaseException:
        for path in (*paths, destination / LAYOUT):
            path.unlink(missing_ok=True)
        raise
