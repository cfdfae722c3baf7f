"""Labels examples on a cluster that calls a function for each file, or for a share of a large one.

Nothing moves between workers. Reading a file costs little compared with scoring it. So each worker that has a share of
a file reads the whole file, and scores every n-th example. The examples of a split equal those that Beam writes, to the
bit. Only the division into files differs.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import math
from collections.abc import Iterator, Mapping, Sequence

from limbeck.components.artifacts.files import TRANSFORMED_PREFIX
from limbeck.components.artifacts.record_files import read_records, write_records
from limbeck.components.inference import batches
from limbeck.components.inference.batches import SavedModel
from limbeck.components.mapping import whole
from limbeck.components.mapping.cluster import Cluster
from limbeck.components.teacher_labeler.examples import attach_logits, content_id_of, numbered
from limbeck.components.teacher_labeler.occurrences import Occurrences, first_numbers
from limbeck.trainer.distillation.stored.form import StoredForm

# A share of fewer examples would take longer to hand out than to label.
_FEWEST_ROWS = 4 * batches.BATCH_SIZE


@dataclasses.dataclass(frozen=True)
class Part:
    """A share of one file of a split: each example whose position in the file, modulo `shares`, is `share`.

    Attributes:
      source: path of the transformed examples.
      destination: path of the labelled examples.
      form: how soft targets are stored.
      scratch: folder for files that are being written.
      first: number of the first occurrence of each content in this file, by the content's id; 0 if it is not listed.
      share: number of this share, from 0.
      shares: how many shares the file has.
    """

    source: str
    destination: str
    form: StoredForm
    scratch: str
    first: Mapping[bytes, int] = dataclasses.field(default_factory=dict, repr=False)
    share: int = 0
    shares: int = 1

    def __str__(self) -> str:
        return self.source if self.shares == 1 else f"{self.source} ({self.share + 1} of {self.shares})"


@dataclasses.dataclass(frozen=True)
class SplitFiles:
    """The files of one split.

    Attributes:
      split: its name.
      sources: paths of its transformed examples.
      folder: path of the folder of its labelled examples. It must exist before a cluster labels.
      form: how soft targets are stored.
    """

    split: str
    sources: list[str]
    folder: str
    form: StoredForm


def label(splits: Sequence[SplitFiles], teachers: SavedModel, scratch: str, cluster: Cluster) -> None:
    """Writes the labelled examples of all splits.

    Args:
      splits: the splits.
      teachers: the SavedModel of the teachers.
      scratch: folder for files that are being written.
      cluster: the cluster whose workers label.
    """
    sources = [source for split in splits for source in split.sources]
    found = dict(zip(sources, cluster.map(occurrences_of, sources), strict=True))
    rows = sum(int(one.counts.sum()) for one in found.values())
    # Twice as many shares as calls at a time, so that a slow worker delays the end less. A single worker would only
    # read its files twice.
    most_rows = max(_FEWEST_ROWS, math.ceil(rows / (2 * cluster.room)) if cluster.room > 1 else rows)
    parts = [part for split in splits for part in parts_of(split, found, scratch, most_rows)]
    cluster.map(functools.partial(label_file, teachers), parts)


def parts_of(split: SplitFiles, found: Mapping[str, Occurrences], scratch: str, most_rows: int) -> list[Part]:
    """Returns the parts of a split, each with about `most_rows` examples or fewer.

    Args:
      split: the split.
      found: the contents of each file.
      scratch: folder for files that are being written.
      most_rows: number of examples.
    """
    firsts = first_numbers([found[source] for source in split.sources])
    shared = [
        Part(source, "", split.form, scratch, first, share, shares)
        for source, first in zip(split.sources, firsts, strict=True)
        for shares in [max(1, math.ceil(int(found[source].counts.sum()) / most_rows))]
        for share in range(shares)
    ]
    name = f"{split.folder}/{TRANSFORMED_PREFIX}-{{:05d}}-of-{len(shared):05d}.gz"
    return [dataclasses.replace(part, destination=name.format(number)) for number, part in enumerate(shared)]


def occurrences_of(source: str) -> Occurrences:
    """Returns which contents a file has, and how often."""
    return Occurrences.of(content_id_of(example) for example in read_records(source))


def label_file(teachers: SavedModel, part: Part) -> int:
    """Writes the labelled examples of one file. Returns how many there are.

    The examples depend only on the part and the teachers.

    Raises:
      ConfigError: if this process finds other teachers in the folder.
      OSError: if a file cannot be read or written.
    """
    model = teachers.load()

    def labelled() -> Iterator[bytes]:
        for batch in batches.batched(_numbered(part)):
            for example, logits in zip(batch, batches.logits_of(model, batch), strict=True):
                yield attach_logits(example, logits, part.form)

    with whole.written(part.destination, part.scratch) as path:
        return write_records(path, labelled())


def _numbered(part: Part) -> Iterator[bytes]:
    seen: collections.Counter[bytes] = collections.Counter()
    for place, example in enumerate(read_records(part.source)):
        content_id = content_id_of(example)
        if place % part.shares == part.share:
            yield numbered(content_id, part.first.get(content_id, 0) + seen[content_id], example)
        seen[content_id] += 1
