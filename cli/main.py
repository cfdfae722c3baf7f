"""Parses the arguments and calls a verb. A user's mistake ends here, as one message and exit code 2.

Ctrl-C ends here, too, as one word and exit code 130.

What a verb does is imported only when it is called: `--help` must not wait for TensorFlow, or for anything else.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from limbeck.cli import exit_codes
from limbeck.cli.utf8 import assert_utf8
from limbeck.cli.verbs.registry import VERBS
from limbeck.errors import UserError, nearest

# Whichever verb is the first to look at a path, it is the path that is wrong.
_OF_THE_PATH = (errno.ENAMETOOLONG, errno.EACCES)

EPILOG = """\
exit codes: 0 done, the student is pushed; 2 a mistake in what was given, anomalies in the data included;
            3 the gate refused the student; 1 our fault; 130 and 143 stopped by a signal

example:    python pipeline.py run --task digits --root runs/digits --set distillation.temperature=4.0
"""


class Parser(argparse.ArgumentParser):
    """The parser of all verbs. It names the nearest verb or option if it does not know the given one."""

    def __init__(self) -> None:
        """Declares all verbs."""
        super().__init__(
            prog="pipeline.py",
            description="Train a large teacher on many machines, distil it into a small student, prove it, ship it.",
            epilog=EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        # The parser of a verb is an ordinary parser.
        subparsers = self.add_subparsers(
            dest="verb", required=True, metavar="VERB", parser_class=argparse.ArgumentParser
        )
        self.verbs: dict[str, argparse.ArgumentParser] = {}
        for verb in VERBS:
            self.verbs[verb.name] = subparsers.add_parser(verb.name, help=verb.summary)
            verb.declare(self.verbs[verb.name])

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Returns the parsed arguments. Prints a message and exits with 2 if they cannot be parsed."""
        first = next(iter(arguments), "-")
        if not first.startswith("-") and first not in self.verbs:
            self.error(f"there is no verb '{first}'.{nearest(first, self.verbs)} Verbs: {', '.join(self.verbs)}")
        parsed, unknown = self.parse_known_args(arguments)
        if unknown:
            self._refuse(self.verbs[parsed.verb], unknown)
        return parsed

    @staticmethod
    def _refuse(verb: argparse.ArgumentParser, unknown: Sequence[str]) -> NoReturn:
        options = [name for action in verb._actions for name in action.option_strings if name.startswith("--")]
        hint = nearest(unknown[0].partition("=")[0], options) if unknown[0].startswith("-") else ""
        verb.error(f"unrecognized arguments: {' '.join(unknown)}.{hint}")


def main(arguments: Sequence[str]) -> int:
    """Runs one verb. Returns the exit code of the process."""
    try:
        for text in (*arguments, _here()):
            assert_utf8(text, "paths and other arguments", "rename the file or folder")
        parsed = Parser().parse(arguments)
        verb = next(verb for verb in VERBS if verb.name == parsed.verb)
        return verb.execute(parsed)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return exit_codes.USER_MISTAKE
    except OSError as error:
        if error.errno not in _OF_THE_PATH or error.filename is None:
            raise
        print(f"error: {error.filename} cannot be used: {error.strerror}; give another path", file=sys.stderr)
        return exit_codes.USER_MISTAKE
    except KeyboardInterrupt:
        # A second Ctrl-C ends the process at once, without a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        print("stopped", file=sys.stderr)
        return exit_codes.INTERRUPTED


def _here() -> str:
    try:
        return os.getcwd()  # noqa: PTH109, Path imports much
    except FileNotFoundError:
        return ""
