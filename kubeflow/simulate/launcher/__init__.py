"""The launcher: the first process of a step's pod, which runs the user's command."""
