"""Writes `report.json` and `report.html`. Each is written as a whole or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from limbeck.errors import UserError
from limbeck.report import figures
from limbeck.report.advice import advice
from limbeck.report.charts import palette
from limbeck.report.names import full
from limbeck.report.schema import Report, to_plain
from limbeck.report.sections import (
    calibration,
    compression,
    configuration,
    confusions,
    generations,
    labels,
    learning,
    quality,
    search,
    slices,
    softness,
    summary,
    work,
)


@dataclasses.dataclass(frozen=True)
class PageSection:
    """A part of the page.

    Attributes:
      name: name of its template, and its anchor for the list of contents.
      contents: its name in the list of contents.
      title: its heading.
      view: returns the values that its template shows. The page omits a section whose values are empty.
    """

    name: str
    contents: str
    title: str
    view: Callable[[Report], object]


# What the page is drawn with besides code.
TEMPLATES = Path(__file__).with_name("templates")
SECTIONS = (
    PageSection("quality", "Quality", "Quality and cost", quality.view),
    PageSection("compression", "Compression", "What is in the compressed file", compression.view),
    PageSection("search", "Search", "How the student's loss was chosen", search.view),
    PageSection("generations", "Generations", "Students that taught students", generations.view),
    PageSection("learning", "Learning", "Learning curves", learning.view),
    PageSection("confusions", "Confusions", "What was taken for what", confusions.view),
    PageSection("labels", "Labels", "Label by label", labels.view),
    PageSection("slices", "Slices", "Where the student falls behind", slices.view),
    PageSection("calibration", "Calibration", "Can the probabilities be trusted?", calibration.view),
    PageSection("softness", "Soft targets", "What the soft targets say", softness.view),
    PageSection("work", "Time", "Where the time went", work.view),
    PageSection("advice", "What to try next", "What to try next", advice),
    PageSection("configuration", "Configuration", "Configuration", configuration.view),
)


@dataclasses.dataclass(frozen=True)
class Link:
    """A link to a page in the same folder: its file, and its title."""

    file: str
    title: str


def write(report: Report, data: Path, page: Path, links: Sequence[Link] = ()) -> None:
    """Writes the report as JSON to `data`, and as a page to `page`, which links further pages beside it."""
    replace(data, json.dumps(to_plain(report), indent=2) + "\n")
    replace(page, render(report, links=links))


def render(
    report: Report,
    sections: Sequence[PageSection] = SECTIONS,
    contents: bool = True,
    links: Sequence[Link] = (),
) -> str:
    """Returns the page: one self-contained HTML document.

    Args:
      report: what is shown.
      sections: parts of the page.
      contents: whether it has a list of contents. A page that is shown within another one (`iframe srcdoc`) has no
        address, so the links of the list would lead to the page around it.
      links: pages in the same folder.
    """
    built = [(section, section.view(report)) for section in sections]
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            summary=summary.view(report),
            sections=[(section, view) for section, view in built if view],
            contents=contents,
            links=links,
            figures=figures,
            palette=palette.css(),
        )
    )


def environment() -> Environment:
    """Returns where the templates are, and what they may use."""
    made = Environment(
        loader=PackageLoader("limbeck.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"code": code, "full": full}
    return made


def code(text: str) -> Markup:
    """Returns the text as HTML, with the parts between backquotes as code."""
    parts = re.split(r"`([^`]*)`", text)
    return Markup().join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def replace(path: Path, text: str) -> None:
    """Writes a file as a whole or not at all. Raises UserError if it cannot be written."""
    unfinished = path.with_suffix(path.suffix + ".unfinished")
    try:
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)  # noqa: PTH105
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise UserError(
            f"the report is written to the file {path}, which cannot be written: {error.strerror}; move away what is "
            "there, or make room, and run `report` again"
        ) from None
