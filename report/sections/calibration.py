"""Section: how well the models' probabilities match their accuracy."""

from __future__ import annotations

import dataclasses

from markupsafe import Markup

from limbeck.report import figures
from limbeck.report.charts.reliability import reliability
from limbeck.report.findings import Reliability
from limbeck.report.names import full, kind, ordered
from limbeck.report.schema import Report

_FAIR = 0.005


@dataclasses.dataclass(frozen=True)
class ReliabilityPanel:
    """One model's diagram, and a sentence on it."""

    name: str
    chart: Markup
    sentence: str


def view(report: Report) -> tuple[ReliabilityPanel, ...]:
    """Returns a panel for each model whose reliability is known."""
    known = report.findings.reliability if report.findings else {}
    return tuple(
        ReliabilityPanel(
            full(name),
            reliability(f"reliability-{index}", kind(name), f"Reliability: {full(name)}", known[name].bins),
            _sentence(known[name]),
        )
        for index, name in enumerate(ordered(known))
        if known[name].bins
    )


def leaning(one: Reliability) -> float:
    """Returns mean confidence minus accuracy: above 0 for an overconfident model."""
    examples = sum(part.examples for part in one.bins)
    return sum(part.examples * (part.confidence - part.accuracy) for part in one.bins) / examples


def _sentence(one: Reliability) -> str:
    error = f"Expected calibration error {figures.percent(one.expected_calibration_error)}"
    lean = leaning(one)
    if abs(lean) < _FAIR:
        return f"{error}; on average as sure as it should be."
    return f"{error}; on average too {'sure' if lean > 0 else 'modest'}."
