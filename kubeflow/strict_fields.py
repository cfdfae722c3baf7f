"""Parses what was compiled by the rules of the API server, before anybody uploads it.

A field that KFP does not know makes a pipeline no pipeline ("unknown template format"), a field of a container
without effect, and a platform document vanish; it says in none of these cases where. What is compiled must serve each
release, so it is parsed with the fields of each.
"""

from __future__ import annotations

from limbeck.kubeflow.simulate.upload.strict import FieldError, Parser
from limbeck.kubeflow.simulate.versions import NAMES, rules
from limbeck.kubeflow.specification import Spec


def assert_fields(spec: Spec, platform: Spec | None) -> None:
    """Checks a pipeline spec and its platform document.

    Raises:
      ValueError: where a release does not know a field, or an entry has the name of no executor: that is our mistake.
    """
    for release in NAMES:
        parser = Parser(rules(release).number[1])
        try:
            parser.message("PipelineSpec", spec)
            deployment = parser.message("Deployment", spec["deploymentSpec"], "deploymentSpec")
            if platform is not None:
                _assert_platform(parser, platform, deployment)
        except FieldError as error:
            raise ValueError(f"Kubeflow Pipelines {release} would refuse what was compiled: {error}") from None


def _assert_platform(parser: Parser, platform: Spec, deployment: Spec) -> None:
    entries = parser.message("PlatformSpec", platform)["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for label, entry in entries.items():
        parser.message("KubernetesExecutor", entry, f"platform document, {label}")
        if label not in deployment["executors"]:
            raise FieldError(f"the platform document has an entry of {label}, which is no executor")
