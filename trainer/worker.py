"""The program of one training process, which every launcher starts: `python -m limbeck.trainer.worker job.json`.

A fork of the pipeline's process would inherit TFX, Beam and the threads of TensorFlow. This program starts in a new
interpreter, which needs a third of the time and memory, or in a fork of a process that has only imported TensorFlow
(`limbeck.trainer.fork_server`). The job file and TF_CONFIG contain everything that it needs to know.

Exit codes:
  0     done
  1     any other failure
  2     a mistake of the user
  42    asked to end, and saved (`limbeck.trainer.process.preemption`)

An exit code does not say whether a second try would help. So the process also writes a file, at the path or URI in
LIMBECK_FAILURE, with a message and one of these kinds:
  user       a mistake of the user
  damaged    packed data are not what was packed
  final      training itself broke down, for example in a loss of NaN
  passing    storage was not available
  error      any other exception, with the step after which it was raised; the launcher gives up if it is raised again
             after the same step
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from typing import Literal

DONE = 0
OUR_FAULT = 1
USER_MISTAKE = 2


def main(arguments: list[str]) -> int:
    """Runs the job in a file. Returns the exit code of the process.

    Args:
      arguments: the path or URI of the job file.
    """
    from limbeck.errors import UserError
    from limbeck.trainer.distribution import cluster
    from limbeck.trainer.process import heartbeat, lifeline, preemption, process_name

    # The job reports a mistake in TF_CONFIG.
    with contextlib.suppress(UserError):
        me = cluster.from_environment()
        process_name.set_name(f"{me.role}-{me.index}")
    lifeline.die_with_parent()
    heartbeat.start()
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    with preemption.watching():
        return _run(arguments[0])


def _run(job_uri: str) -> int:
    import importlib

    from limbeck import files, task_code
    from limbeck.errors import DamagedDataError, PassingFaultError, TrainingFailedError, UserError
    from limbeck.records import from_json
    from limbeck.trainer.distribution import cluster, farewell, strategies
    from limbeck.trainer.job import TrainingJob
    from limbeck.trainer.process import position, preemption

    job = from_json(TrainingJob, files.read_text(job_uri))
    module, _, function = job.program.partition(":")
    run = getattr(importlib.import_module(module), function)

    try:
        run(job)
    except DamagedDataError as error:
        _leave_failure("damaged", str(error))
        return USER_MISTAKE
    except UserError as error:
        _leave_failure("user", str(error))
        return USER_MISTAKE
    except PassingFaultError as error:
        traceback.print_exc()
        _leave_failure("passing", str(error))
        return OUR_FAULT
    except TrainingFailedError as error:
        traceback.print_exc()
        _leave_failure("final", str(error))
        return OUR_FAULT
    except preemption.PreemptedError:
        me = cluster.SINGLE if job.chief_alone else cluster.from_environment()
        strategies.leave(job.strategy)
        farewell.leave_together(me, preemption.EXIT_CODE)
        return preemption.EXIT_CODE
    except Exception as error:
        if not task_code.may_pass(error):
            # The launcher compares this text with the text of the next failure, and gives up if they are equal.
            _leave_failure("error", f"{position.words()}: {task_code.summary(error)}")
        raise
    except SystemExit as stray:
        # The task's code may have chosen an exit code, which the launcher would mistake for one of ours.
        raise RuntimeError(f"the task's own code ended the process by sys.exit({stray.code!r})") from stray
    return DONE


def _leave_failure(kind: Literal["user", "damaged", "final", "passing", "error"], message: str) -> None:
    from limbeck import files

    uri = os.environ.get("LIMBECK_FAILURE")
    if uri:
        files.write_text(uri, json.dumps({"kind": kind, "message": message}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
