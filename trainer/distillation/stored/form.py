"""`StoredForm`: which numbers of a soft target are stored, and where each of them is.

All logits of all teachers are easiest to read. But with 100,000 classes, the soft targets of an example take more space
than the example. To store fewer and smaller numbers, the writer (in Beam) and the reader (in the graph of a training
step) must agree on a form, to the byte.

Neither a tf.Example nor a packed row can hold 16-bit numbers. Both can hold int64. So a soft target is a list of 64-bit
words:

  classes    the ids of the classes that are kept, the most probable first: uint16, or uint32 for many classes
  teacher    for each teacher, its values

Each part begins with a new word and is padded with zeros, so the number of words determines the number of teachers.
"""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.objectives.objective import Objective
from limbeck.records import STRICT
from limbeck.settings.fields import Positive
from limbeck.settings.labelling import LabellingConfig

_WORD, _UINT16_CLASSES = 8, 2**16
# Two values for the classes that are not kept: the log-sum-exp and the mean of their logits.
REST = 2


@dataclass(frozen=True, config=STRICT)
class StoredForm:
    """The form of stored soft targets.

    Attributes:
      outputs: length of a teacher's output.
      top_k: number of classes that are kept of each example; None: all outputs.
      dtype: dtype of the values.
      relative: whether only differences of logits matter, as before a softmax. Then the largest logit of each teacher
        is stored as 0, because numbers near 0 are rounded least.
    """

    outputs: Positive
    top_k: Positive | None = None
    dtype: Literal["float32", "float16"] = "float32"
    relative: bool = False

    @property
    def plain(self) -> bool:
        """Whether all logits are stored as float32, in the feature `teacher_logits`."""
        return self.top_k is None and self.dtype == "float32"

    @property
    def values(self) -> int:
        """How many values each teacher has."""
        return self.outputs if self.top_k is None else self.top_k + REST

    @property
    def class_dtype(self) -> Literal["uint16", "uint32"]:
        """The dtype of the ids of classes."""
        return "uint16" if self.outputs <= _UINT16_CLASSES else "uint32"

    @property
    def class_words(self) -> int:
        """Number of words of the ids."""
        return _words((self.top_k or 0) * (2 if self.class_dtype == "uint16" else 4))

    @property
    def teacher_words(self) -> int:
        """Number of words of each teacher."""
        return _words(self.values * (2 if self.dtype == "float16" else 4))

    def teachers(self, words: int) -> int:
        """Returns the number of teachers of soft targets with this number of words."""
        return (words - self.class_words) // self.teacher_words


def form_of(config: LabellingConfig, objective: Objective) -> StoredForm:
    """Returns the form that the settings ask for.

    Raises:
      ConfigError: if the form makes no sense for the kind of label.
    """
    label, outputs = objective.label.name, objective.outputs
    if objective.activation is None and config.dtype != "float32":
        raise ConfigError(
            f"labelling.dtype={config.dtype} rounds logits, but label '{label}' is learnt from "
            f"{objective.output_words}, which may have any size and precision: set labelling.dtype=float32"
        )
    if config.top_k is not None and objective.activation != "softmax":
        raise ConfigError(
            f"labelling.top_k keeps the most probable of several classes, but label '{label}' is learnt from "
            f"{objective.output_words}: leave it out, received {config.top_k}"
        )
    if config.top_k is not None and config.top_k >= outputs:
        raise ConfigError(
            f"labelling.top_k leaves out classes, so it must be below the {outputs} classes of label '{label}', "
            f"received {config.top_k}: leave it out, or take less"
        )
    return StoredForm(outputs, config.top_k, config.dtype, objective.activation == "softmax")


def _words(size: int) -> int:
    """Returns how many words hold this number of bytes."""
    return -(-size // _WORD)
