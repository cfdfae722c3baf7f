"""The files and commands of a Flink or Spark cluster on one machine: one module for each, and a registry."""
