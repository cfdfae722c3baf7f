"""Maps a function over files with the executors of a Spark cluster."""
