"""Parses the arguments and calls a verb. A user's mistake ends here, as one message and exit code 2.

A verb is imported only when it is called: `--help` must not wait for TensorFlow, or for anything else.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from limbeck.cli import exit_codes
from limbeck.errors import UserError

EPILOG = """\
exit codes: 0 done, the student is pushed; 2 a mistake in what was given, anomalies in the data included;
            3 the gate refused the student; 1 our fault; 130 and 143 stopped by a signal

example:    python pipeline.py run --task digits --root runs/digits --set distillation.temperature=4.0
"""


def parser() -> argparse.ArgumentParser:
    """Returns the parser of all verbs."""
    top = argparse.ArgumentParser(
        prog="pipeline.py",
        description="Train a large teacher on many machines, distil it into a small student, prove it, ship it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    run = verbs.add_parser("run", help="run the pipeline on this machine")
    _add_task(run)
    run.add_argument("--root", type=_folder, required=True, metavar="DIR", help="folder that keeps all of the run")
    run.add_argument(
        "--accept-schema",
        action="store_true",
        help="replace the schema and statistics that data are compared with by those of this run's data",
    )
    _add_configuration(run)

    compiling = verbs.add_parser("compile", help="write the pipeline for Kubeflow Pipelines or Vertex AI")
    _add_task(compiling)
    compiling.add_argument("--target", choices=("kubeflow", "vertex"), required=True)
    compiling.add_argument("--output", type=Path, required=True, metavar="FILE")
    compiling.add_argument(
        "--root", type=_given, default=None, metavar="URI", help="artifact store that the pods can reach"
    )
    compiling.add_argument("--image", default="limbeck:0.1.0", help="of every container; holds this program")
    compiling.add_argument(
        "--retries", type=int, default=None, metavar="N", help="short for --set containers.default.retry.count=N"
    )
    _add_configuration(compiling)

    simulating = verbs.add_parser("simulate", help="run a compiled pipeline as KFP or Vertex AI would")
    simulating.add_argument("file", type=Path, metavar="FILE", help="what `compile` wrote")
    simulating.add_argument("--target", choices=("kubeflow", "vertex"), help="default: what the file is for")
    simulating.add_argument("--kfp", default="2.17", metavar="RELEASE", help="2.5, 2.15 or 2.17")
    simulating.add_argument(
        "--parameters", action="append", metavar="JSON", help="of the run; given again: a further run, same cache"
    )
    simulating.add_argument(
        "--root", type=_folder, metavar="DIR", help="folder that keeps bucket, metadata and cache"
    )
    simulating.add_argument("--pipeline-root", default="", metavar="URI", help="where the run's outputs go")
    simulating.add_argument("--name", default="lab", help="display name of the run")
    simulating.add_argument("--trace", type=Path, metavar="FILE", help="write what happened as JSON")
    simulating.add_argument(
        "--fresh",
        action="store_true",
        help="start an interpreter for each step; do not fork one that imported TFX",
    )

    _add_submit(verbs.add_parser("submit", help="run a compiled pipeline on Kubeflow Pipelines or Vertex AI"))

    report = verbs.add_parser("report", help="show a finished run")
    report.add_argument("root", type=_folder, metavar="DIR", help="the --root of the run")

    verbs.add_parser("tasks", help="list the built-in tasks")
    return top


def main(arguments: Sequence[str]) -> int:
    """Runs one verb. Returns the exit code of the process."""
    parsed = parser().parse_args(arguments)
    try:
        verb = importlib.import_module(f"limbeck.cli.{parsed.verb}_verb")
        return int(verb.execute(parsed))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return exit_codes.USER_MISTAKE


def _add_submit(submitting: argparse.ArgumentParser) -> None:
    add = submitting.add_argument
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


def _folder(text: str) -> Path:
    return Path(_given(text))


def _given(text: str) -> str:
    """Refuses an empty text, which a variable of the shell that is not set leaves."""
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def _add_task(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--task",
        required=True,
        metavar="TASK",
        help="a built-in task, a path to a task's .py file or folder, or module:attribute",
    )


def _add_configuration(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--config", type=Path, metavar="FILE", help="YAML file that overrides the task's settings")
    verb.add_argument(
        "--set",
        action="append",
        default=[],
        dest="assignments",
        metavar="KEY=VALUE",
        help="override one setting, such as training.epochs=5; may be given several times",
    )
