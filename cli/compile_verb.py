"""`compile`: writes the pipeline for Kubeflow Pipelines or Vertex AI, with TFX's compiler."""

from __future__ import annotations

import argparse
import contextlib
import io
import os

from cli import exit_codes, settings
from limbeck import reference
from limbeck.errors import ConfigError
from limbeck.settings.operational import Operational

_PLACEHOLDER_ROOT = "gs://BUCKET/limbeck"


def execute(arguments: argparse.Namespace) -> int:
    """Writes the file. Raises ConfigError if it cannot be written."""
    if not arguments.output.parent.is_dir():
        raise ConfigError(f"--output needs an existing folder, received {arguments.output}")
    if arguments.output.is_dir():
        raise ConfigError(f"--output takes a file, but {arguments.output} is a folder: add a name to it")
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    ref = reference.find(arguments.task)
    config = settings.load(ref, arguments.config, arguments.assignments)
    root = arguments.root or _PLACEHOLDER_ROOT
    # TFX prints when it is imported. The user asked for one file, and no more output.
    with contextlib.redirect_stdout(io.StringIO()):
        import pipeline
        from components.graph.context import Storage
        from kubeflow import compile as compiler

        storage = Storage(
            root=f"{root}/pipeline",
            serving=f"{root}/serving",
            data=config.data.path or f"{root}/data",
            accepted=f"{root}/accepted",
        )
        graph = pipeline.create_pipeline(config, ref, storage, beam_flags=config.beam.flags)
        operational = Operational.of(config, checkpoints=f"{root}/checkpoints").environment()
        compiler.write(graph, arguments.target, arguments.output, operational | reference.environment(ref))
    print(f"wrote {arguments.output} for {arguments.target}")
    return exit_codes.DONE
