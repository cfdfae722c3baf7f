"""The loss that the student was trained with: the one that a search took, or the one of the settings."""

from __future__ import annotations

from limbeck.report.schema import Report
from limbeck.settings.distillation import DistillationConfig


def distillation(report: Report) -> DistillationConfig:
    """Returns the loss of the student."""
    searched = report.findings.search if report.findings else None
    return report.config.distillation if searched is None else searched.chosen
