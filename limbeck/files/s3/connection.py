"""Connects to an object store. Endpoint and credentials are those of this process' environment, and of nothing else.

`s3://` follows AWS's rules: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, the token of a Kubernetes service account,
a profile, and `AWS_ENDPOINT_URL_S3` for a store that is not Amazon's.

`minio://` is the store of Kubeflow Pipelines, which is MinIO or SeaweedFS. Its service has the same name in every
cluster. Its credentials are in the secret `mlpipeline-minio-artifact`, but Kubeflow gives them to its own launcher
only: a container has them if they are put into `MINIO_ACCESS_KEY` and `MINIO_SECRET_KEY`.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import urllib.parse
from collections.abc import Mapping
from typing import Any

from limbeck.errors import ConfigError

ENDPOINT, ACCESS_KEY, SECRET_KEY = "MINIO_ENDPOINT", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"
# SeaweedFS uses this name for its service, too, so that programs for MinIO find it.
KUBEFLOW_ENDPOINT = "http://minio-service.kubeflow:9000"
_KUBEFLOW_SECRET = "the secret mlpipeline-minio-artifact holds them as accesskey and secretkey"  # noqa: S105
_CONNECT_SECONDS, _READ_SECONDS = 10, 60
_ATTEMPTS = 5


@dataclasses.dataclass(frozen=True, eq=False)
class Connection:
    """A client, and a description of its endpoint for messages.

    Attributes:
      client: an S3 client of boto3. Threads may share it.
      endpoint: the store's URL, without credentials.
      endpoint_variable: the variable that names another endpoint.
      credentials: where the credentials are looked for, in words.
    """

    client: Any
    endpoint: str
    endpoint_variable: str
    credentials: str


def connect(scheme: str) -> Connection:
    """Returns the connection of this process for `s3` or `minio`. Makes a new one when the environment has changed.

    Raises:
      ConfigError: if the environment holds half of a pair of credentials, or an endpoint that is not a URL.
    """
    variables = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "MINIO_"))}
    # A forked child must not write into the connections of its parent.
    return _connect(scheme, os.getpid(), tuple(sorted(variables.items())))


@functools.lru_cache(maxsize=8)
def _connect(scheme: str, _process: int, variables: tuple[tuple[str, str], ...]) -> Connection:
    found = dict(variables)
    return _minio(found) if scheme == "minio" else _s3(found)


def _s3(variables: Mapping[str, str]) -> Connection:
    client = _client(variables, "AWS_ENDPOINT_URL_S3")
    return Connection(
        client,
        endpoint=_without_credentials(client.meta.endpoint_url),
        endpoint_variable="AWS_ENDPOINT_URL_S3",
        credentials="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN if they are temporary)",
    )


def _minio(variables: Mapping[str, str]) -> Connection:
    endpoint = variables.get(ENDPOINT) or KUBEFLOW_ENDPOINT
    endpoint = endpoint if "://" in endpoint else f"http://{endpoint}"
    keys: dict[str, Any] = {}
    if ACCESS_KEY in variables or SECRET_KEY in variables:
        keys = {
            "aws_access_key_id": variables.get(ACCESS_KEY),
            "aws_secret_access_key": variables.get(SECRET_KEY),
        }
    return Connection(
        _client(variables, ENDPOINT, endpoint_url=endpoint, **keys),
        endpoint=_without_credentials(endpoint),
        endpoint_variable=ENDPOINT,
        credentials=f"{ACCESS_KEY} and {SECRET_KEY} ({_KUBEFLOW_SECRET})",
    )


def _client(variables: Mapping[str, str], endpoint_variable: str, **options: Any) -> Any:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config: dict[str, Any] = {
        "connect_timeout": _CONNECT_SECONDS,
        "read_timeout": _READ_SECONDS,
        # MinIO before 2024 and the stores of other vendors refuse the trailing checksums that boto3 would send.
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    }
    if not variables.keys() & {"AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"}:
        config["retries"] = {"mode": "standard", "total_max_attempts": _ATTEMPTS}
    # boto3 reads only the second of the two, and Kubernetes' webhook for service accounts sets both.
    region = variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION")
    if region is None and "endpoint_url" in options:
        region = "us-east-1"
    try:
        return boto3.session.Session(region_name=region).client("s3", config=Config(**config), **options)
    except BotoCoreError as error:
        raise ConfigError(f"the environment does not name an object store: {error}") from error
    except ValueError:
        # boto3's message contains the whole URL, which may hold a password.
        raise ConfigError(f"{endpoint_variable} must be a URL such as http://minio.example:9000") from None


def _without_credentials(endpoint: str) -> str:
    parts = urllib.parse.urlsplit(endpoint)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
