"""The API of Kubeflow Pipelines v2, so far as its client uses it, over runs that a test writes.

Bodies are read by the model classes of `kfp_server_api` and by kfp's own messages: a field that these do not know
fails the test. Answers have the form of KFP 2.5 to 2.17: a task's details have neither a pod nor an error.
"""

from __future__ import annotations

import json
import re
from typing import Any

import kfp_server_api
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.kubeflow.submit.loopback import Answer, Asked, Loopback

WORKFLOW = "limbeck-small-x7k2p"
UNKNOWN = "profile-that-is-not-there"


def checked(model: str, body: Any) -> Any:
    """An object of a model class; raises for a field that it does not have."""
    kind = getattr(kfp_server_api, model)
    names = {wire: name for name, wire in kind.attribute_map.items()}
    for key, value in body.items():
        assert key in names, f"{model} has no {key}"
        inner = kind.openapi_types[names[key]]
        if inner.startswith("V2beta1") and isinstance(value, dict):
            checked(inner, value)
    client = kfp_server_api.ApiClient()
    return client.deserialize(type("Response", (), {"data": json.dumps(body)})(), model)


def assert_spec(spec: dict[str, Any]) -> None:
    """Reads the spec as kfp 2.5 does, strictly."""
    bare = spec.get("pipeline_spec", spec)
    json_format.ParseDict(bare, pipeline_spec_pb2.PipelineSpec())
    assert bare["schemaVersion"] == "2.1.0"


def refusal(code: int, message: str, log: str = "") -> dict[str, Any]:
    """An error as grpc-gateway writes one of KFP's."""
    kind = "type.googleapis.com/google.rpc.Status"
    return {"error": log or message, "code": code, "message": log or message} | {
        "details": [{"@type": kind, "code": code, "message": message}]
    }


class KfpServer(Loopback):
    """One installation.

    `looks` are the states of a run's tasks, a step further with each request for it; the last one stays.
    """

    def __init__(self, looks: list[tuple[str, dict[str, str]]], *, multi_user: bool = False) -> None:
        super().__init__(self._route)
        self.looks = looks
        self.multi_user = multi_user
        self.token = ""
        self.experiments: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        self.recurring: list[dict[str, Any]] = []
        self.logs: dict[str, str] = {}
        self.terminated: list[str] = []

    def _route(self, asked: Asked) -> Answer:
        if self.token and asked.headers.get("authorization") != f"Bearer {self.token}":
            return Answer(refusal(16, "Request header error: there is no user identity header."), 401)
        for method, pattern, serve in (
            ("GET", r"/apis/v2beta1/healthz", self._health),
            ("GET", r"/apis/v2beta1/experiments", self._list_experiments),
            ("POST", r"/apis/v2beta1/experiments", self._create_experiment),
            ("GET", r"/apis/v2beta1/runs", self._list_runs),
            ("POST", r"/apis/v2beta1/runs", self._create_run),
            ("GET", r"/apis/v2beta1/runs/([^/:]+)", self._get_run),
            ("POST", r"/apis/v2beta1/runs/([^/:]+):terminate", self._terminate),
            ("GET", r"/apis/v2beta1/recurringruns", self._list_recurring),
            ("POST", r"/apis/v2beta1/recurringruns", self._create_recurring),
            ("GET", r"/apis/v1alpha1/runs/([^/]+)/nodes/([^/]+)/log", self._log),
        ):
            match = re.fullmatch(pattern, asked.path)
            if match is not None and asked.method == method:
                return serve(asked, *match.groups())
        return Answer("404 page not found", 404, "text/plain")

    def _health(self, asked: Asked) -> Answer:
        return Answer({"multi_user": self.multi_user})

    def _named(self, asked: Asked, among: list[dict[str, Any]]) -> list[dict[str, Any]]:
        given = json.loads(asked.query["filter"])
        (predicate,) = given["predicates"]
        assert predicate["operation"] == 1
        # The newest first: ten of the oldest are a page else.
        assert asked.path.endswith("experiments") or asked.query["sort_by"] == "created_at desc"
        assert predicate["key"] == "display_name"
        return [one for one in among if one["display_name"] == predicate["stringValue"]]

    def _list_experiments(self, asked: Asked) -> Answer:
        namespace = asked.query.get("namespace", "")
        if self.multi_user and namespace == UNKNOWN:
            message = f"User 'me@example' is not authorized with reason: (request: namespace:\"{UNKNOWN}\")"
            return Answer(refusal(7, message, f"Failed to list experiments: PermissionDenied: {message}"), 403)
        if self.multi_user and not namespace:
            return Answer(refusal(3, "An experiment cannot have an empty namespace in multi-user mode"), 400)
        return Answer({"experiments": self._named(asked, self.experiments)})

    def _create_experiment(self, asked: Asked) -> Answer:
        checked("V2beta1Experiment", asked.body)
        self.experiments.append({**asked.body, "experiment_id": f"experiment-{len(self.experiments)}"})
        return Answer(self.experiments[-1])

    def _list_runs(self, asked: Asked) -> Answer:
        assert asked.query["experiment_id"] == "experiment-0"
        return Answer({"runs": self._named(asked, self.runs)})

    def _create_run(self, asked: Asked) -> Answer:
        run = checked("V2beta1Run", asked.body)
        assert run.experiment_id == "experiment-0"
        assert_spec(run.pipeline_spec)
        self.runs.append({**asked.body, "run_id": f"run-{len(self.runs)}"})
        return Answer({**self.runs[-1], "state": "PENDING"})

    def _get_run(self, asked: Asked, run: str) -> Answer:
        (kept,) = [one for one in self.runs if one["run_id"] == run]
        state, tasks = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        details = [
            {
                "run_id": run,
                "task_id": f"{number}-{name}",
                "display_name": name,
                "state": task,
                "child_tasks": [{"pod_name": f"{WORKFLOW}-{number}"}],
            }
            for number, (name, task) in enumerate({WORKFLOW: "RUNNING", **tasks}.items(), start=10)
        ]
        return Answer({**kept, "state": state, "run_details": {"task_details": details}})

    def _terminate(self, asked: Asked, run: str) -> Answer:
        self.terminated.append(run)
        self.looks[:] = [("CANCELED", {})]
        return Answer({})

    def _list_recurring(self, asked: Asked) -> Answer:
        return Answer({"recurringRuns": self._named(asked, self.recurring)})

    def _create_recurring(self, asked: Asked) -> Answer:
        run = checked("V2beta1RecurringRun", asked.body)
        assert_spec(run.pipeline_spec)
        self.recurring.append({**asked.body, "recurring_run_id": f"recurring-{len(self.recurring)}"})
        return Answer(self.recurring[-1])

    def _log(self, asked: Asked, run: str, pod: str) -> Answer:
        if pod in self.logs:
            return Answer(self.logs[pod], kind="text/plain")
        # As KFP does it: the status is written before the pod is looked for.
        return Answer({"error_message": f"Failed to read logs for run {run}", "error_details": ""})
