"""`pipeline.py run` and `pipeline.py rerun`, whose runner is a fork of this process: see `preimported`."""

from __future__ import annotations

import sys
from pathlib import Path

from limbeck.cli import exit_codes, main, rerun_verb, run_verb
from limbeck.cli.run_folder import RunFolder
from limbeck.errors import UserError
from tests.integration import forks
from tests.integration.forks import Fork, Program


def start_runner(folder: RunFolder) -> Fork:
    """As `run_verb.start_runner`, which starts a new interpreter."""
    program = Program("limbeck.cli.runner", [str(folder.root)], str(Path.cwd()), str(folder.log))
    return forks.start(program, run_verb.environment(folder), new_session=True)


if __name__ == "__main__":
    try:
        parsed = main.Parser().parse(sys.argv[1:])
        verb = {"run": run_verb.execute, "rerun": rerun_verb.execute}[parsed.verb]
        sys.exit(verb(parsed, start_runner))
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(exit_codes.USER_MISTAKE)
