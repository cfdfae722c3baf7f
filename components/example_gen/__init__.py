"""Reads raw files (CSV, Parquet, TFRecord) into examples. Errors name the file and line."""
