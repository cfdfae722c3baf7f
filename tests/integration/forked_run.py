"""`pipeline.py run`, `rerun` and `check`, whose runner is a fork of this process: see `preimported`."""

from __future__ import annotations

import sys
from pathlib import Path

from limbeck.cli import exit_codes, main
from limbeck.cli.commands import check, rerun, run
from limbeck.cli.local_run import attending
from limbeck.cli.local_run.run_folder import RunFolder
from limbeck.errors import UserError
from tests.integration import forks
from tests.integration.forks import Fork, Program


def start_runner(folder: RunFolder, module: str = "limbeck.cli.local_run.runner") -> Fork:
    """As `attending.start_runner`, which starts a new interpreter."""
    program = Program(module, [str(folder.root)], str(Path.cwd()), str(folder.log))
    return forks.start(program, attending.environment(folder), new_session=True)


def start_check(folder: RunFolder) -> Fork:
    """As `check.start_check`."""
    return start_runner(folder, "limbeck.cli.checking.process")


if __name__ == "__main__":
    try:
        parsed = main.Parser().parse(sys.argv[1:])
        if parsed.verb == "check":
            sys.exit(check.execute(parsed, start_check))
        verb = {"run": run.execute, "rerun": rerun.execute}[parsed.verb]
        sys.exit(verb(parsed, start_runner))
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(exit_codes.USER_MISTAKE)
