"""The record of a compressed student. The process that compresses writes it; Predictor and the report read it."""

from __future__ import annotations

from typing import Literal

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
class TriedRecipe:
    """One recipe that `compression.recipe=auto` tried, and its file, judged on the validation split.

    Attributes:
      recipe: name of the recipe.
      steps: optimizer steps of its further trainings.
      seconds: how long it took to make the file.
      file: size of the file; null if there is none.
      value: the measure of the file.
      difference: `value` minus the measure of the student on the same examples.
      standard_error: standard error of `difference`.
      latency_ms: median latency of a call of the file.
      misses: the limits that the file does not keep, in words.
      front: whether the file is on the Pareto front: no other file is at least as good in all figures, and better in
        one.
      chosen: whether this file is shipped.
      failure: why there is no file; null if there is one.
    """

    recipe: str
    steps: int
    seconds: float
    file: FileSize | None = None
    value: float | None = None
    difference: float | None = None
    standard_error: float | None = None
    latency_ms: float | None = None
    misses: tuple[str, ...] = ()
    front: bool = False
    chosen: bool = False
    failure: str | None = None


@dataclass(frozen=True, config=STRICT)
class RecipeSearch:
    """What `compression.recipe=auto` tried.

    Attributes:
      examples: number of labelled validation examples.
      value: the measure of the student on them.
      size: which size counted, `file` or `gzip`.
      prefer: the criterion for choosing among the files that fit.
      left_out: recipes that exceeded the budget.
      tried: the recipes, in the order in which they were tried.
    """

    examples: int
    value: float
    size: Literal["file", "gzip"]
    prefer: Literal["size", "latency", "quality"]
    left_out: tuple[str, ...]
    tried: tuple[TriedRecipe, ...]


@dataclass(frozen=True, config=STRICT)
class CompressionRecord:
    """How a student was compressed.

    Attributes:
      recipe: name of the recipe.
      file: size of the compressed file.
      float32: size of the same student as a `.tflite` file of float32 weights.
      tensors: the tensors of the compressed file, from the largest to the smallest.
      float_operators: operators of the file that compute in floating point, each once; the conversion at the ends of an
        int8 file is not among them.
      remarks: sentences on what the recipe changed, and what it did not change.
      search: how the recipe was chosen; null if the user named it.
    """

    recipe: str
    file: FileSize
    float32: FileSize
    tensors: tuple[StoredTensor, ...]
    float_operators: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    search: RecipeSearch | None = None
