"""Packs a split. Lets Beam's workers read it if the split is so large that this saves time.

Reading a split takes most of the time of packing: checking and decompressing files, parsing examples, making rows, and
sorting them. Each file can be read by itself. So Beam's workers read different files, and write sorted runs into a
shared folder. This process merges the runs. The packed data are the same, to the bit.

  <place>/packing-<letters>/<letters>.run       the examples of one or several files, sorted
  <place>/packing-<letters>/part-<number>.json  the runs of one part of the files, written when all of them are there

A worker may die, and Beam may give the same part to another worker. The runs of the dead worker are then named by no
part. Nobody reads them, and they are removed with the folder.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from pathlib import Path

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.aliases import FeatureSpec
from limbeck.beam_processes import faults
from limbeck.errors import ConfigError
from limbeck.objectives.objective import Objective
from limbeck.records import STRICT, from_json, to_json
from limbeck.settings.beam import workers_of
from limbeck.trainer.data import packing
from limbeck.trainer.data.packing import Labels
from limbeck.trainer.data.reading import Reading
from limbeck.trainer.data.runs import Limits, Run, write_runs

FEWEST_BYTES = 1 << 30
# A part of fewer bytes takes longer to hand out than to read.
PART_BYTES = 8 << 20


@dataclasses.dataclass(frozen=True)
class Workers:
    """Beam's workers, and the sizes from which on they are used.

    Attributes:
      flags: Beam's flags.
      place: folder or URI in which workers may write, and which this process reads.
      fewest_bytes: workers read a split if its files have at least this size; by default 1 GiB. Two workers need 9
        seconds of processor time to import TensorFlow. One process reads 200 MiB in this time, and uses more than one
        core. So two workers were not faster with 396 MiB (benchmarks/growth).
      part_bytes: size of the files that are handed out together. A larger file is handed out by itself.
    """

    flags: tuple[str, ...]
    place: str
    fewest_bytes: int = FEWEST_BYTES
    part_bytes: int = PART_BYTES

    def read(self, sizes: Sequence[int]) -> bool:
        """Returns whether workers read files of these sizes, in bytes.

        A single file has one reader. A single worker is no faster than this process.
        """
        return len(sizes) > 1 and workers_of(self.flags) > 1 and sum(sizes) >= self.fewest_bytes


@dataclasses.dataclass(frozen=True)
class Part:
    """Files that one worker reads, one after the other.

    Attributes:
      number: number of the part.
      paths: paths or URIs of the files.
    """

    number: int
    paths: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the file that says which runs were made of it."""
        return f"part-{self.number:06}.json"


@dataclass(frozen=True, config=STRICT)
class PartRuns:
    """The runs of a part."""

    runs: tuple[Run, ...]


def pack(
    sources: Sequence[str],
    destination: Path,
    spec: FeatureSpec,
    label_key: str,
    objective: Objective,
    *,
    split: str,
    workers: Workers,
    limits: Limits = Limits(),  # noqa: B008, frozen
) -> int:
    """Packs the TFRecord files of one split into a folder, as `limbeck.trainer.data.packing.pack` does, to the bit.

    Args:
      sources: TFRecord files (gzip, as Transform writes them) of serialized tf.Examples with an `example_id`.
      destination: an empty folder of this machine.
      spec: feature spec of whatever will be read of the examples.
      label_key: name of the feature that is the label of this training.
      objective: how the label is encoded.
      split: name of the split in messages.
      workers: the workers that may read the files.
      limits: how much memory each process takes. The packed files do not depend on it.

    Returns:
      The number of examples.

    Raises:
      DataError: as `limbeck.trainer.data.packing.pack` does.
      ConfigError: if workers write into another folder of the same name.
    """
    paths = sorted(sources)
    sizes = [files.size(path) for path in paths]
    if not workers.read(sizes):
        return packing.pack(paths, destination, spec, label_key, objective, split=split, limits=limits)
    reading, labels = Reading.of(spec, label_key, objective), Labels(label_key, objective, split)
    folder = files.join(workers.place, f"packing-{uuid.uuid4().hex}")
    try:
        files.make_folder(folder)
        parts = parts_of(paths, sizes, workers.part_bytes)
        _read(parts, reading, folder, limits, workers.flags)
        runs = [run for part in parts for run in runs_of(part, folder)]
        return packing.merge(runs, destination, labels, limits)
    finally:
        files.remove_folder(folder)


def parts_of(paths: Sequence[str], sizes: Sequence[int], most_bytes: int) -> list[Part]:
    """Returns the files in parts of at most so many bytes, in their order. A larger file is a part by itself."""
    parts: list[list[str]] = []
    room = 0
    for path, size in zip(paths, sizes, strict=True):
        if not parts or size > room:
            parts.append([])
            room = most_bytes
        parts[-1].append(path)
        room -= size
    return [Part(number, tuple(some)) for number, some in enumerate(parts)]


def _read(parts: Sequence[Part], reading: Reading, folder: str, limits: Limits, flags: Sequence[str]) -> None:
    import apache_beam as beam

    with faults.unmarked(), beam.Pipeline(argv=list(flags)) as pipeline:
        _ = (
            pipeline
            | "Parts" >> beam.Create(list(parts))
            | "Spread" >> beam.Reshuffle()
            | "Runs" >> beam.Map(read_part, reading, folder, limits)
        )


def read_part(part: Part, reading: Reading, folder: str, limits: Limits) -> None:
    """Writes the runs of a part, and then the file that names them. A worker calls it.

    Raises:
      DataError: marked, as `limbeck.trainer.data.runs.write_runs` does.
      OSError: if a file cannot be read or written.
    """
    from limbeck.beam_processes import byte_counts

    with faults.marked():
        runs = write_runs(part.paths, reading, folder, limits)
    # TensorFlow and NumPy read and write past `limbeck.files`, so the bytes are counted here.
    byte_counts.read(sum(map(files.size, part.paths)))
    byte_counts.written(sum(run.begins[-1] for run in runs))
    files.write_text(files.join(folder, part.name), to_json(PartRuns(runs)))


def runs_of(part: Part, folder: str) -> tuple[Run, ...]:
    """Returns the runs that `read_part` made of a part. Raises ConfigError if it did not write into this folder."""
    try:
        return from_json(PartRuns, files.read_text(files.join(folder, part.name))).runs
    except FileNotFoundError:
        raise ConfigError(
            f"Beam's workers must write into the folder {folder} of the pipeline, and what they wrote is not there: "
            "share the folders of the pipeline with them under the same paths, or give the run a --root that all read"
        ) from None
