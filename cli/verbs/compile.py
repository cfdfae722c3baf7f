"""Declares `compile`."""

from __future__ import annotations

import argparse
from pathlib import Path

from limbeck.cli.verbs.arguments import add_configuration, add_task, given
from limbeck.cli.verbs.verb import Verb


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the task, the service, the file and the settings."""
    add_task(parser)
    parser.add_argument("--target", choices=("kubeflow", "vertex"), required=True)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--root", type=given, default=None, metavar="URI", help="artifact store that the pods can reach"
    )
    parser.add_argument("--image", default="limbeck:0.1.0", help="of every container; holds this program")
    parser.add_argument(
        "--retries", type=int, default=None, metavar="N", help="short for --set containers.default.retry.count=N"
    )
    add_configuration(parser)


VERB = Verb("compile", "write the pipeline for Kubeflow Pipelines or Vertex AI", declare)
