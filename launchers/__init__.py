"""Launchers start the processes of training jobs. Each has its own package, beside the modules that all share.

`limbeck.settings.launcher.LAUNCHERS` has them by name.
"""
