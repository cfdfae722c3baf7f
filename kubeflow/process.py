"""Starts and ends the process of a container.

TensorFlow and Beam leave threads behind. An interpreter that waits for them may hang, or abort with "pure virtual
method called" after the work is done, and then the step would count as failed. So the process flushes its output, and
ends at once.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

from limbeck.errors import UserError

DONE, OUR_FAULT, USER_MISTAKE = 0, 1, 2


def parser(module: str) -> argparse.ArgumentParser:
    """A parser of what every container of ours is given. Flags are not shortened: Beam has flags of its own."""
    arguments = argparse.ArgumentParser(prog=f"python -m {module}", allow_abbrev=False)
    arguments.add_argument("--node", required=True, help="id of the node; also tells equal containers apart")
    arguments.add_argument("--target", required=True, choices=("kubeflow", "vertex"))
    arguments.add_argument("--invocation", required=True, metavar="JSON", help="ExecutorInput of this execution")
    return arguments


def end_with(work: Callable[[Sequence[str]], None]) -> NoReturn:
    """Runs a program of this package, and ends the process.

    The exit code is 0 after the work; 2 for a mistake of the user's, which is told as one message; 1 for any other
    error, with its traceback.
    """
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # kfp's own switch for containers: `import kfp.pipeline_spec` loads no compiler and no client of Kubernetes.
    os.environ.setdefault("_KFP_RUNTIME", "true")
    code = OUR_FAULT
    try:
        work(sys.argv[1:])
        code = DONE
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        code = USER_MISTAKE
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else OUR_FAULT
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
