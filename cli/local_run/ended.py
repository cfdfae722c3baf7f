"""Says why a process failed. Its temporary folder, with the log, is about to be removed."""

from __future__ import annotations

import sys

from limbeck.cli import exit_codes
from limbeck.cli.local_run import collect
from limbeck.cli.local_run.run_folder import RunFolder
from limbeck.errors import UserError
from limbeck.launchers.failure import describe

_LINES = 30


def badly(folder: RunFolder, code: int, what: str) -> int:
    """Returns the exit code of the verb, after it has said why.

    Args:
      folder: folder of the process.
      code: exit code of the process, not 0.
      what: the process, in words.

    Raises:
      UserError: if it ended with a mistake of the user.
    """
    if code == exit_codes.USER_MISTAKE:
        raise UserError(str(collect.failure(folder, code)))
    if code in (exit_codes.INTERRUPTED, exit_codes.TERMINATED):
        print("stopped", file=sys.stderr)
        return code
    log = folder.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LINES:]
    print("\n".join(log), file=sys.stderr)
    print(f"error: {what} {describe(code)}; the end of its log is above", file=sys.stderr)
    return exit_codes.OUR_FAULT
