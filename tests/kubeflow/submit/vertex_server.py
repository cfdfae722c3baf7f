"""The REST API of Vertex AI and what it needs of Google Cloud, so far as aiplatform uses it.

Bodies are read strictly by the messages of `google.cloud.aiplatform_v1`; tokens are those that its own token endpoint
has given out.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.protobuf import json_format

from tests.kubeflow.submit.loopback import Answer, Asked, Loopback

PROJECT, REGION = "some-project", "us-central1"
PARENT = f"/v1/projects/{PROJECT}/locations/{REGION}"


def key_file(folder: Path, url: str) -> Path:
    """The key of a service account whose tokens come from the test's server."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    file = folder / "key.json"
    file.write_text(
        json.dumps(
            {
                "type": "service_account",
                "project_id": PROJECT,
                "private_key_id": "1",
                "private_key": text,
                "client_email": f"submitter@{PROJECT}.iam.gserviceaccount.com",
                "token_uri": f"{url}/token",
            }
        )
    )
    return file


def refusal(status: int, name: str, message: str) -> Answer:
    """An error as Google's APIs write it."""
    return Answer({"error": {"code": status, "message": message, "status": name}}, status)


class VertexServer(Loopback):
    """One project. `looks` are the states of a job and its tasks, as in `KfpServer`."""

    def __init__(self, looks: list[tuple[str, dict[str, Any]]]) -> None:
        super().__init__(self._route)
        self.looks = looks
        self.buckets = {"bucket"}
        self.tokens: list[str] = []
        self.jobs: dict[str, dict[str, Any]] = {}
        self.schedules: list[dict[str, Any]] = []
        self.cancelled: list[str] = []

    def _route(self, asked: Asked) -> Answer:
        if asked.path == "/token":
            self.tokens.append(f"token-{len(self.tokens)}")
            return Answer({"access_token": self.tokens[-1], "expires_in": 3600, "token_type": "Bearer"})
        sent = asked.headers.get("authorization", "").removeprefix("Bearer ")
        # A library may sign a token by itself for one API (RFC 7523); those have three parts.
        assert sent in self.tokens or sent.count(".") == 2, asked.headers
        for method, pattern, serve in (
            ("GET", r"/storage/v1/b/([^/]+)", self._bucket),
            ("POST", rf"{PARENT}/pipelineJobs", self._create),
            ("GET", rf"{PARENT}/pipelineJobs/([^/:]+)", self._get),
            ("POST", rf"{PARENT}/pipelineJobs/([^/:]+):cancel", self._cancel),
            ("GET", rf"{PARENT}/schedules", self._list_schedules),
            ("POST", rf"{PARENT}/schedules", self._create_schedule),
        ):
            match = re.fullmatch(pattern, asked.path)
            if match is not None and asked.method == method:
                return serve(asked, *match.groups())
        return refusal(404, "NOT_FOUND", f"no such path {asked.path}")

    def _bucket(self, asked: Asked, name: str) -> Answer:
        if name not in self.buckets:
            return refusal(404, "NOT_FOUND", "The specified bucket does not exist.")
        return Answer({"kind": "storage#bucket", "name": name})

    def _create(self, asked: Asked) -> Answer:
        from google.cloud import aiplatform_v1

        json_format.ParseDict(asked.body, aiplatform_v1.PipelineJob()._pb)
        identity = asked.query["pipelineJobId"]
        if identity in self.jobs:
            return refusal(409, "ALREADY_EXISTS", f"the job {identity} is there")
        self.jobs[identity] = {**asked.body, "name": f"{PARENT[4:]}/pipelineJobs/{identity}"}
        return Answer({**self.jobs[identity], "state": "PIPELINE_STATE_PENDING"})

    def _get(self, asked: Asked, identity: str) -> Answer:
        state, tasks = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        details = [
            {"taskId": str(number), "taskName": name, **(task if isinstance(task, dict) else {"state": task})}
            for number, (name, task) in enumerate(tasks.items(), start=1)
        ]
        job = {**self.jobs[identity], "state": f"PIPELINE_STATE_{state}", "jobDetail": {"taskDetails": details}}
        if state == "FAILED":
            job["error"] = {"code": 9, "message": "The DAG failed because some tasks failed."}
        return Answer(job)

    def _cancel(self, asked: Asked, identity: str) -> Answer:
        self.cancelled.append(identity)
        return Answer({})

    def _list_schedules(self, asked: Asked) -> Answer:
        name = re.fullmatch(r'display_name="(.*)"', asked.query["filter"])
        assert name is not None
        return Answer({"schedules": [one for one in self.schedules if one["displayName"] == name.group(1)]})

    def _create_schedule(self, asked: Asked) -> Answer:
        from google.cloud import aiplatform_v1

        json_format.ParseDict(asked.body, aiplatform_v1.Schedule()._pb)
        name = f"{PARENT[4:]}/schedules/{len(self.schedules) + 1}"
        self.schedules.append({**asked.body, "name": name, "state": "ACTIVE"})
        return Answer(self.schedules[-1])
