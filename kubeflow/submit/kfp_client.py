"""kfp's own client, with what it lacks: time limits, answers that are checked, a token that is read again.

It waits for ever for an answer, takes a login page for a run without id, and asks for health five times, with a
traceback each time. Importing this module imports kfp, which takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import kfp
import kfp_server_api
import urllib3
from kfp.client.token_credentials_base import TokenCredentialsBase
from kfp_server_api.rest import RESTClientObject

from limbeck.errors import ConfigError
from limbeck.kubeflow.submit import kfp_errors
from limbeck.kubeflow.submit.errors import PassingError

# Seconds to connect, and between two parts of an answer.
_LIMITS = (10, 60)
_UNAUTHENTICATED = 401
_AUTHORIZATION = "authorization"


class TokenFile(TokenCredentialsBase):
    """A token that something else keeps fresh; it is read for each request."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def refresh_api_key_hook(self, config: Any) -> None:
        """Puts the token into the configuration. Raises ConfigError if there is none."""
        config.api_key["authorization"] = self.token()

    def token(self) -> str:
        """Returns the token. Raises ConfigError if there is none."""
        try:
            token = self._path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"--token-file must hold a token; {self._path} cannot be read: {error}") from None
        if not token:
            raise ConfigError(f"--token-file must hold a token; {self._path} is empty")
        return token


class _Rest(RESTClientObject):
    """Sends requests with time limits, and raises our errors."""

    def __init__(self, configuration: Any, asked: kfp_errors.Asked, renew: Callable[[], str]) -> None:
        # Whoever calls repeats by himself, and knows what may be repeated.
        configuration.retries = urllib3.Retry(
            connect=0, read=0, status=0, other=0, redirect=3, respect_retry_after_header=False
        )
        super().__init__(configuration)
        self._asked = asked
        self._renew = renew

    def request(self, method: str, url: str, *arguments: Any, **options: Any) -> Any:
        """Returns the response. Its headers are given by name.

        Raises:
          UserError: for a refusal that the user can mend.
          PassingError: for one that may be gone later.
          ServiceError: for a failure of the server.
        """
        options["_request_timeout"] = options.get("_request_timeout") or _LIMITS
        try:
            response = self._renewed(method, url, *arguments, **options)
        except kfp_server_api.ApiException as error:
            if not error.status:
                raise kfp_errors.untrusted(self._asked, str(error.reason)) from None
            after = (error.headers or {}).get("Retry-After", "")
            raise kfp_errors.refused(self._asked, error.status, _text(error.body), after) from None
        except urllib3.exceptions.HTTPError as error:
            raise kfp_errors.unanswered(self._asked, error) from None
        if "html" in (response.getheader("Content-Type") or "").lower():
            raise kfp_errors.no_api(self._asked)
        return response

    def _renewed(self, method: str, url: str, headers: dict[str, str], *arguments: Any, **options: Any) -> Any:
        """Sends the request, and once more with a new token if there is one since."""
        send = super().request
        try:
            return send(method, url, *arguments, headers=headers, **options)
        except kfp_server_api.ApiException as error:
            token = self._renew() if error.status == _UNAUTHENTICATED else ""
            if not token or headers.get(_AUTHORIZATION) == token:
                raise
            return send(method, url, *arguments, headers=headers | {_AUTHORIZATION: token}, **options)


class Client(kfp.Client):
    """kfp's client. Its requests raise UserError, PassingError and ServiceError."""

    def __init__(self, asked: kfp_errors.Asked, token_file: Path | None, ca_file: Path | None) -> None:
        """Connects.

        Args:
          asked: where to, and with what.
          token_file: holds a token; without it kfp looks for credentials by itself.
          ca_file: certificates to check the server's with.
        """
        self._asked = asked
        self._health: Any = None
        super().__init__(
            host=asked.host,
            # Without one, kfp takes that of its own context file.
            **({"namespace": asked.namespace} if asked.namespace else {}),
            credentials=TokenFile(token_file) if token_file else None,
            ssl_ca_cert=str(ca_file) if ca_file else None,
        )
        self.get_kfp_healthz()

    def get_kfp_healthz(self, sleep_duration: int = 0) -> Any:
        """Returns the server's health: asks once, because whoever calls repeats by himself."""
        self._limit()
        if self._health is None:
            self._health = self._healthz_api.get_healthz()
        return self._health

    def log_of(self, run: str, pod: str) -> str:
        """Returns the log of a pod, or "" if it is gone. KFP answers 200 with a JSON document for one that is gone."""
        path = f"/apis/v1alpha1/runs/{run}/nodes/{pod}/log"
        try:
            response = self._api_client.call_api(
                path, "GET", auth_settings=["Bearer"], _preload_content=False, _return_http_data_only=True
            )
            text = _text(response.data)
        except PassingError:
            return ""
        return "" if text.lstrip().startswith('{"error_message"') else text

    @property
    def _api_client(self) -> Any:
        return self._healthz_api.api_client

    def _limit(self) -> None:
        if not isinstance(self._api_client.rest_client, _Rest):
            self._api_client.rest_client = _Rest(self._existing_config, self._asked, self._renew)

    def _renew(self) -> str:
        """Returns what the header of a request holds, with a new token if there may be one; else ""."""
        if self._is_inverse_proxy_host(self._asked.host):
            self._refresh_api_client_token()
        return self._existing_config.get_api_key_with_prefix(_AUTHORIZATION) or ""


def _text(body: Any) -> str:
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
