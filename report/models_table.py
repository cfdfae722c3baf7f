"""The table of the models for the terminal, in a form that fits the window.

If a table is wider than the window, rich cuts it anywhere, also in the middle of a name or a number. So there are three
forms, and the first form that fits is shown: whole names, names that are broken at an underscore, and one line for each
figure.
"""

from __future__ import annotations

from collections.abc import Callable

from rich import box
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from limbeck.counted import counted
from limbeck.report.schema import ModelReport, Report, judged_on, measured


def models_table(report: Report, console: Console) -> RenderableType:
    """Returns what shows the models of a report within the width of a console."""
    for name_of in (str, _broken):
        table = _table(report, name_of)
        if _width(console, table) <= console.width:
            return table
    return _lines(report)


def _width(console: Console, table: Table) -> int:
    """The width that a table needs; a measurement ends at the width of the window otherwise."""
    return Measurement.get(console, console.options.update(max_width=10_000), table).maximum


def _broken(name: str) -> str:
    """A model's name in two lines at most: what it is, and what it learned from."""
    return name.replace("student_", "student_\n")


def _title(report: Report) -> str:
    examples = judged_on(report)
    over = "" if examples is None else f", {counted(examples, 'labelled example')}"
    return f"task {report.task}, test split{over}"


def _figures(report: Report, name: str, model: ModelReport) -> dict[str, str]:
    value = measured(report, name)
    return {
        report.measure.name: "undefined" if value is None else report.measure.text(value),
        "weights": f"{model.parameters:,}",
        "bytes": f"{model.bytes:,}",
        "p50 ms": f"{model.latency_ms_p50:.3f}",
        "p99 ms": f"{model.latency_ms_p99:.3f}",
    }


def _table(report: Report, name_of: Callable[[str], str]) -> Table:
    title = Text(_title(report), style="table.title")
    table = Table(title=title, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    table.add_column("model", no_wrap=True)
    rows = {name: _figures(report, name, model) for name, model in report.models.items()}
    for heading in next(iter(rows.values()), {}):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, figures in rows.items():
        table.add_row(Text(name_of(name)), *figures.values())
    return table


def _lines(report: Report) -> Text:
    text = Text(_title(report))
    for name, model in report.models.items():
        text.append(f"\n{name}")
        for heading, figure in _figures(report, name, model).items():
            text.append(f"\n  {heading} {figure}")
    return text
