"""Reads raw files (CSV, Parquet, TFRecord) into examples, and says which file and line is at fault."""
