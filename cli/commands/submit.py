"""`submit`: runs a compiled pipeline on Kubeflow Pipelines or Vertex AI, and watches it."""

from __future__ import annotations

import argparse
import datetime
import sys

from limbeck.cli import exit_codes
from limbeck.cli.parameters import json_object
from limbeck.errors import UserError
from limbeck.kubeflow.submit import document, parameters, schedule
from limbeck.kubeflow.submit.backends import BACKENDS
from limbeck.kubeflow.submit.errors import PassingError, ServiceError
from limbeck.kubeflow.submit.run import Backend, Look, Place, Request, Submitted
from limbeck.kubeflow.submit.watch import Watch


def execute(arguments: argparse.Namespace) -> int:
    """Submits, and waits for the end unless told otherwise. Raises UserError for errors that the user can correct."""
    compiled = document.read(arguments.file)
    when = schedule.parse(arguments.schedule) if arguments.schedule is not None else None
    values = parameters.checked(compiled, json_object(arguments.parameters), arguments.assignments)
    place = Place(
        host=(arguments.host or "").rstrip("/"),
        namespace=arguments.namespace or "",
        experiment=arguments.experiment or "",
        token_file=arguments.token_file,
        ca_file=arguments.ca_file,
        project=arguments.project or "",
        region=arguments.region or "",
    )
    backend = BACKENDS[compiled.target](place)
    for warning in compiled.warnings:
        print(f"warning: {warning}")
    request = Request(
        document=compiled,
        name=arguments.run_name or _name(compiled.name, scheduled=when is not None),
        root=arguments.root or "",
        parameters=values,
        cache=not arguments.no_cache,
        service_account=arguments.service_account or "",
        schedule=when,
    )
    if not request.root and compiled.target == "kubeflow":
        print("note: without --root, artifacts go to the pipeline root of the installation")
    try:
        run = _submitted(backend, request)
        if run is None:
            return exit_codes.INTERRUPTED
        print(f"{'scheduled' if when else 'submitted'} {request.name!r}, {run.identity}\n{run.link}")
        if when is not None or arguments.no_wait:
            return exit_codes.DONE
        return _watched(run, cancel=arguments.cancel_on_interrupt)
    except ServiceError as error:
        print(f"error: {error}", file=sys.stderr)
        return exit_codes.OUR_FAULT


def _submitted(backend: Backend, request: Request) -> Submitted | None:
    try:
        return backend.submit(request)
    except KeyboardInterrupt:
        print(f"stopped; look whether {request.name!r} began all the same", file=sys.stderr)
        return None


def _watched(run: Submitted, *, cancel: bool) -> int:
    try:
        return _told(run, Watch(run, _tell).until_the_end())
    except UserError as error:
        raise UserError(f"{error}\nThe run goes on: {run.link}") from None
    except KeyboardInterrupt:
        if not cancel:
            print(f"stopped waiting; the run goes on. To end it, {run.how_to_cancel}")
            return exit_codes.INTERRUPTED
        try:
            run.cancel()
        except PassingError as error:
            raise ServiceError(
                f"the run could not be cancelled: {error}. To end it, {run.how_to_cancel}"
            ) from None
        print("cancelled the run")
        return exit_codes.INTERRUPTED


def _told(run: Submitted, look: Look) -> int:
    print(f"run: {look.state}")
    if look.state == "succeeded":
        return exit_codes.DONE
    if look.message:
        print(f"error: {look.message}", file=sys.stderr)
    failures = run.failures(look) if look.state == "failed" else []
    for failure in failures:
        sentence = failure.sentence or f"it does not say why; its log may: {run.link}"
        print(f"error: {failure.task} failed: {sentence}", file=sys.stderr)
    if not failures and not look.message:
        print(f"error: the run was {look.state}: {run.link}", file=sys.stderr)
    return exit_codes.OUR_FAULT


def _tell(line: str) -> None:
    print(line, flush=True)


def _name(pipeline: str, *, scheduled: bool) -> str:
    """Returns the default name. The name of a schedule contains no time, so that a second schedule is refused."""
    name = pipeline.rsplit("/", 1)[-1]
    now = datetime.datetime.now(datetime.timezone.utc)
    return name if scheduled else f"{name} {now:%Y-%m-%d %H-%M-%S}"
