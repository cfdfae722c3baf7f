"""`simulate`: runs a compiled pipeline as Kubeflow Pipelines or Vertex AI would, on this machine."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from limbeck.cli import exit_codes, vertex_simulation, writable
from limbeck.cli.following import Following
from limbeck.cli.parameters import json_object
from limbeck.errors import ConfigError
from limbeck.kubeflow.simulate.simulation import Outcome, Request, simulate
from limbeck.kubeflow.simulate.versions import rules
from limbeck.kubeflow.simulate.vertex import simulation as vertex
from limbeck.kubeflow.simulate.vertex.job import is_job


def execute(arguments: argparse.Namespace) -> int:
    """Simulates. Raises UserError for a file that KFP refuses. Returns 1 if a run fails."""
    try:
        text = arguments.file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"FILE must be a compiled pipeline; {arguments.file} cannot be read: {why}") from None
    if arguments.trace is not None:
        writable.check_file("--trace", arguments.trace)
    _assert_pipeline(arguments.file, text)
    parameters = [json_object(each) for each in arguments.parameters or ["{}"]]
    if arguments.target == "vertex" or (arguments.target is None and is_job(text)):
        with tempfile.TemporaryDirectory(prefix="simulate-") as temporary:
            folder = arguments.root or Path(temporary)
            job = vertex.Request(text, parameters, folder, arguments.pipeline_root)
            return vertex_simulation.execute(job, arguments.file, arguments.trace)
    with tempfile.TemporaryDirectory(prefix="simulate-") as temporary:
        request = Request(
            text=text,
            rules=rules(arguments.kfp),
            parameters=parameters,
            folder=arguments.root or Path(temporary),
            pipeline_root=arguments.pipeline_root,
            name=arguments.name,
            fresh=arguments.fresh,
        )
        outcomes = simulate(request, lambda warning: print(f"warning: {warning}"), Following)
    if arguments.trace is not None:
        _write(arguments.trace, arguments.file, request.rules.version, outcomes)
    for number, outcome in enumerate(outcomes, start=1):
        _tell(number, outcome)
    for outcome in outcomes:
        if outcome.refusal is not None:
            raise outcome.refusal
    good = all(outcome.history is not None and outcome.history.phase == "Succeeded" for outcome in outcomes)
    return exit_codes.DONE if good else exit_codes.OUR_FAULT


def _assert_pipeline(file: Path, text: str) -> None:
    # KFP's message for any other document names neither the file nor a remedy.
    if not any(key in text for key in ("pipelineInfo", "pipelineSpec")):
        raise ConfigError(
            f"FILE must be a compiled pipeline, but {file} has neither a pipelineInfo nor a pipelineSpec: give a file "
            "that `python pipeline.py compile` wrote"
        )


def _tell(number: int, outcome: Outcome) -> None:
    if outcome.history is None:
        return
    passed_over = [f"{node} ({phase})" for node, phase in outcome.history.skipped]
    if passed_over:
        print(f"not run: {', '.join(passed_over)}")
    print(f"run {number}: {outcome.history.phase}")


def _write(path: Path, file: Path, version: str, outcomes: list[Outcome]) -> None:
    document = {
        "question": f"{file.name}, simulated with the rules of KFP {version}",
        "runs": [outcome.trace for outcome in outcomes],
    }
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
