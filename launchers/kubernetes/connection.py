"""Reaches the API server, and finds the pod in which this process runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from limbeck.errors import ConfigError
from limbeck.launchers.kubernetes.api import Api
from limbeck.launchers.kubernetes.own_pod import POD_NAME
from limbeck.launchers.kubernetes.resources import POD, Object

_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def connect(namespace: str | None, namespace_file: Path = _NAMESPACE_FILE) -> tuple[Api, str]:
    """Returns the API for a namespace, and the namespace of this process.

    Args:
      namespace: namespace of the training; None takes the namespace of this process.
      namespace_file: the file in which a pod finds its namespace.

    Raises:
      ConfigError: if this process runs neither in a pod with a service account, nor with a kubeconfig.
    """
    from kubernetes import client, config

    configuration = client.Configuration()
    # `Api` repeats requests, and knows for how long.
    configuration.retries = False
    here = namespace_file.read_text(encoding="utf-8").strip() if namespace_file.exists() else None
    try:
        if here is not None:
            config.load_incluster_config(client_configuration=configuration)
        else:
            file = os.environ.get("KUBECONFIG")
            config.load_kube_config(config_file=file, client_configuration=configuration)
            _, context = config.list_kube_config_contexts(config_file=file)
            here = context["context"].get("namespace", "default")
    except config.ConfigException as error:
        raise ConfigError(
            f"launcher.name=kubernetes needs a cluster, and none is known here ({error}): run in a pod with a service "
            "account, or give a kubeconfig (KUBECONFIG)"
        ) from None
    return Api(client.ApiClient(configuration), namespace or here), here


def own_pod(api: Api, environment: Mapping[str, str]) -> Object | None:
    """Returns this process's pod if the environment names it and it is in the API's namespace; otherwise None."""
    name = environment.get(POD_NAME)
    return api.get(POD, name) if name else None
