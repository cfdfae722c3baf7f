"""Pages beside the report: the statistics of the data, and the metrics of every slice."""
