"""Compares examples with what the task declares, while they are read.

The libraries behind ExampleGen notice wrong data late, and with messages of their own. TensorFlow Data Validation fails
on mixed kinds. TensorFlow fails on a list where a scalar is declared. A loss becomes NaN. A class that the task does
not know is noticed after an hour of training. None of these messages names the file. ExampleGen reads every example
once anyway. So this module counts each fault by split and feature, with its first place, and all faults are reported
together before anything else runs.
"""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from limbeck.components.example_gen import columns
from limbeck.components.example_gen.declaration import Declaration, Declared, label_key
from limbeck.errors import DataError, nearest

if TYPE_CHECKING:
    import tensorflow as tf

# The names of kinds for users of tf.Example, by the field of a `tf.train.Feature`.
_KINDS = {"float_list": "FLOAT", "int64_list": "INT", "bytes_list": "BYTES"}
_EXPECTED = {"number": "FLOAT", "integer": "INT", "text": "BYTES"}
# More faults of one feature tell nothing new, and there may be as many faults as examples.
_MOST_FAULTS = 10
_CHARACTERS = 60
_YES_OR_NO = ("0", "1")


class Fault(NamedTuple):
    """One kind of fault.

    Attributes:
      feature: name of the feature that has the fault.
      what: the end of a sentence that starts with "120 of 150 examples".
      remedy: what to do.
    """

    feature: str
    what: str
    remedy: str


class Seen(NamedTuple):
    """A number of examples, and the place of one of them, the first by name."""

    examples: int
    place: str


class OneValued(NamedTuple):
    """One column of examples that have at most one value each.

    Attributes:
      kind: `FLOAT`, `INT` or `BYTES`.
      values: of the examples that have one: an array of float32, or a list of int or of bytes.
      rows: positions of the examples that have a value, ascending; None if all have one.
    """

    kind: str
    values: Any
    rows: Sequence[int] | None


@dataclasses.dataclass
class SplitSummary:
    """What a part of one split holds.

    Attributes:
      split: name of the input's split.
      examples: number of examples.
      faults: examples that have a fault, by the fault.
      kinds: for each feature that the task does not declare, examples by kind.
      labels: number of examples by the value of their label.
      unlabelled: number of examples without a label: they lack each column of it.
      lacking: number of labelled examples that lack a column of the label, by the column.
      present: declared features of which an example has a value.
    """

    split: str
    examples: int = 0
    faults: dict[Fault, Seen] = dataclasses.field(default_factory=dict)
    kinds: dict[str, dict[str, Seen]] = dataclasses.field(default_factory=dict)
    labels: dict[str, int] = dataclasses.field(default_factory=dict)
    unlabelled: int = 0
    lacking: dict[str, int] = dataclasses.field(default_factory=dict)
    present: set[str] = dataclasses.field(default_factory=set)

    def take(self, example: tf.train.Example, place: str, declaration: Declaration) -> None:
        """Counts an example. Turns its integers into floats if the task declares a number, and whole floats likewise.

        Args:
          example: the example; it is changed in place.
          place: file and line, or record, for messages.
          declaration: what the task declares.
        """
        self.examples += 1
        features, lacking = example.features.feature, []
        for name, feature in features.items():
            if name not in declaration:
                kinds = self.kinds.setdefault(name, {})
                _add(kinds, _KINDS.get(feature.WhichOneof("kind"), ""), place)
        for name, declared in declaration.items():
            feature = features.get(name)
            values = _values(feature)
            if not values:
                lacking += [name] if declared.label else []
                continue
            self.present.add(name)
            for fault in _faults(name, declared, feature, values):
                _add(self.faults, fault, place)
            if declared.classes:
                text = label_key(declaration, name, _label_text(values[0]))
                if text in self.labels or len(self.labels) <= _most_values(declaration):
                    self.labels[text] = self.labels.get(text, 0) + 1
        if len(lacking) == sum(one.label for one in declaration.values()):
            self.unlabelled += bool(lacking)
        else:
            for name in lacking:
                self.lacking[name] = self.lacking.get(name, 0) + 1

    def take_columns(
        self, places: Sequence[str], found: Mapping[str, OneValued], declaration: Declaration
    ) -> bool:
        """Counts examples as `take` does, if none of them has a fault or a value to be converted.

        Args:
          places: file and line of each example.
          found: columns by name.
          declaration: what the task declares.

        Returns:
          Whether they were counted. If not, nothing has changed, and `take` must take each one.
        """
        if not all(_sound(name, declared, found.get(name)) for name, declared in declaration.items()):
            return False
        self.examples += len(places)
        first = min(places)
        for name, column in found.items():
            if len(column.values) and name not in declaration:
                place = first if column.rows is None else min(map(places.__getitem__, column.rows))
                _add(self.kinds.setdefault(name, {}), column.kind, place, len(column.values))
        for name in declaration.keys() & found.keys():
            if len(found[name].values):
                self.present.add(name)
            if declaration[name].classes:
                for value, count in collections.Counter(found[name].values).items():
                    text = label_key(declaration, name, _label_text(value))
                    self.labels[text] = self.labels.get(text, 0) + count
        self._count_gaps(len(places), found, [name for name, one in declaration.items() if one.label])
        return True

    def _count_gaps(self, examples: int, found: Mapping[str, OneValued], labels: Sequence[str]) -> None:
        every = set(range(examples))
        gaps = {name: every.difference(_rows(found.get(name), examples)) for name in labels}
        unlabelled = set.intersection(*gaps.values()) if gaps else set()
        self.unlabelled += len(unlabelled)
        for name, lacking in gaps.items():
            if len(lacking) > len(unlabelled):
                self.lacking[name] = self.lacking.get(name, 0) + len(lacking) - len(unlabelled)


