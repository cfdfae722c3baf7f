"""What the API server does with a file and with the parameters of a run."""
