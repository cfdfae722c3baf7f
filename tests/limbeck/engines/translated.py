"""Has Beam translate a pipeline: `python -m tests.limbeck.engines.translated FLAG ...`.

In a process of its own: Beam keeps the credentials and the storage that the first pipeline of a process used.
"""

import sys

import apache_beam as beam

if __name__ == "__main__":
    with beam.Pipeline(argv=sys.argv[1:]) as pipeline:
        _ = pipeline | beam.Create([1, 2]) | beam.Map(str) | beam.io.WriteToText("gs://bucket/out")
