"""Reads the state of pods and jobs from their JSON. All functions are pure."""

from __future__ import annotations

from typing import Any

from limbeck.launchers.kubernetes.pod_template import CONTAINER
from limbeck.launchers.kubernetes.resources import Object

# Kubernetes reports a death by signal as a shell does.
_BY_SIGNAL = 128
_SIGNALS = 64
# A container with one of these reasons will never start.
_HOPELESS = frozenset({"InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError"})
# The kubelet repeats the pull, and a registry may be available again.
_PULLING = frozenset({"ErrImagePull", "ImagePullBackOff"})


def exit_code(pod: Object) -> int | None:
    """Returns the exit code of a pod's process, minus the number of the signal that killed it; None while it runs."""
    terminated = _state(pod).get("terminated")
    if terminated is not None:
        code = int(terminated["exitCode"])
        return _BY_SIGNAL - code if _BY_SIGNAL < code <= _BY_SIGNAL + _SIGNALS else code
    # If a pod was refused or evicted before its container started, it has no container state.
    return {"Failed": 1, "Succeeded": 0}.get(pod.get("status", {}).get("phase", ""))


def has_started(pod: Object) -> bool:
    """Returns whether the container of a pod runs, or did."""
    return "running" in _state(pod) or exit_code(pod) is not None


def out_of_memory(pod: Object) -> bool:
    """Returns whether the kernel killed the process, because the pod took more memory than its limit."""
    return bool(_state(pod).get("terminated", {}).get("reason") == "OOMKilled")


def disruption(pod: Object) -> str | None:
    """Returns why a pod was pre-empted, evicted or drained, in Kubernetes' words; None if it was not."""
    condition = _condition(pod, "DisruptionTarget")
    if condition is None:
        return None
    said = condition.get("message")
    return f"{condition.get('reason', 'DisruptionTarget')}{f': {said}' if said else ''}"


def is_being_deleted(item: Object) -> bool:
    """Returns whether somebody has asked for the removal of an object."""
    return item["metadata"].get("deletionTimestamp") is not None


def hopeless(pod: Object) -> str | None:
    """Returns why the container of a pod can never start; None if it may."""
    waiting = _state(pod).get("waiting", {})
    return _said(waiting) if waiting.get("reason") in _HOPELESS else None


def pull_failure(pod: Object) -> str | None:
    """Returns why the image of a pod could not be pulled so far; None if it was pulled, or not tried yet."""
    waiting = _state(pod).get("waiting", {})
    return _said(waiting) if waiting.get("reason") in _PULLING else None


def waits_for(pod: Object) -> str:
    """Returns what a pod waits for before it runs, in Kubernetes' words."""
    waiting = _state(pod).get("waiting")
    if waiting:
        return _said(waiting)
    scheduled = _condition(pod, "PodScheduled", status="False")
    return _said(scheduled) if scheduled else "nothing is said about it"


def is_suspended(job: Object) -> bool:
    """Returns whether a queue (or a person) holds a job back."""
    if job["kind"] == "TFJob":
        return bool(job["spec"].get("runPolicy", {}).get("suspend", False))
    return bool(job["spec"].get("suspend", False))


def job_failure(job: Object) -> str | None:
    """Returns why a job has failed, in its controller's words; None if it has not failed."""
    condition = _condition(job, "Failed")
    return _said(condition) if condition else None


def _state(pod: Object) -> dict[str, Any]:
    for status in pod.get("status", {}).get("containerStatuses", ()):
        if status["name"] == CONTAINER:
            return dict(status.get("state", {}))
    return {}


def _condition(item: Object, kind: str, status: str = "True") -> Object | None:
    conditions = item.get("status", {}).get("conditions", ())
    return next((each for each in conditions if each["type"] == kind and each["status"] == status), None)


def _said(status: Object) -> str:
    message = status.get("message")
    return f"{status.get('reason', 'no reason')}{f': {message}' if message else ''}"
