"""Section: what the compressed file of the student holds, as it was read back from the file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from limbeck.compression_record import CompressionRecord, RecipeSearch, StoredTensor, TriedRecipe
from limbeck.report import figures
from limbeck.report.charts.scatter import Point, Texts, scatter
from limbeck.report.schema import Report

_MOST_TENSORS = 12
_PREFERRED: Mapping[str, str] = {
    "size": "the smallest file",
    "latency": "the fastest file",
    "quality": "the best answers",
}


@dataclasses.dataclass(frozen=True)
class RecipeRow:
    """A recipe that was tried, formatted. `note` says why there is no file, or which limits it does not keep."""

    recipe: str
    bytes: str
    gzip: str
    measure: str
    difference: str
    latency: str
    steps: str
    fits: str
    front: bool
    chosen: bool
    note: str


@dataclasses.dataclass(frozen=True)
class TriedView:
    """What `compression.recipe=auto` tried.

    Attributes:
      examples: number of labelled validation examples, in words.
      student: the measure of the student on them, as a text.
      preferred: the criterion for choosing among the files that fit, in words.
      left_out: recipes that exceeded the budget, as a text.
      chart: quality against size, with the Pareto front; None if fewer than two files can be drawn.
      rows: the recipes.
    """

    examples: str
    student: str
    preferred: str
    left_out: str
    chart: Markup | None
    rows: tuple[RecipeRow, ...]


@dataclasses.dataclass(frozen=True)
class CompressionSection:
    """The section.

    Attributes:
      record: how the student was compressed.
      smaller: how many times smaller the file is than the same student in float32, as a text; likewise `smaller_gzip`
        if both are compressed by gzip.
      tensors: the largest tensors of the file.
      left_out: how many tensors are not shown.
      tried: what `compression.recipe=auto` tried, and the chart of it; None if the user named the recipe.
    """

    record: CompressionRecord
    smaller: str
    smaller_gzip: str
    tensors: tuple[StoredTensor, ...]
    left_out: int
    tried: TriedView | None


def view(report: Report) -> CompressionSection | None:
    """Returns the section; None if nothing was compressed."""
    record = report.compression
    if record is None:
        return None
    return CompressionSection(
        record,
        figures.times(record.float32.bytes / record.file.bytes),
        figures.times(record.float32.gzip / record.file.gzip),
        record.tensors[:_MOST_TENSORS],
        max(0, len(record.tensors) - _MOST_TENSORS),
        None if record.search is None else _tried(record.search, report),
    )


def _tried(search: RecipeSearch, report: Report) -> TriedView:
    made = [one for one in search.tried if one.file is not None and one.value is not None]
    return TriedView(
        figures.plural(search.examples, "labelled validation example"),
        figures.measured(search.value, report.measure),
        _PREFERRED[search.prefer],
        ", ".join(search.left_out),
        _chart(made, search, report) if len(made) > 1 else None,
        tuple(_row(one, search, report) for one in search.tried),
    )


def _row(one: TriedRecipe, search: RecipeSearch, report: Report) -> RecipeRow:
    difference = ""
    if one.difference is not None and one.standard_error is not None:
        difference = figures.difference_and_error(one.difference, one.standard_error, report.measure)
    return RecipeRow(
        one.recipe,
        "" if one.file is None else f"{one.file.bytes:,}",
        "" if one.file is None else f"{one.file.gzip:,}",
        "" if one.file is None else figures.measured(one.value, report.measure),
        difference,
        "" if one.latency_ms is None else f"{one.latency_ms:.4f}",
        f"{one.steps:,}",
        "no file" if one.failure else "no" if one.misses else "yes",
        one.front,
        one.chosen,
        one.failure or "; ".join(one.misses),
    )


def _chart(made: Sequence[TriedRecipe], search: RecipeSearch, report: Report) -> Markup:
    """Draws quality against size, and the Pareto front as a line."""
    points = {
        one.recipe: Point(
            one.recipe,
            "student" if one.chosen else "other",
            float(_size(one, search)),
            one.value or 0.0,
            f"{_size(one, search):,} bytes, {figures.measured(one.value, report.measure)}",
        )
        # The last drawn points are on top.
        for one in sorted(made, key=lambda one: one.chosen)
    }
    line = [points[one.recipe] for one in sorted(made, key=lambda one: _size(one, search)) if one.front]
    texts = Texts(
        "Files that were tried",
        "bytes by gzip" if search.size == "gzip" else "bytes",
        f"{report.measure.name}, validation",
        figures.size,
        lambda value: figures.measured(value, report.measure),
    )
    return scatter("recipes", list(points.values()), texts, line=line)


def _size(one: TriedRecipe, search: RecipeSearch) -> int:
    if one.file is None:
        raise AssertionError("only files are drawn")
    return one.file.gzip if search.size == "gzip" else one.file.bytes
