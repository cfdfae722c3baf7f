"""The launcher: what runs as the first process of a step's pod, around the user's command."""
