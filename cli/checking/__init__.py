"""`check`: a small part of a run, in a folder that is thrown away, and what it tells of the data and of the time."""
