"""Writes the completion script for zsh, which also shows the meaning of verbs and options."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from limbeck.cli.completion.shape import Option, Value, VerbShape

_FRAME = """\
#compdef limbeck pipeline.py
# Completes `limbeck`, `pipeline.py` and `python pipeline.py` in zsh. `python pipeline.py completion zsh` prints it.
_limbeck() {{
    local -a verbs
    verbs=(
{verbs}
    )
    if ((CURRENT == 2)); then
        _describe verb verbs
        return
    fi
    local verb=$words[2]
    shift words
    ((CURRENT--))
    case $verb in
{cases}
    esac
}}

# The nodes of a run, if its --root stands in the command already.
_limbeck_node() {{
    local root=$words[$words[(i)--root]+1]
    [[ -d $root/pipeline ]] && compadd -- $root/pipeline/*(:t)
}}

_limbeck_settings() {{
    compadd -S '' -- "$@"
}}

_limbeck_task() {{
    _alternative "tasks:built-in task:($*)" 'files:task of your own:_files'
}}

_limbeck_python() {{
    if [[ ${{words[2]:t}} == pipeline.py ]] && ((CURRENT > 2)); then
        shift words
        ((CURRENT--))
        _limbeck
    else
        _python_before_limbeck "$@"
    fi
}}

# What completed python before.
autoload -Uz +X _python 2> /dev/null
_python_before_limbeck() {{ if (($+functions[_python])); then _python "$@"; else _files; fi }}
compdef _limbeck limbeck pipeline.py
compdef _limbeck_python python python3
"""
_PATHS = {"file": "file:_files", "folder": "folder:_files -/", "node": "node:_limbeck_node"}


def script(verbs: Sequence[VerbShape]) -> str:
    """Returns the script."""
    return _FRAME.format(
        verbs="\n".join(f"        {shlex.quote(f'{_escaped(verb.name)}:{verb.summary}')}" for verb in verbs),
        cases="\n".join(map(_case, verbs)),
    )


def _case(verb: VerbShape) -> str:
    arguments = [_option(option, name) for option in verb.options for name in option.names]
    arguments += [f":{_takes(value)}" for value in verb.positionals]
    return "\n".join(
        [
            f"        {verb.name}) _arguments \\",
            " \\\n".join(f"            {shlex.quote(argument)}" for argument in arguments) + " ;;",
        ]
    )


def _option(option: Option, name: str) -> str:
    repeated = "*" if option.repeated else ""
    takes = f":{_takes(option.value)}" if option.value else ""
    return f"{repeated}{name}[{_escaped(option.help)}]{takes}"


def _takes(value: Value) -> str:
    """Returns `message:action` as `_arguments` reads it."""
    words = " ".join(map(shlex.quote, value.words))
    if value.words and value.paths:
        return f"task:{{_limbeck_task {words}}}"
    if value.words and all(word.endswith("=") for word in value.words):
        return f"setting:{{_limbeck_settings {words}}}"
    if value.words:
        return f"value:({words})"
    return _PATHS.get(value.paths, "value: ")


def _escaped(text: str) -> str:
    """Returns a text in which brackets and colons are escaped for `_arguments`."""
    for character in "\\[]:":
        text = text.replace(character, f"\\{character}")
    return text
