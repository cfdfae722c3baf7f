"""All verbs, in the order of `--help`: a line each."""

from __future__ import annotations

from limbeck.cli.verbs import (
    check,
    compile,
    completion,
    drift,
    engine,
    logs,
    predict,
    report,
    rerun,
    rollback,
    run,
    serve,
    simulate,
    submit,
    tasks,
)
from limbeck.cli.verbs.verb import Verb

VERBS: tuple[Verb, ...] = (
    check.VERB,
    run.VERB,
    rerun.VERB,
    logs.VERB,
    report.VERB,
    predict.VERB,
    serve.VERB,
    drift.VERB,
    engine.VERB,
    rollback.VERB,
    tasks.VERB,
    compile.VERB,
    simulate.VERB,
    submit.VERB,
    completion.VERB,
)
