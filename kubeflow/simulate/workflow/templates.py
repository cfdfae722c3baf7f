"""The templates that every workflow of KFP shares: driver, executor, importer.

Times, users and resource limits of these pods have no effect here. They are in the workflow nevertheless, because a
compile step that reproduces the whole document is more credible.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from limbeck.kubeflow.simulate.workflow.compilation import Template
from limbeck.kubeflow.simulate.workflow.placeholders import given, output_path

DRIVER_IMAGE = "ghcr.io/kubeflow/kfp-driver:latest"
LAUNCHER_IMAGE = "ghcr.io/kubeflow/kfp-launcher:latest"
_WORKSPACE = "kfp-workspace"
_DOMAIN = "svc.cluster.local"
SECCOMP = {"type": "RuntimeDefault"}
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": SECCOMP,
}
_POD = {"runAsNonRoot": True, "seccompProfile": SECCOMP}
POD_ENVIRONMENT = [
    {"name": "KFP_POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    {"name": "KFP_POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
]
METADATA_ENVIRONMENT = [{"configMapRef": {"name": "metadata-grpc-configmap", "optional": True}}]
_RESOURCES = {"limits": {"cpu": "500m", "memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "64Mi"}}


def container_driver(pipeline: str, run: str, name: str) -> Template:
    """Returns the driver of a container's task."""
    arguments = {
        "type": "CONTAINER",
        **_run(pipeline, run, name),
        "component": given("component"),
        "task": given("task"),
        "task_name": given("task-name"),
        "container": given("container"),
        "iteration_index": given("iteration-index"),
        "cached_decision_path": output_path("cached-decision"),
        "pod_spec_patch_path": output_path("pod-spec-patch"),
        "condition_path": output_path("condition"),
        "kubernetes_config": given("kubernetes-config"),
        **_servers(),
    }
    outputs = [
        _output("pod-spec-patch", ""),
        {"name": "cached-decision", "default": "false", **_output("cached-decision", "false")},
        _output("condition", "true"),
    ]
    inputs = [
        *({"name": each} for each in ("component", "task", "container", "task-name", "parent-dag-id")),
        {"name": "iteration-index", "default": "-1"},
        {"name": "kubernetes-config", "default": ""},
    ]
    return _driver("system-container-driver", inputs, outputs, arguments, environment=True)


def dag_driver(pipeline: str, run: str, name: str) -> Template:
    """Returns the driver of a DAG, or of the root."""
    arguments = {
        "type": given("driver-type"),
        **_run(pipeline, run, name),
        "component": given("component"),
        "task": given("task"),
        "task_name": given("task-name"),
        "runtime_config": given("runtime-config"),
        "iteration_index": given("iteration-index"),
        "execution_id_path": output_path("execution-id"),
        "iteration_count_path": output_path("iteration-count"),
        "condition_path": output_path("condition"),
        **_servers(),
    }
    defaults = {"runtime-config": "", "task": "", "task-name": "", "parent-dag-id": "0", "iteration-index": "-1"}
    inputs = [
        {"name": "component"},
        *({"name": each, "default": default} for each, default in defaults.items()),
        {"name": "driver-type", "default": "DAG"},
    ]
    outputs = [_output("execution-id", None), _output("iteration-count", "0"), _output("condition", "true")]
    return _driver("system-dag-driver", inputs, outputs, arguments, environment=False)


def importer(pipeline: str, run: str, *, workspace: bool) -> Template:
    """Returns the importer: a launcher without a user's container. It may copy files to the run's workspace."""
    arguments = {
        "executor_type": "importer",
        "task_spec": given("task"),
        "component_spec": given("component"),
        "importer_spec": given("importer"),
        "pipeline_name": pipeline,
        "run_id": run,
        "parent_dag_id": given("parent-dag-id"),
        "pod_name": "$(KFP_POD_NAME)",
        "pod_uid": "$(KFP_POD_UID)",
        "mlmd_server_address": f"metadata-grpc-service.kubeflow.{_DOMAIN}",
        "mlmd_server_port": "8080",
    }
    name, volumes = "system-importer", {}
    container: dict[str, Any] = {
        "args": _flags(arguments),
        "command": ["launcher-v2"],
        "env": POD_ENVIRONMENT,
        "envFrom": METADATA_ENVIRONMENT,
        "image": LAUNCHER_IMAGE,
        "name": "",
        "resources": _RESOURCES,
        "securityContext": RESTRICTED,
    }
    inputs = [{"name": each} for each in ("task", "component", "importer", "parent-dag-id")]
    if workspace:
        name += "-workspace"
        container["volumeMounts"] = [{"mountPath": f"/{_WORKSPACE}", "name": _WORKSPACE}]
        claim = {"claimName": f"{{{{workflow.name}}}}-{_WORKSPACE}"}
        volumes = {"volumes": [{"name": _WORKSPACE, "persistentVolumeClaim": claim}]}
    return template(name, inputs, container=container, securityContext=_POD, role="launcher", **volumes)


def dag(name: str, inputs: Sequence[str], tasks: list[Any], parallelism: int = 0) -> Template:
    """Returns a DAG of tasks."""
    limit: dict[str, Any] = {"parallelism": parallelism} if parallelism else {}
    return template(name, [{"name": each} for each in inputs], dag={"tasks": tasks}, **limit)


def template(name: str, inputs: list[Any], role: str = "", **rest: Any) -> Template:
    """Returns a template with the annotations that all templates have."""
    annotations = {"pipelines.kubeflow.org/v2_component": "true", "sidecar.istio.io/inject": "false"}
    if role:
        annotations["pipelines.kubeflow.org/runtime-role"] = role
    return {
        "name": name,
        "inputs": {"parameters": inputs} if inputs else {},
        "outputs": {},
        "metadata": {"annotations": annotations},
        **rest,
    }


def _driver(
    name: str, inputs: list[Any], outputs: list[Any], arguments: dict[str, str], *, environment: bool
) -> Template:
    container = {
        "args": _flags(arguments),
        "command": ["driver"],
        **({"env": POD_ENVIRONMENT} if environment else {}),
        "image": DRIVER_IMAGE,
        "name": "",
        "resources": _RESOURCES,
        "securityContext": RESTRICTED,
    }
    made = template(name, inputs, container=container, securityContext=_POD, role="driver")
    made["outputs"] = {"parameters": outputs}
    return made


def _output(name: str, default: str | None) -> dict[str, Any]:
    value = {"path": f"/tmp/outputs/{name}"}  # noqa: S108  # a path in the pod
    return {"name": name, "valueFrom": value if default is None else {"default": default, **value}}


def _run(pipeline: str, run: str, name: str) -> dict[str, str]:
    return {
        "pipeline_name": pipeline,
        "run_id": run,
        "run_name": "{{workflow.name}}",
        "run_display_name": name,
        "pipeline_job_create_time_utc": "{{workflow.creationTimestamp}}",
        "dag_execution_id": given("parent-dag-id"),
    }


def _servers() -> dict[str, str]:
    return {
        "http_proxy": "",
        "https_proxy": "",
        "no_proxy": "",
        "ml_pipeline_server_address": f"ml-pipeline.kubeflow.{_DOMAIN}",
        "ml_pipeline_server_port": "8887",
        "mlmd_server_address": f"metadata-grpc-service.kubeflow.{_DOMAIN}",
        "mlmd_server_port": "8080",
    }


def _flags(arguments: dict[str, str]) -> list[str]:
    return [word for name, value in arguments.items() for word in (f"--{name}", value)]
