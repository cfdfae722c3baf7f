"""Launchers: where the processes of a training job run. A package for each, and the modules that all share.

`limbeck.settings.launcher.LAUNCHERS` has them by name.
"""
