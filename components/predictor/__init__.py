"""Scores the students once, and collects the predictions and measurements of all models.

Gate and report read the same two artifacts, so they cannot disagree about the answers of a model.

`predictions/<split>-*.parquet` has a row for each model and example of a split: `example_id` string, `split` string,
`model` string (a name of `limbeck.models`), `label` as the task's objective encodes it (classes: int64, -1 if there is
none), `logits` list of float32, the model's output.
`predictions/seeds-*.parquet`, if `student.seeds` is above 1: the same for the test split and the students of further
seeds, with their number from 1 as `seed` int64.
The split `train` has no rows of a compressed student.
`measurements.json` is a `limbeck.components.predictor.tables.Measured`.
"""
