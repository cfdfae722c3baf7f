"""Answers of Google Cloud that are no success, as sentences with a remedy."""

from __future__ import annotations

import re
from typing import Any

from limbeck.errors import UserError
from limbeck.kubeflow.submit.errors import PassingError, ServiceError, UnreachableError

_QUOTA = re.compile(r"quota|limit", re.IGNORECASE)
# There is some left again soon.
_RATE = re.compile(r"per (minute|second)|\brate\b", re.IGNORECASE)
_ROOT = re.compile(r"storage\.(objects|buckets)\.\w+|bucket", re.IGNORECASE)
_ACT_AS = re.compile(r"actAs|act as|iam\.serviceAccounts", re.IGNORECASE)
_DISABLED = re.compile(r"has not been used in project|is disabled|SERVICE_DISABLED", re.IGNORECASE)
_REQUEST = re.compile(r"^[A-Z]+ http\S+: ")
# What urllib3 says of a connection: the reason stands last, in quotes.
_REASON = re.compile(r".*: ([^:]+?)['\")]*$", re.DOTALL)
_LONGEST = 600


def told(error: Any, project: str, region: str, root: str) -> Exception:
    """Returns the error for one of google.api_core, google.auth or requests.

    Args:
      error: what the client raised.
      project: that was asked.
      region: that was asked.
      root: pipeline root of the run.
    """
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth
    from requests import exceptions as http

    text = _REQUEST.sub("", str(getattr(error, "message", None) or error))[:_LONGEST]
    cut = (api.BadGateway, api.GatewayTimeout, http.Timeout, http.ChunkedEncodingError)
    lost = (http.ConnectionError, auth.TransportError)
    if isinstance(error, (api.TooManyRequests, api.ServiceUnavailable, *cut, *lost)) and not _is_quota(
        error, text
    ):
        if isinstance(error, lost):
            reason = _REASON.sub(r"\1", text)
            return UnreachableError(f"Google Cloud cannot be reached: {reason}", reached=True)
        reached = not isinstance(error, (api.TooManyRequests, api.ServiceUnavailable))
        return PassingError(f"Vertex AI gives no answer: {text}", reached=reached)
    if isinstance(error, (auth.GoogleAuthError, api.ClientError)):
        return UserError(_refused(error, text, project, region, root))
    return ServiceError(f"Vertex AI failed: {type(error).__name__}: {text}")


def _is_quota(error: Any, text: str) -> bool:
    from google.api_core import exceptions as api

    return isinstance(error, api.TooManyRequests) and bool(_QUOTA.search(text)) and not _RATE.search(text)


def _refused(error: Any, text: str, project: str, region: str, root: str) -> str:
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth

    if isinstance(error, (auth.GoogleAuthError, api.Unauthorized)):
        return (
            f"Google Cloud takes no credential of yours: {text}. Run `gcloud auth application-default login`, or let "
            "GOOGLE_APPLICATION_CREDENTIALS name the key of a service account"
        )
    if _is_quota(error, text):
        return (
            f"a quota of project {project} in {region} is used up: {text}. Ask for more on the page IAM & Admin > "
            "Quotas of the console, or submit in another --region"
        )
    if isinstance(error, api.Forbidden):
        return _forbidden(text, project, root)
    if isinstance(error, api.NotFound):
        return f"Vertex AI finds no such thing in project {project}, {region}: {text}. Check both"
    if _ROOT.search(text):
        return _unwritable(text, root)
    return f"Vertex AI refuses the request: {text}"


def _forbidden(text: str, project: str, root: str) -> str:
    if _DISABLED.search(text):
        enable = "`gcloud services enable aiplatform.googleapis.com`"
        return f"project {project} does not use Vertex AI yet: {text}. Run {enable}"
    if _ACT_AS.search(text):
        return (
            f"you may not start a run as that service account: {text}. Ask for the role Service Account User on it"
        )
    if _ROOT.search(text):
        return _unwritable(text, root)
    return f"Google Cloud refuses the request in project {project}: {text}. Ask for the role Vertex AI User"


def _unwritable(text: str, root: str) -> str:
    return (
        f"the run may not write below its root {root}: {text}. Give the service account of the run the role Storage "
        "Object User on the bucket, or submit with another --root"
    )
