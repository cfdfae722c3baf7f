"""Gives artifacts that a UI displays the type that the UI expects.

TFX writes every type as a schema of its own (`instanceSchema`), with the name as the schema's title. `system.Metrics`,
`system.HTML` and so on are types that Kubeflow Pipelines and Vertex AI have themselves, and they go by `schemaTitle`
and `schemaVersion`, as in what the SDK of Kubeflow Pipelines compiles. Kubeflow Pipelines takes the title from either;
nobody says that Vertex AI does.
"""

from __future__ import annotations

import copy

from limbeck.kubeflow.artifact_types import title_of
from limbeck.kubeflow.specification import Spec

NEEDED_BY = "none of 2.5, 2.15, 2.17; Vertex AI"
DEFECT = "TFX writes no type by its title (compiler_utils.py)"
_DRAWN, _VERSION = "system.", "0.0.1"


def name_drawn_types(spec: Spec) -> Spec:
    """A spec in which the types of `system.` have their title instead of a schema; others stay as they are."""
    spec = copy.deepcopy(spec)
    for component in spec.get("components", {}).values():
        for side in ("inputDefinitions", "outputDefinitions"):
            for definition in component.get(side, {}).get("artifacts", {}).values():
                title = title_of(definition)
                if title.startswith(_DRAWN):
                    definition["artifactType"] = {"schemaTitle": title, "schemaVersion": _VERSION}
    return spec
