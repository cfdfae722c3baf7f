"""Runs one executor in a container: `python -m kubeflow.entrypoint --node ID ... [flags of Beam]`.

It stands between the launcher of KFP and TFX's own `run_executor`, which is called as it is. What KFP tells is
translated before (`invocation`, `example_gen`), what TFX tells is translated after (`output_file`), and the process
ends without waiting for threads (`process`). Of our components, only the executor's own module is imported.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence

from kubeflow import example_gen, output_file, process
from kubeflow.invocation import Definitions, make_folders, understood


def run(arguments: Sequence[str]) -> None:
    """Runs the executor and writes what it tells of its outputs.

    Args:
      arguments: as `kubeflow.rewrites.entrypoint` writes them; what is not known goes to Beam.

    Raises:
      UserError: of the executor.
    """
    given, beam_flags = _parser().parse_known_args(arguments)
    definitions = Definitions(inputs=json.loads(given.inputs), outputs=json.loads(given.outputs))
    invocation = understood(json.loads(given.invocation), definitions, given.target)
    invocation = dataclasses.replace(invocation, content=example_gen.driven(invocation.content))
    make_folders(invocation)
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    kubeflow_v2_run_executor._run_executor(
        argparse.Namespace(
            executor_class_path=given.executor,
            json_serialized_invocation_args=json.dumps(invocation.content),
            json_serialized_inputs_spec_args=given.inputs,
        ),
        beam_flags,
    )
    output_file.finish(invocation, definitions, given.target)


def _parser() -> argparse.ArgumentParser:
    parser = process.parser("kubeflow.entrypoint")
    parser.add_argument("--executor", required=True, metavar="CLASS", help="path of the executor's class")
    parser.add_argument("--inputs", required=True, metavar="JSON", help="inputDefinitions of the component")
    parser.add_argument("--outputs", required=True, metavar="JSON", help="outputDefinitions of the component")
    return parser


if __name__ == "__main__":
    process.end_with(run)
