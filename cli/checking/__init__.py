"""`check`: a small part of a run in a temporary folder, and its remarks on the data and the time of a run."""
