"""`store_session_info`: tells a launcher how to open a bucket. It is in the metadata of every artifact."""

from __future__ import annotations

import json

from limbeck.kubeflow.simulate.uris import location
from limbeck.kubeflow.simulate.versions import Rules


def session(root: str, rules: Rules) -> str:
    """Returns the text for a pipeline root. Only the installation's own object store is configured."""
    provider = location(root).scheme.removesuffix("://")
    if provider == "minio":
        parameters = {
            "accessKeyKey": "accesskey",
            "disableSSL": "true",
            "endpoint": rules.default_store,
            "fromEnv": "false",
            "region": "minio",
            "secretKeyKey": "secretkey",
            "secretName": "mlpipeline-minio-artifact",
            **({"maxRetries": "5"} if rules.retries_store else {}),
        }
    else:
        parameters = {"fromEnv": "true"}
    return _text(provider, parameters)


def imported(uri: str) -> str:
    """Returns the text for an imported artifact, which is read with the credentials of the pod."""
    provider = location(uri).scheme.removesuffix("://")
    return _text(provider, {"fromEnv": "true"})


def _text(provider: str, parameters: dict[str, str]) -> str:
    # The order of fields is that of KFP's struct.
    return json.dumps({"Provider": provider, "Params": dict(sorted(parameters.items()))}, separators=(",", ":"))
