"""Writes the completion script for bash.

`python pipeline.py` is a command of the program python. So the script completes python, too: it hands every other
call of python to the completion that was there before.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from limbeck.cli.completion.shape import Option, Value, VerbShape

_FRAME = """\
# Completes `limbeck`, `pipeline.py` and `python pipeline.py` in bash. `python pipeline.py completion bash` prints it.
_limbeck() {{
    _limbeck_from 1
}}

# Completes a command whose verb is the word of the given number.
_limbeck_from() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    local verb=${{COMP_WORDS[$1]}}
    COMPREPLY=()
    # Bash divides KEY=VALUE at the sign.
    [[ $word == '=' || $before == '=' ]] && return
    if ((COMP_CWORD == $1)); then
        _limbeck_words {verbs}
        return
    fi
    case "$verb $before" in
{values}
    esac
    case $verb in
{verbs_of_case}
    esac
}}

_limbeck_words() {{
    local each
    for each in "$@"; do
        [[ $each == "$word"* ]] && COMPREPLY+=("$each")
    done
}}

_limbeck_file() {{
    local IFS=$'\\n'
    compopt -o filenames
    COMPREPLY+=($(compgen -f -- "$word"))
}}

_limbeck_folder() {{
    local IFS=$'\\n'
    compopt -o filenames
    COMPREPLY+=($(compgen -d -- "$word"))
}}

# The nodes of a run, if its --root stands in the command already.
_limbeck_node() {{
    local index root
    for ((index = 1; index + 1 < ${{#COMP_WORDS[@]}}; index++)); do
        [[ ${{COMP_WORDS[index]}} == --root ]] && root=${{COMP_WORDS[index+1]}}
    done
    [[ -d $root/pipeline ]] && _limbeck_words $(command ls "$root/pipeline")
}}

_limbeck_settings() {{
    compopt -o nospace
    _limbeck_words "$@"
}}

_limbeck_python() {{
    if [[ ${{COMP_WORDS[1]##*/}} == pipeline.py && $COMP_CWORD -gt 1 ]]; then
        _limbeck_from 2
    elif [[ -n $_limbeck_python_before ]]; then
        "$_limbeck_python_before" "$@"
    fi
}}

complete -F _limbeck limbeck pipeline.py
# What completed python before: bash-completion loads it when it is first needed.
declare -F _completion_loader > /dev/null && _completion_loader python 2> /dev/null
_limbeck_python_before=$(complete -p python 2> /dev/null | sed -n 's/.*-F \\([^ ]*\\).*/\\1/p')
[[ $_limbeck_python_before == _limbeck_python ]] && _limbeck_python_before=
complete -o bashdefault -o default -F _limbeck_python python python3
"""


def script(verbs: Sequence[VerbShape]) -> str:
    """Returns the script."""
    values = [
        _after_option(verb, option, option.value) for verb in verbs for option in verb.options if option.value
    ]
    return _FRAME.format(
        verbs=_words([verb.name for verb in verbs]),
        values="\n".join(values),
        verbs_of_case="\n".join(map(_of_verb, verbs)),
    )


def _after_option(verb: VerbShape, option: Option, value: Value) -> str:
    patterns = "|".join(shlex.quote(f"{verb.name} {name}") for name in option.names)
    return f"        {patterns}) {_complete(value)}return ;;"


def _of_verb(verb: VerbShape) -> str:
    names = _words([name for option in verb.options for name in option.names if name.startswith("--")])
    positionals = "".join(_complete(value) for value in verb.positionals)
    otherwise = f" else {positionals.rstrip('; ')};" if positionals else ""
    return f"        {verb.name}) if [[ $word == -* ]]; then _limbeck_words {names};{otherwise} fi ;;"


def _complete(value: Value) -> str:
    """Returns the commands that complete a value; each ends in `; `."""
    commands = []
    if value.words:
        kind = "settings" if all(word.endswith("=") for word in value.words) else "words"
        commands.append(f"_limbeck_{kind} {_words(value.words)}; ")
    if value.paths:
        commands.append(f"_limbeck_{value.paths}; ")
    return "".join(commands)


def _words(words: Sequence[str]) -> str:
    return " ".join(map(shlex.quote, words))
