"""What a UI draws from the metadata of artifacts: a table of figures, a confusion matrix, a ROC curve.

The keys are those of Kubeflow's own artifact types. A null fails the task in Kubeflow Pipelines after its work, and
Vertex AI accepts at most 200 kB for one artifact. So undefined figures are left out, and if there are too many classes
for a screen, some are counted together. Values that are not finite cannot occur here, because the records that this
module reads refuse them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from limbeck.models import STUDENT
from limbeck.report.findings import Confusion, Findings, Roc
from limbeck.report.gain import gap_shown
from limbeck.report.schema import Report

CLASSES = 50
_NAME = 40


def figures(report: Report, model: str) -> dict[str, float]:
    """Returns the figures of one model by name.

    They are its measure and its loss on the test split, and its costs. For the student, they also have the recovered
    share of the gap to the teacher, if the report shows it.
    """
    known = report.models[model]
    roc = report.findings.roc.get(model) if report.findings else None
    gap = gap_shown(report) if model == STUDENT else None
    found = {
        **known.metrics,
        "roc_auc": roc.area if roc else None,
        "gap_recovered": gap.value if gap else None,
        "weights": known.parameters,
        "bytes": known.bytes,
        "latency_ms_p50": known.latency_ms_p50,
        "latency_ms_p99": known.latency_ms_p99,
        "labelled_test_examples": known.examples,
    }
    return {name: float(value) for name, value in found.items() if value is not None}


def classification(findings: Findings, model: str) -> dict[str, Any]:
    """Returns the metadata of `system.ClassificationMetrics` for one model: its matrix and curve, if there are any."""
    confusion, roc = findings.confusion.get(model), findings.roc.get(model)
    return {
        **({"confusionMatrix": confusion_matrix(confusion)} if confusion else {}),
        **({"confidenceMetrics": confidence_metrics(roc)} if roc else {}),
    }


def confusion_matrix(confusion: Confusion, most: int = CLASSES) -> dict[str, Any]:
    """Returns a confusion matrix in the form of Kubeflow's SDK: a row for each label, a column for each prediction.

    Args:
      confusion: counts.
      most: the largest number of rows. If there are more classes, those with the fewest mistakes share a row and a
        column.
    """
    names, counts = list(confusion.classes), np.asarray(confusion.counts)
    if len(names) > most:
        mistakes = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diag(counts)
        shown = np.sort(np.argsort(-mistakes, kind="stable")[: most - 1])
        # The row of each class. All classes without their own row share the last one.
        rows = np.full(len(names), most - 1)
        rows[shown] = np.arange(most - 1)
        together = np.zeros((most, most), counts.dtype)
        np.add.at(together, (rows[:, np.newaxis], rows[np.newaxis, :]), counts)
        names = [*(names[index] for index in shown), f"{len(names) - len(shown)} other classes"]
        counts = together
    return {
        "annotationSpecs": [{"displayName": _short(name)} for name in names],
        "rows": [{"row": row} for row in counts.tolist()],
    }


def confidence_metrics(roc: Roc) -> list[dict[str, float]]:
    """Returns a ROC curve in the form of Kubeflow's SDK: one object for each threshold."""
    points = zip(roc.thresholds, roc.false_positive_rates, roc.recalls, strict=True)
    return [
        {"confidenceThreshold": threshold, "falsePositiveRate": wrong, "recall": right}
        for threshold, wrong, right in points
    ]


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
