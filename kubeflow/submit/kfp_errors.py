"""Answers of Kubeflow Pipelines that are no success, as sentences with a remedy."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

from limbeck.errors import UserError
from limbeck.kubeflow.submit.errors import PassingError, ServiceError, UnreachableError

_PASSING = {429, 502, 503, 504}
# The server did not begin with these.
_UNTOUCHED = {429, 503}
_UNAUTHENTICATED, _FORBIDDEN, _NOT_FOUND, _SERVER = 401, 403, 404, 500
_NO_NAMESPACE = re.compile(r'namespaces \\?"([^"\\]*)\\?" not found')
_EMPTY_NAMESPACE = re.compile(r"empty namespace|Namespace is empty|namespace.*multi-user", re.IGNORECASE)
_LONGEST = 600


@dataclasses.dataclass(frozen=True)
class Asked:
    """Whom was asked, and how.

    Attributes:
      host: of Kubeflow Pipelines.
      namespace: of the run; "" if none was given.
      has_token: whether a token file was given.
    """

    host: str
    namespace: str
    has_token: bool


def refused(asked: Asked, status: int, body: str, retry_after: str = "") -> Exception:
    """Returns the error for an HTTP status that is no success."""
    told = _told(body)
    if status in _PASSING:
        seconds = float(retry_after) if retry_after.isdecimal() else None
        message = f"Kubeflow Pipelines answers {status} {told}".rstrip()
        return PassingError(message, seconds, reached=status not in _UNTOUCHED)
    sentence = _mistake(asked, status, told)
    if sentence is not None:
        return UserError(sentence)
    if status >= _SERVER:
        return ServiceError(f"Kubeflow Pipelines failed ({status}): {told or 'it does not say why'}")
    return UserError(f"Kubeflow Pipelines refuses the request ({status}): {told or 'it does not say why'}")


def _mistake(asked: Asked, status: int, told: str) -> str | None:
    """What the user can mend; None if that is not known."""
    missing = _NO_NAMESPACE.search(told)
    sentence = None
    if missing is not None:
        sentence = f"--namespace takes a namespace of the cluster; there is no {missing.group(1)!r}"
    elif status == _UNAUTHENTICATED:
        sentence = _credential(asked)
    elif status == _FORBIDDEN:
        sentence = (
            f"Kubeflow Pipelines refuses the request{_in(asked)}: {told or 'forbidden'}. The namespace is unknown, "
            "misspelt, or not yours: check --namespace and whose token it is, and ask its owner to let you in"
        )
    elif status == _NOT_FOUND and not told:
        sentence = str(no_api(asked))
    elif _EMPTY_NAMESPACE.search(told) and not asked.namespace:
        sentence = "this installation serves several users: give --namespace, the name of your profile"
    return sentence


def unanswered(asked: Asked, error: Any) -> PassingError:
    """Returns the error for a request without an answer.

    Args:
      asked: whom.
      error: of urllib3; one that wraps another counts as that.
    """
    from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

    inner = error.reason if isinstance(error, MaxRetryError) and error.reason is not None else error
    unmade = isinstance(inner, (NewConnectionError, ConnectTimeoutError))
    text = str(inner).rsplit(": ", 1)[-1] if unmade else str(inner)
    kind = UnreachableError if unmade else PassingError
    return kind(f"{asked.host} cannot be reached: {text}", reached=not unmade)


def untrusted(asked: Asked, reason: str) -> UserError:
    """Returns the error for a certificate that cannot be checked."""
    return UserError(
        f"the certificate of {asked.host} cannot be checked: {reason.splitlines()[-1]}. Give the certificates of its "
        "issuer with --ca-file"
    )


def no_api(asked: Asked) -> UserError:
    """Returns the error for something else than the API."""
    remedy = "" if asked.has_token else ", or it is a login page: give a token with --token-file"
    return UserError(
        f"{asked.host} answers with a web page, not as the API of Kubeflow Pipelines v2. --host takes the URL below "
        f"which /apis/v2beta1/healthz lies{remedy}"
    )


def _credential(asked: Asked) -> str:
    if asked.has_token:
        return (
            f"{asked.host} does not take the token (401): it is expired, or for somebody else. Write a new one into "
            "the file of --token-file; it is read again for each request"
        )
    return f"{asked.host} asks for a credential (401): give a token with --token-file"


def _in(asked: Asked) -> str:
    return f" in namespace {asked.namespace!r}" if asked.namespace else ""


def _told(body: str) -> str:
    """The message in an answer: what KFP means for users, which stands in the details, before what is for its log."""
    try:
        answer = json.loads(body)
    except ValueError:
        return "" if "<html" in body.lower() else body.strip()[:_LONGEST]
    if not isinstance(answer, dict):
        return ""
    details = [one.get("message", "") for one in answer.get("details") or [] if isinstance(one, dict)]
    texts = [answer.get("message") or answer.get("error") or "", *details]
    # The longer one names the cause; the other is its last part.
    return max((str(text) for text in texts), key=len)[:_LONGEST]
