"""Moves the work of ExampleGen's driver into a task before it: `DataFingerprint`.

A cache distinguishes inputs by their names. So if data changed below the same path, the examples would come from the
cache, and the newest span would not be found. TFX solves both in a driver that runs before the cache is used, but KFP
does not run this driver. It does not help to never cache ExampleGen: its examples would be a new artifact each time,
and all following nodes would run again. So a task that is never cached finds span, version and a digest of the contents
of the files, and passes them as parameters to an ExampleGen that is cached. Equal data give equal parameters, and so
the same examples.
"""

from __future__ import annotations

import copy

from limbeck.errors import ConfigError
from limbeck.kubeflow.specification import EXECUTOR_INPUT, Spec, container_of, tasks

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = "KFP has no preCacheCheck (tensorflow/tfx#6722); its cache key holds paths and ids, and no content"
NODE = "DataFingerprint"
_DRIVER = "tfx.orchestration.kubeflow.v2.file_based_example_gen.driver"
_INPUTS = ("input_base", "input_config", "range_config", "data_unlabelled")
# What the driver finds out, under TFX's names. A version may be missing, which is an empty text.
FOUND = {
    "input_config": "STRING",
    "input_fingerprint": "STRING",
    "span": "NUMBER_INTEGER",
    "version": "STRING",
}


def add_fingerprint(spec: Spec, target: str) -> Spec:
    """A spec with the task `DataFingerprint` before the node whose container has ExampleGen's driver.

    Raises:
      ConfigError: where there is more than one such node.
    """
    spec = copy.deepcopy(spec)
    readers = readers_of(spec)
    if len(readers) > 1:
        raise ConfigError(f"a pipeline reads files in one node only, received {', '.join(sorted(readers))}")
    for name in readers:
        _add(spec, name, target)
    return spec


def readers_of(spec: Spec) -> list[str]:
    """Tasks of the root whose container has ExampleGen's driver."""
    found = []
    for name, task in spec["root"]["dag"]["tasks"].items():
        container = container_of(spec, spec["components"][task["componentRef"]["name"]]) or {}
        driver = container.get("lifecycle", {}).get("preCacheCheck", {}).get("command", [])
        if _DRIVER in driver:
            found.append(name)
    return found


def add_container_task(spec: Spec, name: str, task: Spec, component: Spec, container: Spec) -> None:
    """Adds a task with a component and an executor of its own to the root; changes `spec`."""
    if any(known == name for known, _ in tasks(spec)) or name in spec["components"]:
        raise ConfigError(f"'{name}' is the id of a node that is added when a pipeline is compiled: rename yours")
    label = f"{name}_executor"
    spec["components"][name] = {"executorLabel": label, **component}
    spec["deploymentSpec"]["executors"][label] = {"container": container}
    spec["root"]["dag"]["tasks"][name] = {
        "componentRef": {"name": name},
        "taskInfo": {"name": name},
        "cachingOptions": {"enableCache": True},
        **task,
    }


def add_dependency(task: Spec, name: str) -> None:
    """Has a task wait for another; changes `task`."""
    task["dependentTasks"] = sorted({*task.get("dependentTasks", []), name})


def _add(spec: Spec, reader: str, target: str) -> None:
    task = spec["root"]["dag"]["tasks"][reader]
    component = spec["components"][task["componentRef"]["name"]]
    given, declared = task["inputs"]["parameters"], component["inputDefinitions"]["parameters"]
    own = [key for key in _INPUTS if key in given]
    add_container_task(
        spec,
        NODE,
        task={
            "inputs": {"parameters": {key: copy.deepcopy(given[key]) for key in own}},
            "cachingOptions": {"enableCache": False},
        },
        component={
            "inputDefinitions": {"parameters": {key: copy.deepcopy(declared[key]) for key in own}},
            "outputDefinitions": {"parameters": {key: {"parameterType": kind} for key, kind in FOUND.items()}},
        },
        container={
            "command": ["python", "-m", "limbeck.kubeflow.data_fingerprint"],
            "args": ["--node", NODE, "--target", target, "--invocation", EXECUTOR_INPUT],
        },
    )
    for key, kind in FOUND.items():
        given[key] = {"taskOutputParameter": {"producerTask": NODE, "outputParameterKey": key}}
        declared[key] = {"parameterType": kind}
    add_dependency(task, NODE)
