"""Declares the arguments of the command line, with a module for each verb.

The modules stay light, because `--help` and shell completion import all of them. What a verb does is in
`limbeck.cli.commands.<name>`, which is imported only when the verb is called.
"""
