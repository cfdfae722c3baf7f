"""How long a step's process takes to its executor: our entrypoint against TFX's own."""
