"""Decides whether models may be trained on data. Compares the data with accepted data, and splits with each other."""

from __future__ import annotations

import dataclasses
from typing import Any

from limbeck.components.anomaly_stop.accepted import Span
from limbeck.components.anomaly_stop.declared import deprecated
from limbeck.components.anomaly_stop.difference import schema_difference
from limbeck.components.anomaly_stop.distances import FEWEST_VALUES, Distance, distances
from limbeck.examples import TRAIN
from limbeck.settings.drift import DriftConfig
from limbeck.task import Task


@dataclasses.dataclass(frozen=True)
class DataCheck:
    """What to do with the data of a run.

    Attributes:
      changes: how the data differ from the accepted data. The user can accept the changes.
      faults: what is wrong with the data, regardless of the accepted data.
      notes: what the user should know, although it does not stop the run.
      accepted: what later data are compared with, if the run is not stopped.
    """

    changes: tuple[str, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]
    accepted: Span


def check_data(
    task: Task,
    limits: DriftConfig,
    span: Span,
    baseline: Span | None,
    replacing: bool,
    *,
    curated: Any = None,
) -> DataCheck:
    """Compares the data of a run with accepted data, and their splits with each other.

    Args:
      task: the task whose features are compared.
      limits: how much distributions may differ.
      span: the data of the run, with a split `train`.
      baseline: what was accepted before; None on the first run.
      replacing: whether `span` replaces `baseline`, however they differ.
      curated: the task's own `Schema`, which takes the place of the schema of `baseline`; None if it has none.
    """
    faults, skew_note = _skew(task, limits, span)
    accepted = span
    if curated is not None:
        faults = (*_against(curated, span, "the task's schema"), *faults)
        accepted = Span(curated, span.statistics)
    if baseline is None:
        schema = "the schema" if curated is None else "the task's schema"
        kept = f"no baseline: {schema} and the statistics of these data are kept for later runs"
        return DataCheck((), faults, (kept, skew_note), accepted)
    drifted, drift_note = _drift(task, limits, span, baseline)
    if replacing:
        changed = schema_difference(baseline.schema, accepted.schema) or ["no difference"]
        notes = (*(f"accepted schema replaced: {change}" for change in changed), *drifted, drift_note, skew_note)
        return DataCheck((), faults, notes, accepted)
    if curated is not None:
        return DataCheck(drifted, faults, (drift_note, skew_note), accepted)
    hidden = (
        f"feature '{name}': the accepted schema marks it as deprecated, so no data are compared with it"
        for name in deprecated(task, baseline.schema)
    )
    changes = (*hidden, *_against(baseline.schema, span, "the accepted schema"), *drifted)
    return DataCheck(changes, faults, (drift_note, skew_note), Span(baseline.schema, span.statistics))


def listing(split: str, anomalies: Any) -> list[str]:
    """Returns a sentence for each of TFDV's `Anomalies` in a split."""
    found = [f"split '{split}': it holds no examples"] if anomalies.data_missing else []
    if anomalies.HasField("dataset_anomaly_info"):
        found.append(f"split '{split}': {anomalies.dataset_anomaly_info.description}")
    return found + [
        f"split '{split}', feature '{name}': {info.short_description}: {info.description}"
        for name, info in sorted(anomalies.anomaly_info.items())
    ]


def _against(schema: Any, span: Span, name: str) -> list[str]:
    import tensorflow_data_validation as tfdv

    return [
        f"{sentence} (by {name})"
        for split, statistics in span.statistics.items()
        for sentence in listing(split, tfdv.validate_statistics(statistics, schema))
    ]


def _drift(task: Task, limits: DriftConfig, span: Span, baseline: Span) -> tuple[tuple[str, ...], str]:
    """Returns which features have drifted, and a note on what was measured."""
    names = {*_model_features(task), *_visibility(task)}
    found = distances(names, span.schema, span.statistics[TRAIN], baseline.statistics[TRAIN])
    drifted = tuple(
        f"split '{TRAIN}', feature '{one.feature}': drifted from the data accepted last: {one}, "
        f"but drift.threshold allows {limits.threshold}"
        for one in _beyond(limits.threshold, found)
    )
    return drifted, f"drift from the data accepted last: {_largest(found)}"


def _skew(task: Task, limits: DriftConfig, span: Span) -> tuple[tuple[str, ...], str]:
    """Returns which features differ between the splits, and a note on what was measured.

    The feature that says whether the student sees a label may differ, because only the training split needs it.
    """
    train = span.statistics[TRAIN]
    measured = {
        split: distances(_model_features(task), span.schema, statistics, train)
        for split, statistics in span.statistics.items()
        if split != TRAIN
    }
    skewed = tuple(
        f"split '{split}', feature '{one.feature}': skewed against split '{TRAIN}': {one}, "
        f"but drift.skew_threshold allows {limits.skew_threshold}"
        for split, found in measured.items()
        for one in _beyond(limits.skew_threshold, found)
    )
    everything = sorted((one for found in measured.values() for one in found), key=lambda one: -one.value)
    return skewed, f"skew between the splits: {_largest(everything)}"


def _model_features(task: Task) -> set[str]:
    return {feature.name for feature in task.features} | set(task.objective.raw_features)


def _visibility(task: Task) -> set[str]:
    return {task.label.visible_to_student} if task.label.visible_to_student else set()


def _beyond(threshold: float, found: list[Distance]) -> list[Distance]:
    return [one for one in found if one.value > threshold]


def _largest(found: list[Distance]) -> str:
    if not found:
        return f"not measured, no feature has {FEWEST_VALUES} values"
    return f"at most {found[0]} (feature '{found[0].feature}')"
