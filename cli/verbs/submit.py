"""Declares `submit`."""

from __future__ import annotations

import argparse
from pathlib import Path

from limbeck.cli.verbs.verb import Verb


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the compiled file, the service, the run, and what is watched."""
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="what `compile` wrote; it says for which service it is")
    add("--host", metavar="URL", help="of Kubeflow Pipelines; for Vertex AI, an API other than the region's")
    add("--namespace", help="of Kubeflow, where several users share it")
    add("--experiment", metavar="NAME", help="of Kubeflow (default: Default)")
    add("--token-file", type=Path, metavar="FILE", help="token for Kubeflow; read again for each request")
    add("--ca-file", type=Path, metavar="FILE", help="certificates to check that of Kubeflow with")
    add("--project", help="of Google Cloud")
    add("--region", help="of Vertex AI, such as us-central1")
    add("--service-account", metavar="NAME", help="with which the run works")
    add("--root", metavar="URI", help="pipeline root of the run: gs://, s3:// or minio://")
    add("--parameters", default="{}", metavar="JSON", help="of the run")
    add(
        "--set",
        action="append",
        default=[],
        dest="assignments",
        metavar="NAME=VALUE",
        help="one parameter of the run, such as training.epochs=5; may be given several times",
    )
    add("--run-name", metavar="NAME", help="default: the pipeline's name and the time")
    add("--schedule", metavar="CRON", help="five fields in UTC, such as '0 6 * * 1': a run each time, none now")
    add("--no-cache", action="store_true", help="compute all tasks again")
    add("--no-wait", action="store_true", help="do not watch the run")
    add("--cancel-on-interrupt", action="store_true", help="Ctrl-C cancels the run; else it only ends the waiting")


VERB = Verb("submit", "run a compiled pipeline on Kubeflow Pipelines or Vertex AI", declare)
