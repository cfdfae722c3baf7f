"""Kubeflow Pipelines as a backend.

The file itself is run, and not uploaded as a pipeline before: `submit` twice gives two runs, and no list of versions
that nobody asked for. The spec's root is ignored by KFP, so that of the run is passed.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from limbeck.errors import ConfigError, UserError
from limbeck.kubeflow.simulate.upload import documents
from limbeck.kubeflow.simulate.versions import DEFAULT, rules
from limbeck.kubeflow.simulate.workflow.document import NewRun, compile_run
from limbeck.kubeflow.submit import kfp_errors
from limbeck.kubeflow.submit.errors import PassingError, ServiceError, UnreachableError
from limbeck.kubeflow.submit.kubeflow_run import KubeflowRun
from limbeck.kubeflow.submit.patience import patiently
from limbeck.kubeflow.submit.run import Place, Request, Submitted

SCHEMES = ("gs://", "s3://", "minio://")
_DEFAULT_EXPERIMENT = "Default"
_EQUALS = 1
_PAGE = 100


class Kubeflow:
    """Submits to one installation."""

    def __init__(self, place: Place, patience: Callable[..., Any] = patiently) -> None:
        """Takes the place.

        Args:
          place: where to submit; its host is needed.
          patience: calls a function again after a PassingError.

        Raises:
          ConfigError: if the place is that of Vertex AI, or has no host.
        """
        if place.project or place.region:
            raise ConfigError(
                "--project and --region are those of Vertex AI; the file is for Kubeflow: give --host"
            )
        if not place.host.startswith(("http://", "https://")):
            received = f", received {place.host!r}" if place.host else ""
            raise ConfigError(
                "a file for Kubeflow needs --host, the URL of Kubeflow Pipelines, such as http://localhost:8080"
                f"{received}"
            )
        for option, file in (("--token-file", place.token_file), ("--ca-file", place.ca_file)):
            if file is not None and not file.is_file():
                raise ConfigError(f"{option} takes a file, but {file} is none")
        self._place = place
        self._patience = patience

    def submit(self, request: Request) -> Submitted:
        """Creates a run, or a recurring run."""
        accepted = request.document.accepted
        if accepted is None:
            raise ConfigError("the file is for Vertex AI: compile it for target kubeflow")
        _assert_root(request.root)
        # Refuses what Argo and Kubernetes would refuse, by messages that do not name the cause.
        new = NewRun("run", request.name, datetime.datetime.now(datetime.timezone.utc), request.root)
        compile_run(accepted, dict(request.parameters), new, rules(DEFAULT))
        client = self._connect()
        with _file_of(request.document.text) as file, _quietly():
            name = self._place.experiment or _DEFAULT_EXPERIMENT
            namespace = self._place.namespace or None
            experiment = self._patience(lambda: client.create_experiment(name, namespace=namespace)).experiment_id
            create = self._recurring if request.schedule else self._once
            identity = create(client, experiment, request, file)
        return KubeflowRun(client, self._place.host.rstrip("/"), identity, request, accepted)

    def _connect(self) -> Any:
        # kfp and its libraries warn of their own future when they are imported.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from limbeck.kubeflow.submit.kfp_client import Client

            place = self._place
            asked = kfp_errors.Asked(place.host.rstrip("/"), place.namespace, place.token_file is not None)
            return self._patience(lambda: _connected(Client, asked, place))

    def _once(self, client: Any, experiment: str, request: Request, file: Path) -> str:
        named = _newest(experiment, request.name)
        before = {run.run_id for run in self._patience(lambda: client.list_runs(**named)).runs or []}
        create = lambda: client.run_pipeline(experiment, request.name, **_common(request, file))  # noqa: E731
        try:
            return str(self._patience(create, repeatable=False).run_id)
        except PassingError as error:
            # The answer was lost: the run may be there.
            runs = self._patience(lambda: client.list_runs(**named)).runs or []
            found = [run.run_id for run in runs if run.run_id not in before]
            if len(found) == 1:
                return str(found[0])
            if found:
                raise ServiceError(
                    f"several runs named {request.name!r} began just now: {', '.join(found)}"
                ) from None
            raise ServiceError(f"{error}. No run was created: submit again") from None

    def _recurring(self, client: Any, experiment: str, request: Request, file: Path) -> str:
        named = _newest(experiment, request.name)
        found = self._patience(lambda: client.list_recurring_runs(**named)).recurring_runs or []
        if found:
            raise ConfigError(
                f"there is a recurring run {request.name!r} in that experiment: delete it first "
                f"({self._place.host.rstrip('/')}/#/recurringrun/details/{found[0].recurring_run_id}), or give another "
                "--run-name"
            )
        assert request.schedule is not None  # noqa: S101  # the caller has looked
        schedule = request.schedule.kubeflow
        try:
            made = self._patience(
                lambda: client.create_recurring_run(
                    experiment,
                    request.name,
                    cron_expression=schedule,
                    no_catchup=True,
                    **_common(request, file),
                ),
                repeatable=False,
            )
        except PassingError as error:
            found = self._patience(lambda: client.list_recurring_runs(**named)).recurring_runs or []
            if not found:
                raise ServiceError(f"{error}. No recurring run was created: submit again") from None
            made = found[0]
        return str(made.recurring_run_id)


def _connected(client: Callable[..., Any], asked: kfp_errors.Asked, place: Place) -> Any:
    try:
        return client(asked, place.token_file, place.ca_file)
    except UnreachableError as error:
        raise UserError(f"{error}. Check --host, and whether a port-forward or VPN is needed") from None


def _common(request: Request, file: Path) -> dict[str, Any]:
    return {
        "pipeline_package_path": str(file),
        "params": dict(request.parameters),
        "pipeline_root": request.root or None,
        # True would also cache what must never be cached.
        "enable_caching": None if request.cache else False,
        "service_account": request.service_account or None,
    }


def _newest(experiment: str, name: str) -> dict[str, Any]:
    """Asks for the newest runs of that name; a page holds ten otherwise, the oldest first."""
    named = {"predicates": [{"operation": _EQUALS, "key": "display_name", "stringValue": name}]}
    return {
        "experiment_id": experiment,
        "filter": json.dumps(named),
        "sort_by": "created_at desc",
        "page_size": _PAGE,
    }


def _assert_root(root: str) -> None:
    scheme = next((each for each in SCHEMES if root.startswith(each)), None)
    if root and (scheme is None or not root[len(scheme) :].strip("/")):
        raise ConfigError(
            f"--root takes the pipeline root of the run: gs://bucket/folder, s3://bucket/folder or "
            f"minio://bucket/folder; received {root}"
        )


@contextlib.contextmanager
def _file_of(text: str) -> Iterator[Path]:
    """The compiled file as kfp reads it: named `.yaml`, the pipeline first, then the platform's part, nothing else.

    kfp takes the first document for the pipeline, and reads 1e-05 as a text; KFP's server does neither.
    """
    found = documents.read(text)
    kept = [one for key in ("pipelineInfo", "platforms") for one in found if key in one]
    with tempfile.TemporaryDirectory(prefix="submit-") as folder:
        file = Path(folder, "pipeline.yaml")
        file.write_text(yaml.safe_dump_all(kept), encoding="utf-8")
        yield file


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """kfp prints links without host."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
