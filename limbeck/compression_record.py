"""What is known of a compressed student. The process that compresses writes it; Predictor and the report read it."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT


@dataclass(frozen=True, config=STRICT)
class StoredTensor:
    """One tensor of numbers that a `.tflite` file holds, as it was read back from the file.

    Attributes:
      name: its name in the file.
      shape: its shape.
      dtype: how its values are stored, such as `int8`.
      elements: number of values.
      zeros: how many of the values stand for exactly 0.
      distinct: number of different stored values.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    elements: int
    zeros: int
    distinct: int

    @property
    def sparsity(self) -> float:
        """Share of the values that are 0."""
        return self.zeros / self.elements


@dataclass(frozen=True, config=STRICT)
class FileSize:
    """Bytes of a file, as it is and compressed by gzip."""

    bytes: int
    gzip: int


@dataclass(frozen=True, config=STRICT)
class CompressionRecord:
    """What became of a student.

    Attributes:
      recipe: name of the recipe.
      file: size of the compressed file.
      float32: size of the same student as a `.tflite` file of float32 weights.
      tensors: the tensors of the compressed file, from the largest to the smallest.
      float_operators: operators of the file that compute in floating point, each once; the conversion at the ends of an
        int8 file is not among them.
      remarks: sentences on what the recipe did, and on what it left as it was.
    """

    recipe: str
    file: FileSize
    float32: FileSize
    tensors: tuple[StoredTensor, ...]
    float_operators: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
