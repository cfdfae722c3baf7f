"""One training process: `python -m trainer.worker job.json`. What every launcher starts.

It is told everything by the job file and TF_CONFIG, and imports neither TFX nor Beam: a fresh interpreter is
ready in a third of the time and memory, and cannot depend on what its parent happened to have imported.

Exit codes: 0 done; 2 a mistake of the user; 42 asked to end, and saved (`trainer.process.preemption`); 1 anything
else. A launcher cannot tell from a code whether a second try would help, so that is also written to the file that
LIMBECK_FAILURE names: kind `user`, `damaged` where packed data are not what was packed, `final` where training itself
broke down, such as in a loss of NaN, or `passing` where storage was away. Any other exception is written there as kind
`error`, with the step after which it came: whether it would fail again shows when it does.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Literal

DONE = 0
OUR_FAULT = 1
USER_MISTAKE = 2


def main(arguments: list[str]) -> int:
    """Runs the job in the file, a path or URI, that the only argument names; returns the exit code of the process."""
    from trainer.process import heartbeat, lifeline, preemption

    lifeline.die_with_parent()
    heartbeat.start()
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    with preemption.watching():
        return _run(arguments[0])


def _run(job_uri: str) -> int:
    from limbeck import files, task_code
    from limbeck.errors import DamagedDataError, PassingFaultError, TrainingFailedError, UserError
    from limbeck.records import from_json
    from trainer.distribution import cluster, farewell
    from trainer.job import TrainingJob
    from trainer.process import position, preemption

    job = from_json(TrainingJob, files.read_text(job_uri))
    from trainer.training import run

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
        farewell.leave_together(cluster.from_environment(), preemption.EXIT_CODE)
        return preemption.EXIT_CODE
    except Exception as error:
        if not task_code.may_pass(error):
            # So that the launcher knows it again, and does not try for a third time what failed twice alike.
            _leave_failure("error", f"{position.words()}: {task_code.summary(error)}")
        raise
    except SystemExit as stray:
        # Whatever code it chose would be taken for one of ours.
        raise RuntimeError(f"the task's own code ended the process by sys.exit({stray.code!r})") from stray
    return DONE


def _leave_failure(kind: Literal["user", "damaged", "final", "passing", "error"], message: str) -> None:
    from limbeck import files

    uri = os.environ.get("LIMBECK_FAILURE")
    if uri:
        files.write_text(uri, json.dumps({"kind": kind, "message": message}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
