"""Where a training job's processes run: what all launchers share, and a package a launcher.

`limbeck.settings.launcher.LAUNCHERS` knows them by name.
"""
