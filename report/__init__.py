"""The result of a run: collected from the metadata store, shown to programs and people."""
