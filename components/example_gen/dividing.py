"""Divides rows among the splits on Beam, and adds rows without a label to the training split.

Each file is read by one call, which computes the split of each row at once. So no row is sent to another worker to be
divided. Facts that a row alone does not contain are computed before: the times at which splits begin, and the rows that
are held out.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam

from limbeck.beam_processes import faults
from limbeck.chunks import chunks
from limbeck.components.example_gen import division, inspection, moments
from limbeck.components.example_gen.blocks import serialize
from limbeck.components.example_gen.canonical import canonical, digest
from limbeck.components.example_gen.columns import Columns
from limbeck.components.example_gen.declaration import Declaration
from limbeck.components.example_gen.division import Division
from limbeck.components.example_gen.moments import Cuts
from limbeck.components.example_gen.reading import Reading, RowReader
from limbeck.components.example_gen.writing import BATCH
from limbeck.errors import DataError, nearest
from limbeck.examples import SPLITS, TRAIN

Tally = collections.Counter[str]

SUMMARIES, TALLY, _HELD_OUT = "summaries", "tally", "held out"
# The names of further counts, besides the examples of each split.
_WITHOUT_GROUP, _UNLABELLED, _JOINED, _LABELS, _EQUAL, _OF_GROUP = (
    "rows without a group",
    "unlabelled rows",
    "unlabelled rows that joined",
    "unlabelled rows with a label",
    "unlabelled rows equal to a row that is held out",
    "unlabelled rows of a group that is held out",
)


@dataclasses.dataclass(frozen=True)
class Rule:
    """How all rows are divided, and which columns matter for that.

    Attributes:
      division: how rows are divided; None if each file belongs to one split.
      labels: columns that say what is known of the label.
      declaration: what the task declares.
      guards: whether rows that are held out are remembered, because unlabelled rows follow.
    """

    division: Division | None
    labels: tuple[str, ...]
    declaration: Declaration
    guards: bool

    def seen_by_models(self, values: Mapping[str, Any]) -> int:
        """Returns a hash of what the models see of a row: of the declared columns without the label.

        Without a declaration, all columns but the label count, because it is unknown which of them the models see.
        """
        return digest(values, (self.declaration.keys() or values.keys()) - set(self.labels))

    def kinds_without_labels(self, kinds: Columns) -> Columns:
        """Returns the kinds of all columns but those that say what is known of the label."""
        return {name: kind for name, kind in kinds.items() if name not in self.labels}


@dataclasses.dataclass(frozen=True)
class Divided:
    """The results of dividing, as PCollections.

    Attributes:
      splits: lists of serialized tf.Examples by split (PCollections).
      summaries: tuples of `SplitSummary`.
      tally: one Counter.
      cuts: the times at which splits begin (one value), or None.
    """

    splits: dict[str, Any]
    summaries: Any
    tally: Any
    cuts: Any


def divide(
    pipeline: beam.Pipeline, rule: Rule, reading: Reading, files: Mapping[str, list[str]], unlabelled: list[str]
) -> Divided:
    """Reads all files.

    Args:
      pipeline: Beam's pipeline.
      rule: how rows are divided.
      reading: how a file is read.
      files: by split. With a division, the names of these splits do not count.
      unlabelled: files of rows that join the training split.
    """
    cuts = None
    elements = [(split, path) for split, some in files.items() for path in some]
    if rule.division is not None and rule.division.time is not None:
        cuts = beam.pvalue.AsSingleton(_cuts(pipeline, rule.division, reading, [path for _, path in elements]))
    read = (
        pipeline
        | "Files" >> beam.Create(elements)
        | "SpreadFiles" >> beam.Reshuffle()
        | "Read" >> _tagged(_read, reading.reader, reading.kinds, cuts, rule)
    )
    parts, splits = [read], {split: read[split] for split in SPLITS}
    if unlabelled:
        held_out = read[_HELD_OUT] | "HeldOut" >> beam.CombineGlobally(_union)
        joined = (
            pipeline
            | "UnlabelledFiles" >> beam.Create(unlabelled)
            | "SpreadUnlabelled" >> beam.Reshuffle()
            | "ReadUnlabelled"
            >> _tagged(_read_unlabelled, reading.reader, reading.kinds, beam.pvalue.AsSingleton(held_out), rule)
        )
        parts.append(joined)
        splits[TRAIN] = (splits[TRAIN], joined[TRAIN]) | "Join" >> beam.Flatten()
    return Divided(
        splits,
        tuple(part[SUMMARIES] for part in parts) | "AllSummaries" >> beam.Flatten(),
        tuple(part[TALLY] for part in parts) | "AllTallies" >> beam.Flatten() | beam.CombineGlobally(_sum),
        cuts,
    )


def conclude(
    rule: Rule, summaries: Iterable[inspection.SplitSummary], tally: Tally, cuts: Cuts | None
) -> list[str]:
    """Returns sentences about the division that the user should read.

    Raises:
      DataError: if a split is empty, or if no row has the column of the groups.
    """
    summaries = tuple(summaries)
    divided = rule.division
    counts = {one.split: one.examples for one in summaries}
    counts[TRAIN] = counts.get(TRAIN, 0) - tally[_JOINED]
    told = []
    if divided is not None:
        if divided.group is not None and sum(counts.values()) == tally[_WITHOUT_GROUP] > 0:
            known = {*rule.declaration, *(name for one in summaries for name in one.kinds)} - {divided.group}
            raise DataError(
                f"data.group names the column '{divided.group}', but no row has a value of it."
                f"{nearest(divided.group, known)} There are: {', '.join(sorted(known))}"
            )
        division.assert_filled(divided, counts)
        told.append(f"data.split={divided.split}: {division.told(counts)}")
        if cuts is not None:
            told.append(f"data.time={divided.time}: {', '.join(cuts.told())}")
        if tally[_WITHOUT_GROUP]:
            told.append(
                f"data.group={divided.group}: {tally[_WITHOUT_GROUP]} of {sum(counts.values())} rows have no value of "
                "it; each of them is a group of its own"
            )
    return [*told, *_unlabelled_notes(rule, tally)]


def _unlabelled_notes(rule: Rule, tally: Tally) -> Iterator[str]:
    if not tally[_UNLABELLED]:
        return
    yield f"data.unlabelled: {tally[_JOINED]} of {tally[_UNLABELLED]} rows joined the training split without a label"
    if tally[_EQUAL]:
        yield (
            f"data.unlabelled: {tally[_EQUAL]} rows were left out, because their features equal those of a row of "
            "validation or test"
        )
    if tally[_OF_GROUP] and rule.division is not None:
        yield (
            f"data.unlabelled: {tally[_OF_GROUP]} rows were left out, because their value of '{rule.division.group}' "
            "belongs to validation or test"
        )
    if tally[_LABELS]:
        yield f"data.unlabelled: {tally[_LABELS]} rows hold a label, which was not used"


def _tagged(function: Any, *arguments: Any) -> Any:
    return beam.FlatMap(function, *arguments).with_outputs(*SPLITS, SUMMARIES, TALLY, _HELD_OUT)


def _cuts(pipeline: beam.Pipeline, divided: Division, reading: Reading, paths: list[str]) -> Any:
    return (
        pipeline
        | "TimedFiles" >> beam.Create(paths)
        | "SpreadTimed" >> beam.Reshuffle()
        | "Times" >> beam.Map(_times, reading.reader, divided.time)
        | "MergeTimes" >> beam.CombineGlobally(moments.merge)
        | "Cut" >> beam.Map(_cut, divided)
    )


def _times(path: str, reader: RowReader, column: str) -> moments.Times:
    with faults.marked():
        return moments.gather(column, reader.column(path, column))


def _cut(times: moments.Times, divided: Division) -> Cuts:
    with faults.marked():
        return moments.cuts(
            str(divided.time), times, SPLITS[1:], lambda number: division.boundaries(divided, number)
        )


def _read(
    element: tuple[str, str], reader: RowReader, kinds: Columns, cuts: Cuts | None, rule: Rule
) -> Iterator[Any]:
    import numpy as np

    fixed, path = element
    divided = rule.division
    summaries = {split: inspection.SplitSummary(split) for split in ((fixed,) if divided is None else SPLITS)}
    tally, held_out = Tally(), []
    with faults.marked():
        for block in reader.blocks(path, kinds):
            places: dict[str, list[int]] = {split: [] for split in summaries}
            for row, values in enumerate(block.values()):
                split = fixed if divided is None else _split_of(divided, rule, values, cuts)
                places[split].append(row)
                if rule.guards and split != TRAIN:
                    held_out.append(rule.seen_by_models(values))
                if divided is not None and divided.group is not None:
                    tally[_WITHOUT_GROUP] += not canonical(values.get(divided.group))
            for split, summary in summaries.items():
                for batch in chunks(block.select(places[split]).records(summary, rule.declaration), BATCH):
                    yield beam.pvalue.TaggedOutput(split, batch)
    yield beam.pvalue.TaggedOutput(SUMMARIES, tuple(summaries.values()))
    yield beam.pvalue.TaggedOutput(TALLY, tally)
    yield beam.pvalue.TaggedOutput(_HELD_OUT, np.unique(np.array(held_out, np.uint64)))


def _split_of(divided: Division, rule: Rule, values: Mapping[str, Any], cuts: Cuts | None) -> str:
    if cuts is None or divided.time is None:
        return division.split_of(divided, values, rule.labels)
    return division.split_of_moment(cuts, moments.parse(values[divided.time]).moment)


def _read_unlabelled(path: str, reader: RowReader, kinds: Columns, held_out: Any, rule: Rule) -> Iterator[Any]:
    summary, tally = inspection.SplitSummary(TRAIN), Tally()
    # A frozenset, because `in` searches an array of NumPy from its first element on.
    held = frozenset(held_out.tolist())
    with faults.marked():
        for place, example, values in reader.rows(path, rule.kinds_without_labels(kinds)):
            tally[_UNLABELLED] += 1
            tally[_LABELS] += any(canonical(values.get(name)) for name in rule.labels)
            if _is_held_out(rule, values):
                tally[_OF_GROUP] += 1
                continue
            if rule.seen_by_models(values) in held:
                tally[_EQUAL] += 1
                continue
            tally[_JOINED] += 1
            for name in rule.labels:
                if name in example.features.feature:
                    # Records are read with all of their features.
                    del example.features.feature[name]
            summary.take(example, place, rule.declaration)
            yield beam.pvalue.TaggedOutput(TRAIN, [serialize(example)])
    yield beam.pvalue.TaggedOutput(SUMMARIES, (summary,))
    yield beam.pvalue.TaggedOutput(TALLY, tally)


def _is_held_out(rule: Rule, values: Mapping[str, Any]) -> bool:
    """Returns whether the group of a row belongs to another split than the training split."""
    if rule.division is None or rule.division.group is None or not canonical(values.get(rule.division.group)):
        return False
    return division.split_of(rule.division, values, rule.labels) != TRAIN


def _union(parts: Iterable[Any]) -> Any:
    import numpy as np

    return np.unique(np.concatenate([np.zeros(0, np.uint64), *parts]))


def _sum(parts: Iterable[Tally]) -> Tally:
    total = Tally()
    for part in parts:
        total.update(part)
    return total
