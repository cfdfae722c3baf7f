"""Makes a page beside the report: self-contained, without scripts, and without a network.

TFDV and TFMA show their results in notebooks. Their HTML loads scripts from the network, so it shows nothing on a
machine without a network. These pages are plain tables.
"""

from __future__ import annotations

from limbeck.report import figures
from limbeck.report.charts import palette
from limbeck.report.html import environment


def draw(template: str, title: str, task: str, view: object) -> str:
    """Returns a page as HTML.

    Args:
      template: name of the template in `templates/pages/`.
      title: heading of the page.
      task: name of the task.
      view: what the template shows.
    """
    return (
        environment()
        .get_template(f"pages/{template}.html.j2")
        .render(title=title, task=task, view=view, figures=figures, palette=palette.css())
    )
