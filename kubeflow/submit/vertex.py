"""Vertex AI as a backend.

`PipelineJob.submit` makes a missing bucket without a question, so that a misspelt root becomes a bucket. Here the job
that aiplatform builds is created by its own client, and a bucket that is not there is an error. The id of the job is
ours: a request whose answer was lost is made again, and finds the job that it made.
"""

from __future__ import annotations

import datetime
import json
import re
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from limbeck.errors import ConfigError, UserError, nearest
from limbeck.kubeflow.submit.errors import PassingError, ServiceError, UnreachableError
from limbeck.kubeflow.submit.patience import patiently
from limbeck.kubeflow.submit.run import Place, Request, Submitted
from limbeck.kubeflow.submit.vertex_calls import SECONDS, Ask, quietly
from limbeck.kubeflow.submit.vertex_run import VertexRun, page

_BUCKET = re.compile(r"gs://([a-z0-9][-_.a-z0-9]{1,220}[a-z0-9])(/.*)?")
_PROJECT = re.compile(r"[a-z][-a-z0-9:.]{4,}[a-z0-9]|[0-9]+")
_LONGEST_NAME = 100


class Vertex:
    """Submits to one region of one project."""

    def __init__(
        self, place: Place, patience: Callable[..., Any] = patiently, credentials: Any | None = None
    ) -> None:
        """Takes the place.

        Args:
          place: where to submit; its project and region are needed.
          patience: calls a function again after a PassingError.
          credentials: of google.auth; None for Application Default Credentials.

        Raises:
          ConfigError: if the place is that of Kubeflow, or names no project or no region.
        """
        for option, value in (("--namespace", place.namespace), ("--experiment", place.experiment)):
            if value:
                raise ConfigError(f"{option} is Kubeflow's; the file is for Vertex AI: leave it out")
        if place.token_file or place.ca_file:
            raise ConfigError(
                "--token-file and --ca-file are Kubeflow's; Vertex AI takes the credentials of gcloud"
            )
        if not _PROJECT.fullmatch(place.project) or not place.region:
            raise ConfigError(
                "a file for Vertex AI needs --project, the id of a project, and --region, such as us-central1; "
                f"received {place.project or 'no project'}, {place.region or 'no region'}"
            )
        self._place = place
        self._patience = patience
        self._credentials = credentials

    def submit(self, request: Request) -> Submitted:
        """Creates a job, or a schedule."""
        root = request.root or json.loads(request.document.text).get("runtimeConfig", {}).get(
            "gcsOutputDirectory", ""
        )
        bucket = _BUCKET.fullmatch(root)
        if bucket is None:
            raise ConfigError(
                f"--root takes the pipeline root of the run, gs://bucket/folder; received {root or 'none'}"
            )
        with quietly():
            ask = Ask(self._place, root, self._patience)
            ask.once(self._connect)
            ask.patiently(lambda: self._greet(ask, bucket.group(1)))
            job = ask.once(lambda: self._job(request, root))
            if request.schedule is not None:
                return self._scheduled(ask, job, request)
            return self._once(ask, job, request)

    def _connect(self) -> None:
        import google.auth
        from google.cloud import aiplatform
        from google.cloud.aiplatform import constants

        place = self._place
        if self._credentials is None:
            self._credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
        try:
            aiplatform.init(
                project=place.project,
                location=place.region,
                credentials=self._credentials,
                api_endpoint=place.host or None,
                # Passes proxies, and says in words what went wrong.
                api_transport="rest",
            )
        except ValueError:
            known = constants.base.SUPPORTED_REGIONS
            raise ConfigError(
                f"--region: Vertex AI does not work in {place.region}.{nearest(place.region, known)}"
            ) from None

    def _greet(self, ask: Ask, bucket: str) -> None:
        try:
            ask.once(lambda: self._assert_bucket(bucket))
        except UnreachableError as error:
            raise UserError(f"{error}. Check the network, and whether a proxy is needed") from None

    def _job(self, request: Request, root: str) -> Any:
        from google.cloud import aiplatform

        labels = json.loads(request.document.text).get("labels")
        with tempfile.TemporaryDirectory(prefix="submit-") as folder:
            file = Path(folder, "pipeline.json")
            file.write_text(request.document.text, encoding="utf-8")
            return aiplatform.PipelineJob(
                display_name=request.name,
                template_path=str(file),
                job_id=_job_id(request.document.name),
                pipeline_root=root,
                parameter_values=dict(request.parameters),
                # True would also cache what must never be cached.
                enable_caching=None if request.cache else False,
                labels=labels or None,
            )

    def _once(self, ask: Ask, job: Any, request: Request) -> Submitted:
        from google.api_core import exceptions as api

        client, made = job.api_client, job._gca_resource
        if request.service_account:
            made.service_account = request.service_account
        parent = f"projects/{self._place.project}/locations/{self._place.region}"

        def create() -> str:
            try:
                answer = client.create_pipeline_job(
                    parent=parent, pipeline_job=made, pipeline_job_id=job.job_id, timeout=SECONDS
                )
            except api.Conflict:
                # The answer to an earlier attempt was lost; nobody else has this id.
                return f"{parent}/pipelineJobs/{job.job_id}"
            return str(answer.name)

        return VertexRun(ask, client, ask.patiently(create), self._place, request)

    def _scheduled(self, ask: Ask, job: Any, request: Request) -> Submitted:
        from google.cloud import aiplatform

        assert request.schedule is not None  # noqa: S101  # the caller has looked
        cron = request.schedule.vertex
        named = f'display_name="{request.name}"'
        found = ask.patiently(lambda: aiplatform.PipelineJobSchedule.list(filter=named))
        alive = [one for one in found if one._gca_resource.state.name in ("ACTIVE", "PAUSED")]
        if alive:
            raise ConfigError(
                f"there is a schedule {request.name!r} in that project: delete it first "
                f"({page(self._place, 'schedules')}), or give another --run-name"
            )
        schedule = aiplatform.PipelineJobSchedule(pipeline_job=job, display_name=request.name)

        def create() -> None:
            schedule.create(
                cron=cron, service_account=request.service_account or None, create_request_timeout=SECONDS
            )

        try:
            ask.patiently(create, repeatable=False)
        except PassingError as error:
            raise ServiceError(
                f"{error}. Look whether the schedule is there: {page(self._place, 'schedules')}"
            ) from None
        return VertexRun(ask, schedule.api_client, schedule.resource_name, self._place, request)

    def _assert_bucket(self, name: str) -> None:
        from google.api_core import exceptions as api
        from google.cloud.storage import Client as StorageClient

        bucket = StorageClient(project=self._place.project, credentials=self._credentials).bucket(name)
        try:
            if not bucket.exists(timeout=SECONDS, retry=None):
                raise ConfigError(
                    f"--root: there is no bucket {name}. Make it with `gcloud storage buckets create gs://{name} "
                    f"--project={self._place.project} --location={self._place.region}`, or correct the name"
                )
        except api.Forbidden:
            # Who submits need not be let in; the service account of the run must.
            return


def _job_id(pipeline: str) -> str:
    name = re.sub("[^-0-9a-z]+", "-", pipeline.lower()).strip("-")[:_LONGEST_NAME]
    now = datetime.datetime.now(datetime.timezone.utc)
    return f"{name}-{now:%Y%m%d%H%M%S}-{secrets.token_hex(3)}"
