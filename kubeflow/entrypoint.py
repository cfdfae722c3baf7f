"""Runs one executor in a container: `python -m limbeck.kubeflow.entrypoint --node ID ... [flags of Beam]`.

It connects KFP's launcher and a TFX executor. First it translates KFP's arguments (`invocation`, `example_gen`). Then
it runs the executor as TFX's own entrypoint does (`executor`), and translates its outputs (`output_file`). The process
ends without waiting for threads (`process`). Only the module of this executor and its dependencies are imported, and no
other components.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence

from limbeck.kubeflow import example_gen, executor, output_file, process
from limbeck.kubeflow.invocation import Definitions, make_folders, understood


def run(arguments: Sequence[str]) -> None:
    """Runs the executor and writes what it tells of its outputs.

    Args:
      arguments: as `limbeck.kubeflow.rewrites.entrypoint` writes them; what is not known goes to Beam.

    Raises:
      UserError: of the executor.
    """
    given, beam_flags = _parser().parse_known_args(arguments)
    definitions = Definitions(inputs=json.loads(given.inputs), outputs=json.loads(given.outputs))
    invocation = understood(json.loads(given.invocation), definitions, given.target)
    invocation = dataclasses.replace(invocation, content=example_gen.driven(invocation.content))
    make_folders(invocation)
    output = executor.execute(given.executor, invocation.content, definitions.inputs, beam_flags)
    output_file.write(output, invocation, definitions, given.target)


def _parser() -> argparse.ArgumentParser:
    parser = process.parser("limbeck.kubeflow.entrypoint")
    parser.add_argument("--executor", required=True, metavar="CLASS", help="path of the executor's class")
    parser.add_argument("--inputs", required=True, metavar="JSON", help="inputDefinitions of the component")
    parser.add_argument("--outputs", required=True, metavar="JSON", help="outputDefinitions of the component")
    return parser


if __name__ == "__main__":
    process.end_with(run)
