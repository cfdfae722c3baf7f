"""Turns an answer of the API server into a message for the user. All functions are pure.

The client raises one class for every error, with a status and a page of JSON. The user can correct a missing right, an
exceeded quota or a missing namespace, but cannot find the remedy in this JSON.
"""

from __future__ import annotations

import json

from limbeck.errors import TrainingFailedError, UserError
from limbeck.launchers.kubernetes.resources import Resource

MANIFESTS = "kubeflow/manifests"
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
_INVALID = frozenset({400, 422})


class AlreadyExistsError(Exception):
    """An object with this name exists."""


class GoneError(Exception):
    """The API server no longer knows the version that a watch begins with. The objects must be listed again."""


def message_of(body: str | bytes | None) -> str:
    """Returns the message in the body of an answer: the message of a `Status`, or the whole text."""
    text = body.decode("utf-8", errors="replace") if isinstance(body, bytes) else body or ""
    try:
        status = json.loads(text)
    except json.JSONDecodeError:
        return text.strip()
    return str(status.get("message", text)) if isinstance(status, dict) else text


def refusal(status: int, said: str, verb: str, resource: Resource, namespace: str) -> Exception:
    """Returns the error for an answer that would be the same at a second try.

    Args:
      status: the status of HTTP.
      said: the message of the API server.
      verb: what was tried, as a role names it: `create`.
      resource: what it was tried on.
      namespace: where.
    """
    forbidden = status == _FORBIDDEN
    rules = (
        (
            status == _UNAUTHORIZED,
            f"the API server of Kubernetes does not accept the credentials, or no longer ({said}): log in again, or "
            "give the step a service account",
        ),
        (
            forbidden and "exceeded quota" in said,
            f"the quota of namespace {namespace} has no room for the training ({said}): lower cpu, memory or "
            "accelerators in launcher.kubernetes, lower strategy.workers, or have the quota raised",
        ),
        (
            # The authorizer says: User "x" cannot create resource "jobs".
            forbidden and "cannot" in said,
            f"the service account of this step lacks the right to {verb} {resource.title} in namespace {namespace} "
            f"({said}): a cluster administrator gives it with {MANIFESTS}/training.yaml",
        ),
        (forbidden, f"an admission rule of the cluster refuses the training: {said}"),
        (
            status == _NOT_FOUND and said.startswith("namespaces "),
            f"there is no namespace {namespace} ({said}): give launcher.kubernetes.namespace",
        ),
        (
            status == _NOT_FOUND,
            f"this cluster does not know {resource.title} ({said}): install what serves it, or take "
            "launcher.kubernetes.kind=job",
        ),
        (status in _INVALID, f"the cluster refuses the {resource.kind} as invalid: {said}"),
    )
    sentence = next((sentence for holds, sentence in rules if holds), None)
    if sentence is not None:
        return UserError(sentence)
    return TrainingFailedError(f"the API server answered {verb} {resource.title} with status {status}: {said}")
