"""Declares `simulate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from limbeck.cli.verbs.arguments import folder
from limbeck.cli.verbs.verb import Verb


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the compiled file, the service that is simulated, and the runs."""
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="what `compile` wrote")
    add("--target", choices=("kubeflow", "vertex"), help="default: what the file is for")
    add("--kfp", default="2.17", metavar="RELEASE", help="2.5, 2.15 or 2.17")
    add("--parameters", action="append", metavar="JSON", help="of the run; given again: a further run, same cache")
    add("--root", type=folder, metavar="DIR", help="folder that keeps bucket, metadata and cache")
    add("--pipeline-root", default="", metavar="URI", help="where the run's outputs go")
    add("--name", default="lab", help="display name of the run")
    add("--trace", type=Path, metavar="FILE", help="write what happened as JSON")
    add(
        "--fresh",
        action="store_true",
        help="start an interpreter for each step; do not fork one that imported TFX",
    )


VERB = Verb("simulate", "run a compiled pipeline as KFP or Vertex AI would", declare)
