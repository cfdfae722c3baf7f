"""The code that each verb runs: a module for each verb, with a function `execute`.

They are apart from `limbeck.cli.verbs`, which declares the arguments: a module here is imported only when its verb is
called.
"""
