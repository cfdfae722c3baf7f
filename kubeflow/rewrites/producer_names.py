"""Corrects the name of the task that produces an output parameter.

TFX calls the task `<node>_task`, but the tasks of the spec have the ids of the nodes, so KFP refuses the pipeline with
"unknown producer task". The names of tasks that produce artifacts are correct.
"""

from __future__ import annotations

import copy

from limbeck.kubeflow.specification import Spec, dags

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = "tfx/orchestration/kubeflow/v2/step_builder.py appends '_task' to producer_task"
_SUFFIX = "_task"


def name_producers(spec: Spec) -> Spec:
    """A spec in which `<node>_task` is `<node>`, where there is no task of the longer name."""
    spec = copy.deepcopy(spec)
    for dag in dags(spec):
        for task in dag.values():
            for given in task.get("inputs", {}).get("parameters", {}).values():
                output = given.get("taskOutputParameter", {})
                name = output.get("producerTask", "")
                if name not in dag and name.removesuffix(_SUFFIX) in dag:
                    output["producerTask"] = name.removesuffix(_SUFFIX)
    return spec
