"""Labels examples on a cluster that calls a function for each file: one file of labelled examples for each.

Nothing moves between workers. The examples of a split are those that Beam writes, to the bit, in other files.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
from collections.abc import Iterator, Mapping

from limbeck import files
from limbeck.components.artifacts.files import TRANSFORMED_PREFIX
from limbeck.components.artifacts.record_files import read_records, write_records
from limbeck.components.inference import batches
from limbeck.components.inference.batches import SavedModel
from limbeck.components.mapping import whole
from limbeck.components.mapping.cluster import Cluster
from limbeck.components.teacher_labeler.examples import attach_logits, content_id_of, numbered
from limbeck.components.teacher_labeler.occurrences import Occurrences, first_numbers
from limbeck.trainer.distillation.stored.form import StoredForm


@dataclasses.dataclass(frozen=True)
class Part:
    """One file of a split.

    Attributes:
      split: name of the split.
      source: path of its transformed examples.
      destination: path of its labelled examples.
      scratch: folder for files that are being written.
      first: number of the first occurrence of a content in this file, by its id; 0 for those that are left out.
    """

    split: str
    source: str
    destination: str
    scratch: str
    first: Mapping[bytes, int] = dataclasses.field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return self.source


def label(parts: list[Part], teachers: SavedModel, forms: Mapping[str, StoredForm], cluster: Cluster) -> None:
    """Writes the labelled examples of each part.

    Args:
      parts: files of all splits; all folders must be there.
      teachers: the SavedModel of the teachers.
      forms: how soft targets are stored, by split.
      cluster: what labels.
    """
    found = cluster.map(occurrences_of, parts)
    after = []
    for split in dict.fromkeys(part.split for part in parts):
        ours = [(part, one) for part, one in zip(parts, found, strict=True) if part.split == split]
        numbers = first_numbers([one for _, one in ours])
        after += [dataclasses.replace(part, first=first) for (part, _), first in zip(ours, numbers, strict=True)]
    cluster.map(functools.partial(label_file, teachers, dict(forms)), after)


def occurrences_of(part: Part) -> Occurrences:
    """Returns which contents a file has, and how often."""
    return Occurrences.of(content_id_of(example) for example in read_records(part.source))


def label_file(teachers: SavedModel, forms: Mapping[str, StoredForm], part: Part) -> int:
    """Writes the labelled examples of one file. Returns how many there are.

    What is written depends on the part and the teachers alone.

    Raises:
      ConfigError: if this process sees other teachers.
      OSError: if a file cannot be read or written.
    """
    model, form = teachers.load(), forms[part.split]

    def labelled() -> Iterator[bytes]:
        for batch in batches.batched(_numbered(part)):
            for example, logits in zip(batch, batches.logits_of(model, batch), strict=True):
                yield attach_logits(example, logits, form)

    with whole.written(part.destination, part.scratch) as path:
        return write_records(path, labelled())


def _numbered(part: Part) -> Iterator[bytes]:
    seen: collections.Counter[bytes] = collections.Counter()
    for example in read_records(part.source):
        content_id = content_id_of(example)
        yield numbered(content_id, part.first.get(content_id, 0) + seen[content_id], example)
        seen[content_id] += 1


def parts_of(split: str, sources: list[str], folder: str, scratch: str) -> list[Part]:
    """Returns the parts of a split. Makes the folder of its labelled examples.

    Args:
      split: name of the split.
      sources: paths of its files.
      folder: path of the folder that receives the labelled examples.
      scratch: folder for files that are being written.
    """
    files.make_folder(folder)
    return [
        Part(split, source, f"{folder}/{TRANSFORMED_PREFIX}-{number:05d}-of-{len(sources):05d}.gz", scratch)
        for number, source in enumerate(sources)
    ]
