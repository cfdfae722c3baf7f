"""`report.json` and `report.html`, each written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from cli.report.schema import Report, to_plain
from cli.report.terminal import verdict
from cli.run_folder import RunFolder


def write(report: Report, folder: RunFolder) -> None:
    """Writes both files into the run folder."""
    _replace(folder.report_json, json.dumps(to_plain(report), indent=2) + "\n")
    _replace(folder.report_html, render(report))


def render(report: Report) -> str:
    """The page: one self-contained HTML document."""
    environment = Environment(
        loader=PackageLoader("cli.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.j2")
    return template.render(report=report, plain=to_plain(report), verdict=verdict(report))


def _replace(path: Path, text: str) -> None:
    unfinished = path.with_suffix(path.suffix + ".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)  # noqa: PTH105
