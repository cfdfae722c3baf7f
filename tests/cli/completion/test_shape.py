"""What the scripts are made from is what the parser accepts."""

from __future__ import annotations

import argparse
import subprocess

import pytest

from limbeck.cli.commands.completion import words
from limbeck.cli.completion import bash, zsh
from limbeck.cli.completion.shape import Option, Value, VerbShape, verb_shapes
from limbeck.cli.main import Parser
from limbeck.cli.verbs.registry import VERBS
from limbeck.settings import sources


def test_options_and_positionals_become_what_they_take():
    parser = argparse.ArgumentParser()
    parser.add_argument("node", metavar="NODE")
    parser.add_argument("--file", metavar="FILE", help="a file")
    parser.add_argument("--kind", choices=("a", "b"), help="one of two")
    parser.add_argument("--set", action="append", metavar="KEY=VALUE", help="a setting")
    parser.add_argument("--flag", action="store_true", help="a flag")
    parser.add_argument("--text", help="any")

    [shape] = verb_shapes({"verb": parser}, {"verb": "does it"}, {"KEY=VALUE": ["x="]})

    assert shape == VerbShape(
        "verb",
        "does it",
        (
            Option(("-h", "--help"), "show this help message and exit", None),
            Option(("--file",), "a file", Value("file")),
            Option(("--kind",), "one of two", Value(words=("a", "b"))),
            Option(("--set",), "a setting", Value(words=("x=",)), repeated=True),
            Option(("--flag",), "a flag", None),
            Option(("--text",), "any", Value()),
        ),
        (Value("node"),),
    )


def test_every_completed_setting_is_one_that_the_program_knows():
    # A key that does not exist would be refused as unknown; a value of a wrong kind is another matter.
    for assignment in words()["KEY=VALUE"]:
        key = assignment.removesuffix("=")
        layer = sources.parse_assignment(f"{key}=1")
        try:
            sources.load([layer])
        except Exception as error:
            assert "unknown" not in str(error), key


@pytest.mark.parametrize("writer", [bash.script, zsh.script])
def test_every_verb_and_option_is_in_the_script(writer):
    shapes = verb_shapes(Parser().verbs, {verb.name: verb.summary for verb in VERBS}, words())
    text = writer(shapes)

    for shape in shapes:
        assert shape.name in text
        assert all(name in text for option in shape.options for name in option.names if name != "-h")


def test_what_a_shell_would_read_as_its_own_is_quoted():
    hostile = Option(("--x",), "it's [one]: $(touch /nowhere)", Value(words=("a b", "$(exit 3)", "'")))
    text = bash.script([VerbShape("v", "", (hostile,), ())])
    typed = (
        'COMP_WORDS=(limbeck v --x ""); COMP_CWORD=3; _limbeck limbeck "" --x; printf "%s\\n" "${COMPREPLY[@]}"'
    )

    done = subprocess.run(["bash", "-c", f"{text}\n{typed}"], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["a b", "$(exit 3)", "'"]
