"""`store_session_info`: how KFP tells a launcher to open a bucket. It stands in the metadata of every artifact."""

from __future__ import annotations

import json

from limbeck.kubeflow.simulate.uris import location
from limbeck.kubeflow.simulate.versions import Rules


def session(root: str, rules: Rules) -> str:
    """The text for a pipeline root, where the installation's own object store is the only one configured."""
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
    """The text for an artifact that was imported: the credentials are those of the pod."""
    provider = location(uri).scheme.removesuffix("://")
    return _text(provider, {"fromEnv": "true"})


def _text(provider: str, parameters: dict[str, str]) -> str:
    # In the order of KFP's own struct.
    return json.dumps({"Provider": provider, "Params": dict(sorted(parameters.items()))}, separators=(",", ":"))
