"""What a cluster of Flink or Spark on one machine is made of: one file for each, and a registry."""
