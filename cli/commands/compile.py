"""`compile`: writes the pipeline for Kubeflow Pipelines or Vertex AI, with TFX's compiler."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys

from limbeck import reference
from limbeck.cli import exit_codes, quiet, settings, task_source, writable
from limbeck.errors import ConfigError
from limbeck.files import Visibility, is_local, scheme_of, visibility
from limbeck.files.s3.uri import SCHEMES as OBJECT_STORES
from limbeck.files.s3.uri import parse
from limbeck.kubeflow.out_of_reach import named_places, unmounted, unpullable
from limbeck.kubeflow.rewrites.task_data import TaskData
from limbeck.records import to_json
from limbeck.settings.config import Config
from limbeck.settings.descriptions import describe
from limbeck.settings.operational import Operational

_PLACEHOLDER_ROOT = "gs://BUCKET/limbeck"
# Further values that a run may change. A local run counts generations itself (`run --accept-schema`), and leaves out
# the teachers' epochs if they equal the student's.
_FURTHER = {
    "generation": "of the accepted schema; one more than it is has the schema of these data take its place",
    "teachers.epochs": "passes over the training split, of the teachers",
}


def execute(arguments: argparse.Namespace) -> int:
    """Writes the file. Raises ConfigError if it cannot be written."""
    writable.check_file("--output", arguments.output)
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    quiet.quieten()
    ref = reference.find(arguments.task)
    task_source.assert_python(ref)
    config = settings.load(ref, arguments.config, [*_retries(arguments.retries), *arguments.assignments])
    root = (arguments.root or _PLACEHOLDER_ROOT).rstrip("/")
    _assert_reached(root, arguments.target, config)
    data = _task_data(config, ref)
    # TFX prints when it is imported. The user asked for one file, and no more output.
    with contextlib.redirect_stdout(io.StringIO()):
        from limbeck import pipeline
        from limbeck.components.graph.context import Storage
        from limbeck.kubeflow import compile as compiler

        storage = Storage(
            root=f"{root}/pipeline",
            serving=f"{root}/serving",
            data=config.data.path or f"{root}/data",
            accepted=f"{root}/accepted",
            unlabelled=config.data.unlabelled,
        )
        graph = pipeline.create_pipeline(config, ref, storage, beam_flags=config.beam.flags())
        operational = Operational.of(config, f"{root}/checkpoints", f"{root}/looks").environment()
        options = compiler.Options(
            target=arguments.target,
            image=arguments.image,
            environment=operational | reference.environment(ref) | _beam_variables(config, arguments.target),
            containers=config.containers,
            data=data,
            runtime=_runtime(config),
        )
        compiler.write(graph, arguments.output, options)
    print(f"wrote {arguments.output} for {arguments.target}")
    for warning in _warnings(arguments, config):
        print(f"warning: {warning}", file=sys.stderr)
    return exit_codes.DONE


def _warnings(arguments: argparse.Namespace, config: Config) -> list[str]:
    """Returns warnings about files that the containers may not be able to read, although the settings are valid."""
    warnings = []
    if arguments.root is None:
        warnings.append(f"the file holds the placeholder {_PLACEHOLDER_ROOT}: give --root gs://your-bucket/folder")
    places = named_places(arguments.root or _PLACEHOLDER_ROOT, config.data.path, config.data.unlabelled)
    warnings += unmounted(places, arguments.target, config.containers)
    return [*warnings, *filter(None, [unpullable(arguments.image, arguments.target)])]


def _beam_variables(config: Config, target: str) -> dict[str, str]:
    """Returns variables with Beam's flags, for training steps, which are not Beam steps but let Beam pack data.

    Returns nothing if Beam has one worker, which is no faster than the step itself. On Kubeflow, KFP's launcher copies
    files to a local folder, where workers of Dataflow cannot find them.
    """
    if config.beam.workers == 1 or (config.beam.engine == "dataflow" and target == "kubeflow"):
        return {}
    return config.beam.variables()


def _retries(count: int | None) -> list[str]:
    """Returns the settings that `--retries` stands for."""
    return [] if count is None else [f"containers.default.retry.count={count}"]


def _assert_reached(root: str, target: str, config: Config) -> None:
    """Raises ConfigError for places that a container cannot open, or that containers do not share."""
    if target == "vertex" and not root.startswith("gs://"):
        raise ConfigError(f"--root must be a gs:// URI for Vertex AI, received {root}")
    if config.launcher.name == "kubernetes":
        _assert_pods(root, target, config)
    if config.launcher.name == "ray":
        raise ConfigError(
            "launcher.name=ray trains from a node of the Ray cluster, and a container is none: take "
            "launcher.name=kubernetes, or launcher.name=vertex"
        )
    if config.scoring.on_cluster:
        raise ConfigError(
            f"scoring.engine={config.scoring.engine} is for a run whose machine shares a folder with the cluster, and "
            "no container was ever tried with it: take scoring.engine=beam"
        )
    places = {"--root": root, "data.path": config.data.path, "data.unlabelled": config.data.unlabelled}
    for name, place in places.items():
        if place is None:
            continue
        if config.beam.engine == "dataflow" and scheme_of(place) != "gs":
            raise ConfigError(f"{name} must be a gs:// URI for the workers of Dataflow, received {place}")
        if scheme_of(place) in OBJECT_STORES:
            # Raises for a URI without a bucket. Also for a URI with credentials, which would be in the compiled file.
            parse(place)
            if target == "vertex":
                raise ConfigError(f"{name} must be a gs:// URI for Vertex AI, received {place}")
        # Raises for a scheme that `limbeck.files` does not support.
        shared = visibility(place) is not Visibility.PROCESS
        if not shared or (is_local(place) and not place.startswith(("/", "file:///"))):
            raise ConfigError(
                f"{name} must be a URI such as gs://bucket/folder, or the absolute path of a folder that is mounted "
                f"in every container; received {place}"
            )


def _assert_pods(root: str, target: str, config: Config) -> None:
    """Raises ConfigError if training pods cannot start, or would not find the checkpoints."""
    if target == "vertex":
        raise ConfigError("launcher.name=kubernetes trains in pods of a cluster, and Vertex AI has none")
    if not config.launcher.kubernetes.seen_by_pods(root):
        raise ConfigError(
            "--root must be a place that every training pod reaches, because checkpoints are below it; received "
            f"{root}: give a URI such as gs://bucket/folder, or a folder below launcher.kubernetes.mount"
        )


def _runtime(config: Config) -> dict[str, str]:
    """Returns the settings that a run may change, with their descriptions."""
    settings = {one.key: one.meaning for one in describe() if one.kind == "runtime"} | _FURTHER
    # If a path contains {SPAN}, a node has the part before it and the patterns as separate properties.
    if config.data.path is not None and "{" not in config.data.path:
        settings["data.path"] = "folder or URI of the raw data, with a folder for each split"
        if config.data.split is not None:
            settings["data.path"] = "file, folder of files, or glob of the raw data, as path or URI"
    settings["data.unlabelled"] = "file, folder of files, or glob of rows without a label, as path or URI"
    return settings


def _task_data(config: Config, ref: reference.TaskRef) -> TaskData | None:
    """Returns the data that the task itself writes; None if the user gives data."""
    from limbeck.digests.code import task_digests

    task = ref.load()
    if config.data.path is not None:
        return None
    if task.write_data is None:
        raise ConfigError(f"task '{task.name}' brings no data of its own: give --set data.path=FOLDER")
    return TaskData(to_json(reference.portable(ref)), task_digests(task, ref).data)
