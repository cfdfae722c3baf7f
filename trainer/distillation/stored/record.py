"""`soft-targets.json`: how the soft targets of some examples were stored, and their size on disk.

Settings may change between the run that stores soft targets and the run that reads them. So the form is stored beside
them, and readers take it from there. Sizes are measured on the written files, and not computed.
"""

from __future__ import annotations

import dataclasses

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.records import STRICT, from_json, to_json
from limbeck.settings.fields import NotNegative
from limbeck.settings.labelling import LabellingConfig

FILE = "soft-targets.json"


@dataclass(frozen=True, config=STRICT)
class StoredRecord:
    """How soft targets were stored.

    Attributes:
      labelling: the settings of the training split. Other splits have all logits as float32.
      teachers: number of teachers; 0 if the split has no example.
      outputs: length of a teacher's output.
      example_bytes: bytes of the soft targets of the first training example, as serialized.
      split_bytes: bytes of the files of the training split, compressed, with all other features.
    """

    labelling: LabellingConfig = dataclasses.field(default_factory=LabellingConfig)
    teachers: NotNegative = 0
    outputs: NotNegative = 0
    example_bytes: NotNegative = 0
    split_bytes: NotNegative = 0

    @property
    def full_bytes(self) -> int:
        """Bytes of all logits of an example as float32."""
        return 4 * self.teachers * self.outputs

    @property
    def words(self) -> str:
        """The form in words, such as `the 5 most probable of 98 classes and the rest, as float16`."""
        top, dtype = self.labelling.top_k, self.labelling.dtype
        if top is None:
            return f"all logits as {dtype}"
        classes = "the most probable" if top == 1 else f"the {top} most probable"
        return f"{classes} of {self.outputs} classes and the rest, as {dtype}"

    @property
    def size_words(self) -> str:
        """The form and its sizes in words."""
        saved = f"{self.example_bytes} bytes an example, where all logits as float32 take {self.full_bytes}"
        return f"{self.words}: {saved}; the files of the split take {self.split_bytes:,} bytes"


def read(folder: str) -> StoredRecord:
    """Reads the record beside labelled examples. Examples without one have all logits as float32."""
    place = files.join(folder, FILE)
    return from_json(StoredRecord, files.read_text(place)) if files.exists(place) else StoredRecord()


def write(folder: str, record: StoredRecord) -> None:
    """Writes the record beside labelled examples."""
    files.write_text(files.join(folder, FILE), to_json(record))
