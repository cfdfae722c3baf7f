"""Runs a task's whole preprocessing through tensorflow_transform, as stock Transform does."""

import functools

import tensorflow_transform as tft

from limbeck.trainer.data.preprocessing import preprocess


def analyze(task, raw_spec, rows, folder):
    """Writes the transform graph of `rows` (dictionaries of raw values) to `folder/graph`.

    Returns its TFTransformOutput, and the transformed rows as serialized tf.Examples.
    """
    import tensorflow_transform.beam as tft_beam
    from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io

    graph = folder / "graph"
    metadata = dataset_metadata.DatasetMetadata.from_feature_spec(raw_spec)
    with tft_beam.Context(temp_dir=str(folder / "scratch")):
        (transformed, transformed_metadata), function = (
            rows,
            metadata,
        ) | tft_beam.AnalyzeAndTransformDataset(functools.partial(preprocess, task))
        _ = function | tft_beam.WriteTransformFn(str(graph))
    metadata_io.write_metadata(metadata, str(graph / tft.TFTransformOutput.RAW_METADATA_DIR))
    coder = tft.coders.ExampleProtoCoder(transformed_metadata.schema)
    return tft.TFTransformOutput(str(graph)), [coder.encode(row) for row in transformed]
