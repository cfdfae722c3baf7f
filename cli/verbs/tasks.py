"""Declares `tasks`."""

from __future__ import annotations

from limbeck.cli.verbs.verb import Verb

VERB = Verb("tasks", "list the built-in tasks")
