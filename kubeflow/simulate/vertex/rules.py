"""What Vertex AI does, rule by rule, and how that is known. Nobody has run it for this project: some of it is a guess.

`documented`: Google's documentation or the comments of its API say so. `seen`: it stands in an execution of Vertex AI
that somebody published, or in tests of Google's own. `assumed`: nothing says so; the assumption is the stricter one,
so that what passes here does not rest on it.
"""

from __future__ import annotations

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True)
class Rule:
    """One rule: a short name, what Vertex AI does, and how that is known."""

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
    Rule("run-parameters", "refuses parameters that are not declared, missing, or of another kind", "assumed"),
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
        "what a container writes below `/gcs/BUCKET` is in the bucket; here when its step has ended",
        "documented",
    ),
    Rule("legacy-parameters", "the executor input also has `parameters`, the values with their kinds", "seen"),
    Rule("types", "an input artifact has the type that its producer declared, and a resource name", "seen"),
    Rule("no-log-artifact", "no `executor-logs` is added to the outputs: logs go to Cloud Logging", "seen"),
    Rule(
        "output-uri",
        "the URI that the output file tells of an output is taken as it stands, wherever it lies",
        "seen",
    ),
    Rule(
        "metadata",
        "metadata of artifacts are a Struct: lists, structures and booleans come back as they went",
        "documented",
    ),
    Rule(
        "output-file-strict",
        "an unknown field, NaN or null in the output file fails the task after its work",
        "assumed",
    ),
    Rule(
        "optional-inputs",
        "an optional input without value is absent; defaults of components are not filled in",
        "assumed",
    ),
    Rule("kinds", "an input parameter of another kind than the component declares fails the task", "assumed"),
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
    Rule("after-not-triggered", "what depends on a task that did not run does not run either", "assumed"),
    Rule("missing-key", "a condition on a metadata key that is missing fails its task", "assumed"),
    Rule(
        "fail-slow",
        "after a failure all that does not depend on it still runs, unless the job says FAIL_FAST",
        "documented",
    ),
    Rule(
        "retries",
        "`backoffMaxDuration` bounds one pause, an hour at most; without it a task is retried all the same",
        "documented",
    ),
    Rule("pods", "a container runs as user 1000 with nothing writable but `/tmp` and `/gcs`", "assumed"),
    Rule(
        "environment", "TF_CONFIG and CLUSTER_SPEC are set in every container: a custom job runs it", "documented"
    ),
    Rule("identity", "a metadata server tells account and token", "documented"),
)
