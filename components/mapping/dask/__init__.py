"""Maps a function over files with the workers of a Dask cluster."""
