"""Parses a compiled pipeline with the messages of a current SDK, and prints what it found as JSON.

Runs in an environment of its own, which has neither TFX nor this project: `python parse.py FILE`. A field that the
SDK does not know ends it with an error.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import yaml
from google.protobuf import json_format
from kfp import components
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2


def parse(file: Path) -> dict[str, object]:
    """What messages and SDK make of a file: a bare spec with or without a platform document, or a job of Vertex AI."""
    text = file.read_text(encoding="utf-8")
    spec, *platforms = yaml.safe_load_all(text)
    job = "pipelineSpec" in spec
    spec = spec["pipelineSpec"] if job else spec
    parsed = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    deployed = json_format.ParseDict(spec["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig())
    entries = {}
    for platform in platforms:
        message = json_format.ParseDict(platform, pipeline_spec_pb2.PlatformSpec())
        for label, entry in message.platforms["kubernetes"].deployment_spec.executors.items():
            config = kubernetes_executor_config_pb2.KubernetesExecutorConfig()
            json_format.ParseDict(json_format.MessageToDict(entry), config)
            entries[label] = json_format.MessageToDict(config)
    # What a user does with a file: it loads it as a component, from which pipelines are made.
    loaded = components.load_component_from_text(yaml.safe_dump_all([spec, *platforms]))
    return {
        "versions": {name: version(name) for name in ("kfp", "kfp-pipeline-spec", "protobuf")},
        "tasks": sorted(parsed.root.dag.tasks),
        "executors": sorted(deployed.executors),
        "resources": {
            label: json_format.MessageToDict(executor.container.resources)
            for label, executor in deployed.executors.items()
            if executor.container.HasField("resources")
        },
        "entries": entries,
        "name": loaded.name,
        "inputs": sorted(loaded.component_spec.inputs or {}),
        "platform": json_format.MessageToDict(loaded.platform_spec),
    }


if __name__ == "__main__":
    json.dump(parse(Path(sys.argv[1])), sys.stdout)