def merge(parts: Iterable[tuple[SplitSummary, ...]]) -> tuple[SplitSummary, ...]:
    """Merges summaries by split. The order and grouping of the parts do not matter."""
    merged: dict[str, SplitSummary] = {}
    for one in (summary for part in parts for summary in part):
        known = merged.setdefault(one.split, SplitSummary(one.split))
        known.examples += one.examples
        known.unlabelled += one.unlabelled
        known.present |= one.present
        _merge(known.faults, one.faults)
        for name, kinds in one.kinds.items():
            _merge(known.kinds.setdefault(name, {}), kinds)
        for into, counts in ((known.labels, one.labels), (known.lacking, one.lacking)):
            for value, count in counts.items():
                into[value] = into.get(value, 0) + count
    return tuple(merged[split] for split in sorted(merged))


def assert_sound(summaries: Iterable[SplitSummary]) -> None:
    """Raises a DataError that names each fault by split and feature, if any example has a fault."""
    summaries = tuple(summaries)
    listed = [*_listed_faults(summaries), *_mixed_kinds(summaries), *_misspelt(summaries)]
    if listed:
        shown = "\n".join(f"  - {line}" for line in listed[: 2 * _MOST_FAULTS])
        more = len(listed) - 2 * _MOST_FAULTS
        rest = f"\n  - and {more} more" if more > 0 else ""
        raise DataError(f"the data do not hold what the task declares:\n{shown}{rest}")


def _listed_faults(summaries: Iterable[SplitSummary]) -> Iterator[str]:
    for summary in summaries:
        told: dict[str, int] = {}
        for fault, seen in sorted(summary.faults.items()):
            told[fault.feature] = told.get(fault.feature, 0) + 1
            if told[fault.feature] <= _MOST_FAULTS:
                where = f"split '{summary.split}', feature '{fault.feature}'"
                count = f"{seen.examples} of {summary.examples} examples"
                yield f"{where}: {count} {fault.what} (first in {seen.place}): {fault.remedy}"


def _mixed_kinds(summaries: Iterable[SplitSummary]) -> Iterator[str]:
    whole: dict[str, dict[str, Seen]] = {}
    for summary in summaries:
        for name, kinds in summary.kinds.items():
            _merge(whole.setdefault(name, {}), kinds)
    for name, kinds in sorted(whole.items()):
        holding = {kind: seen for kind, seen in sorted(kinds.items()) if kind}
        if len(holding) > 1:
            found = " and ".join(
                f"{seen.examples} examples hold {kind} ({seen.place})" for kind, seen in holding.items()
            )
            yield f"feature '{name}', which the task does not declare: {found}: write it as one kind, or leave it out"


def _misspelt(summaries: Iterable[SplitSummary]) -> Iterator[str]:
    """Yields a line for each column that seems misspelt in one split only, where no other check would notice it."""
    summaries = tuple(summaries)
    for name in sorted({name for one in summaries for name in one.present}):
        having = [one for one in summaries if name in one.present]
        usual = {column for one in having for column in one.kinds}
        for one in summaries:
            others = sorted(one.kinds.keys() - usual)
            if one.examples and one not in having and (hint := nearest(name, others)):
                yield (
                    f"split '{one.split}', feature '{name}': no example has a value of it, as those of split "
                    f"'{having[0].split}' have, but the split alone has the columns "
                    f"{', '.join(map(repr, others[:_MOST_FAULTS]))}.{hint} Rename the column to '{name}'"
                )


