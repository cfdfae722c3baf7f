"""The rules of Vertex AI that are simulated, and the source of each rule. No project of Vertex AI has tested them.

`documented`: Google's documentation or the comments of its API say so. `seen`: a published execution of Vertex AI, or
Google's own tests, show it. `assumed`: there is no source. The assumption is the stricter of the possible behaviours,
so a job that passes the simulation does not depend on the assumption.
"""

from __future__ import annotations

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True)
class Rule:
    """One rule: a short name, what Vertex AI does, and the source of the rule."""

    name: str
    says: str
    known: Literal["documented", "seen", "assumed"]


RULES = (
    Rule(
        "job", "takes a PipelineJob whose fields its API knows; `gcsOutputDirectory` is a gs:// URI", "documented"
    ),
    Rule("schema", "takes schema versions 2.0.0 and 2.1.0; the latter only is simulated", "documented"),
    Rule("strict-spec", "parses the pipeline spec as strictly as KFP does", "assumed"),
    Rule(
        "job-id",
        "the id of a job matches `[a-z][-a-z0-9]{0,127}`; it is the pipeline's name and a time",
        "documented",
    ),
    Rule("run-parameters", "refuses parameters that are undeclared or missing, or have another type", "assumed"),
    Rule("uris", "outputs go to `<root>/<project number>/<job>/<task>_<number>/<output>`", "seen"),
    Rule(
        "output-file", "the executor's output file is a path below `/gcs/`, named `executor_output.json`", "seen"
    ),
    Rule(
        "no-copies",
        "nothing is copied into a container or out of it: executors open `gs://` themselves",
        "documented",
    ),
    Rule(
        "fuse",
        "files that a container writes below `/gcs/BUCKET` are in the bucket; in `simulate`, after the step has ended",
        "documented",
    ),
    Rule("legacy-parameters", "the executor input also has `parameters`, the values with their kinds", "seen"),
    Rule("types", "an input artifact has the type that its producer declared, and a resource name", "seen"),
    Rule("no-log-artifact", "no `executor-logs` is added to the outputs: logs go to Cloud Logging", "seen"),
    Rule(
        "output-uri",
        "the URI of an output in the output file is used as it is, wherever it points",
        "seen",
    ),
    Rule(
        "metadata",
        "metadata of artifacts are a Struct: lists, structures and booleans are returned unchanged",
        "documented",
    ),
    Rule(
        "output-file-strict",
        "an unknown field, NaN or null in the output file fails the task after the executor has ended",
        "assumed",
    ),
    Rule(
        "optional-inputs",
        "an optional input without value is absent; defaults of components are not filled in",
        "assumed",
    ),
    Rule("kinds", "an input parameter of another type than the component declares fails the task", "assumed"),
    Rule(
        "cache-key",
        "is the values of input parameters, ids of input artifacts, names of outputs, image, command, "
        "arguments *and environment*, per pipeline name",
        "documented",
    ),
    Rule(
        "cache-hit",
        "a cached task is SKIPPED, and its outputs are the artifacts of the earlier execution",
        "documented",
    ),
    Rule(
        "conditions",
        "a task whose condition is false is NOT_TRIGGERED, and the job may still succeed",
        "documented",
    ),
    Rule("after-not-triggered", "tasks that depend on a task that did not run do not run either", "assumed"),
    Rule("missing-key", "a condition on a metadata key that is missing fails its task", "assumed"),
    Rule(
        "fail-slow",
        "after a failure, all tasks that do not depend on the failed task still run, unless the job says FAIL_FAST",
        "documented",
    ),
    Rule(
        "retries",
        "`backoffMaxDuration` limits one pause, to one hour at most; a task is also retried without it",
        "documented",
    ),
    Rule("pods", "a container runs as user 1000 with nothing writable but `/tmp` and `/gcs`", "assumed"),
    Rule(
        "environment",
        "TF_CONFIG and CLUSTER_SPEC are set in every container, because a custom job runs it",
        "documented",
    ),
    Rule("identity", "a metadata server returns account and token", "documented"),
)
