"""What every node of the pipeline is made from."""
