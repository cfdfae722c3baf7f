"""Does the work of ExampleGen's driver as a task: `python -m limbeck.kubeflow.data_fingerprint --node ID ...`.

`limbeck.kubeflow.rewrites.data_fingerprint` explains why this is a separate task. TFX's own code resolves span and
version, and the digest is the same as in a local run.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from limbeck import files
from limbeck.errors import DataError
from limbeck.kubeflow import example_gen, process
from limbeck.kubeflow.places import place
from limbeck.kubeflow.rewrites.data_fingerprint import FOUND


def run(arguments: Sequence[str]) -> None:
    """Writes the output parameters. Raises DataError where no files are of the span that is asked for."""
    given = process.parser("limbeck.kubeflow.data_fingerprint").parse_args(arguments)
    content = json.loads(given.invocation)
    for listed in content["inputs"].get("artifacts", {}).values():
        for artifact in listed["artifacts"]:
            artifact["uri"] = place(artifact["uri"], given.target)
    found = resolve(example_gen.with_base(content)["inputs"]["parameterValues"])
    for key, value in found.items():
        files.write_text(content["outputs"]["parameters"][key]["outputFile"], value)


def resolve(properties: dict[str, Any]) -> dict[str, str]:
    """What ExampleGen's driver finds out, as texts by the names of `FOUND`.

    Args:
      properties: `input_base`, `input_config`, where a span is asked for `range_config`, and where there are rows
        without a label `data_unlabelled`; the configs as JSON.

    Returns:
      `input_config` with the patterns of the span that was found, `input_fingerprint` (a line with a SHA-256 for each
      split, and for the rows without a label), `span`, and `version`, which is empty where the data have none.

    Raises:
      ConfigError: where no file system is known for `input_base`.
      DataError: where no files are of the span that is asked for.
    """
    from limbeck.components.example_gen.driver import ContentDriver

    # Raises where nothing opens the scheme: the path may be one that was given to the run.
    for name in ("input_base", "data_unlabelled"):
        if properties.get(name):
            files.visibility(properties[name])
    driver = ContentDriver(None)
    try:
        resolved = driver.resolve_exec_properties(dict(properties), None, None)
    except (ValueError, OSError) as error:
        raise DataError(
            f"no span of the data in {properties['input_base']} can be read: {error}. Check data.path and data.span"
        ) from error
    return {key: "" if resolved[key] is None else str(resolved[key]) for key in FOUND}


if __name__ == "__main__":
    process.end_with(run)
