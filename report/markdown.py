"""The verdict in Markdown: models, what distillation did, and what to try next, for a UI that draws Markdown."""

from __future__ import annotations

import re

from limbeck.report import figures
from limbeck.report.advice import advice
from limbeck.report.names import full, ordered
from limbeck.report.schema import Report, measured
from limbeck.report.sections import summary
from limbeck.report.terminal import distillation

# What Markdown takes for its own signs.
_SIGN = re.compile(r"([\\*_`\[\]<>#|~&])")


def render(report: Report) -> str:
    """Returns the text. What others wrote, such as reasons of the gate, stays text."""
    top = summary.view(report)
    parts = [
        f"## {top.mark} {escape(top.headline)}",
        escape(top.sentence),
        _list(top.reasons),
        _models(report),
        _list(distillation(report)),
    ]
    if next_steps := advice(report):
        parts += ["### What to try next", _list(next_steps)]
    return "\n\n".join(part for part in parts if part) + "\n"


def escape(text: str) -> str:
    """Returns a text as Markdown that shows it on one line. Parts between backquotes are code."""
    parts = " ".join(text.split()).split("`")
    if len(parts) % 2 == 0:
        return _SIGN.sub(r"\\\1", "`".join(parts))
    return "`".join(part if index % 2 else _SIGN.sub(r"\\\1", part) for index, part in enumerate(parts))


def _list(texts: tuple[str, ...] | list[str]) -> str:
    return "\n".join(f"- {escape(text)}" for text in texts)


def _models(report: Report) -> str:
    if not report.models:
        return ""
    head = ("model", report.measure.name, "weights", "size", "median latency")
    rows = [
        (
            full(name),
            figures.measured(measured(report, name), report.measure),
            f"{model.parameters:,}",
            figures.size(model.bytes),
            figures.milliseconds(model.latency_ms_p50),
        )
        for name, model in ((name, report.models[name]) for name in ordered(report.models))
    ]
    lines = [head, ("---", "---:", "---:", "---:", "---:"), *rows]
    return "\n".join(f"| {' | '.join(escape(cell) for cell in line)} |" for line in lines)
