"""The report: the result of a run, for programs and for people."""
