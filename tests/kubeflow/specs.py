"""A small pipeline spec, as TFX 1.16 compiles one: ExampleGen with its driver, StatisticsGen behind it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

Spec = dict[str, Any]
RUN_EXECUTOR = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
DRIVER = "tfx.orchestration.kubeflow.v2.file_based_example_gen.driver"
EXAMPLES = {"artifactType": {"instanceSchema": "title: tfx.Examples\ntype: object\n"}}
STATISTICS = {"artifactType": {"instanceSchema": "title: tfx.ExampleStatistics\ntype: object\n"}}
INPUT_CONFIG = json.dumps({"splits": [{"name": "train", "pattern": "train/*"}]})


def text(*names: str) -> dict[str, Any]:
    """Definitions of parameters that are texts."""
    return {name: {"parameterType": "STRING"} for name in names}


def constant(value: Any) -> dict[str, Any]:
    """A value that stands in the spec."""
    return {"runtimeValue": {"constant": value}}


def container(executor: str, inputs: Any) -> dict[str, Any]:
    """As TFX writes it."""
    return {
        "image": "gcr.io/tfx-oss-public/tfx:1.16.0",
        "command": ["python", "-m", RUN_EXECUTOR],
        "args": [
            *("--executor_class_path", executor),
            *("--json_serialized_invocation_args", "{{$}}"),
            *("--json_serialized_inputs_spec_args", json.dumps(inputs, indent=2)),
            "--direct_num_workers=1",
            "--sdk_container_image=none",
        ],
    }


def stock() -> Spec:
    """A spec of one's own each time."""
    numbers = {key: {"parameterType": "NUMBER_INTEGER"} for key in ("output_data_format", "output_file_format")}
    reader = {"parameters": text("input_base", "input_config", "output_config") | numbers}
    statistics = {"artifacts": {"examples": EXAMPLES}, "parameters": text("exclude_splits")}
    return copy.deepcopy(
        {
            "schemaVersion": "2.1.0",
            "sdkVersion": "tfx-1.16.0",
            "pipelineInfo": {"name": "limbeck-small"},
            "root": {
                "dag": {
                    "tasks": {
                        "ExampleGen": {
                            "componentRef": {"name": "ExampleGen"},
                            "taskInfo": {"name": "ExampleGen"},
                            "cachingOptions": {"enableCache": True},
                            "inputs": {
                                "parameters": {
                                    "input_base": constant("gs://bucket/data"),
                                    "input_config": constant(INPUT_CONFIG),
                                    "output_config": constant("{}"),
                                    "output_data_format": constant(6.0),
                                    "output_file_format": constant(5.0),
                                }
                            },
                        },
                        "StatisticsGen": {
                            "componentRef": {"name": "StatisticsGen"},
                            "taskInfo": {"name": "StatisticsGen"},
                            "cachingOptions": {"enableCache": True},
                            "dependentTasks": ["ExampleGen"],
                            "inputs": {
                                "artifacts": {
                                    "examples": {
                                        "taskOutputArtifact": {
                                            "producerTask": "ExampleGen",
                                            "outputArtifactKey": "examples",
                                        }
                                    }
                                },
                                "parameters": {"exclude_splits": constant("[]")},
                            },
                        },
                    }
                }
            },
            "components": {
                "ExampleGen": {
                    "executorLabel": "ExampleGen_executor",
                    "inputDefinitions": reader,
                    "outputDefinitions": {"artifacts": {"examples": EXAMPLES}},
                },
                "StatisticsGen": {
                    "executorLabel": "StatisticsGen_executor",
                    "inputDefinitions": statistics,
                    "outputDefinitions": {"artifacts": {"statistics": STATISTICS}},
                },
            },
            "deploymentSpec": {
                "executors": {
                    "ExampleGen_executor": {
                        "container": {
                            **container("limbeck.components.example_gen.executor.CsvExecutor", reader),
                            "lifecycle": {"preCacheCheck": {"command": ["python", "-m", DRIVER], "args": []}},
                        }
                    },
                    "StatisticsGen_executor": {
                        "container": container("tfx.components.statistics_gen.executor.Executor", statistics)
                    },
                }
            },
        }
    )


def container_of(spec: Spec, node: str) -> Spec:
    """The container of a node."""
    found: Spec = spec["deploymentSpec"]["executors"][f"{node}_executor"]["container"]
    return found


def task_of(spec: Spec, node: str) -> Spec:
    """The task of a node."""
    found: Spec = spec["root"]["dag"]["tasks"][node]
    return found


def changed(rewrite: Callable[[Spec], Spec], before: Spec) -> Spec:
    """What a rewrite makes of a spec; fails where it changes its argument, or changes more the second time."""
    kept = copy.deepcopy(before)
    after = rewrite(before)
    assert before == kept
    assert rewrite(after) == after
    return after