def _rows(column: OneValued | None, examples: int) -> Iterable[int]:
    """Returns which of the examples have a value of a column."""
    if column is None:
        return ()
    return range(examples) if column.rows is None else column.rows


def _sound(name: str, declared: Declared, column: OneValued | None) -> bool:
    """Returns whether no value of a column has a fault or must be converted."""
    if column is None or not len(column.values):
        return True
    if column.kind != _EXPECTED[declared.kind] or declared.size != 1:
        return False
    if column.kind == "FLOAT":
        import numpy as np

        return bool(np.isfinite(column.values).all()) and not declared.classes
    return not declared.classes or not any(
        fault for value in set(column.values) for fault in _undeclared(name, declared, value)
    )


def _faults(name: str, declared: Declared, feature: Any, values: Any) -> Iterator[Fault]:
    kind = _KINDS[feature.WhichOneof("kind")]
    if kind == "INT" and declared.kind == "number":
        numbers = [float(value) for value in values]
        feature.float_list.value[:] = numbers
        kind, values = "FLOAT", numbers
    if kind == "FLOAT" and declared.kind == "integer" and all(map(columns.is_whole, values)):
        # Programs write whole numbers as 7.0 if one number of the column is missing.
        integers = [int(value) for value in values]
        feature.int64_list.value[:] = integers
        kind, values = "INT", integers
    if kind != _EXPECTED[declared.kind]:
        yield Fault(
            name,
            f"hold {kind}, such as {_shown(values[0])}, but the task declares the feature as {declared.kind}",
            "correct the data, or the kind that the task declares",
        )
        return
    if len(values) != declared.size:
        wanted = "one value" if declared.size == 1 else f"{declared.size} values"
        yield Fault(
            name,
            f"hold {len(values)} values, but the task declares {wanted}",
            "correct the data, or the shape that the task declares",
        )
    # In float64, a sum of float32 values is finite exactly if each value is finite.
    if kind == "FLOAT" and not math.isfinite(sum(values)):
        odd = next(value for value in values if not math.isfinite(value))
        yield Fault(
            name,
            f"hold {'NaN' if math.isnan(odd) else 'an infinite value'}",
            "leave the value out where it is missing (in CSV: an empty field), and give the Feature a default, which a "
            "Table does; or correct the data",
        )
    if declared.classes:
        yield from _undeclared(name, declared, values[0])


def _undeclared(name: str, declared: Declared, value: Any) -> Iterator[Fault]:
    text = _label_text(value)
    if declared.kind == "text":
        if text not in declared.classes:
            known = ", ".join(repr(one) for one in declared.classes[:_MOST_FAULTS])
            yield Fault(
                name,
                f"hold the label {_shown(value)}, which the task does not declare",
                f"declared are {known}{' …' if len(declared.classes) > _MOST_FAULTS else ''}."
                f"{nearest(text, declared.classes)} Correct the data, or the classes; an example without a label "
                "leaves the feature out",
            )
    elif declared.classes == _YES_OR_NO and value not in (0, 1):
        yield Fault(
            name,
            f"hold the label {value}, which is neither 0 nor 1",
            "correct the data; an example without a label leaves the feature out",
        )
    elif not 0 <= value < len(declared.classes):
        yield Fault(
            name,
            f"hold the label {value}, which the task does not declare",
            f"classes count from 0, and the last is {len(declared.classes) - 1} ('{declared.classes[-1]}'). Correct "
            "the data, or the classes; an example without a label leaves the feature out",
        )


def _most_values(declaration: Declaration) -> int:
    """Returns how many different values of the label are counted at most. More values than that are faults."""
    return sum(len(one.classes) for one in declaration.values()) + _MOST_FAULTS


def _values(feature: Any) -> Any:
    kind = feature.WhichOneof("kind") if feature is not None else None
    return getattr(feature, kind).value if kind else ()


def _label_text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _shown(value: Any) -> str:
    text = repr(_label_text(value)) if isinstance(value, bytes) else str(value)
    return text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS]}…"


def _add(seen: dict[Any, Seen], key: Any, place: str, examples: int = 1) -> None:
    known = seen.get(key)
    if known is not None:
        seen[key] = Seen(known.examples + examples, min(known.place, place))
    elif len(seen) < 1000:  # noqa: PLR2004, labels of as many kinds as there are examples
        seen[key] = Seen(examples, place)


def _merge(into: dict[Any, Seen], part: Mapping[Any, Seen]) -> None:
    for key, seen in part.items():
        known = into.get(key)
        into[key] = Seen(known.examples + seen.examples, min(known.place, seen.place)) if known else seen
