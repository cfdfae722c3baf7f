"""What a user writes: one package a task, each with a `TASK` and the `config.yaml` it is trained with."""
