"""Tables of predictions as Predictor leaves them: a file a split, all models in it."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from limbeck import files


def write(table: pa.Table, folder: files.Location) -> None:
    """Writes a table into a folder or URI."""
    for split in pc.unique(table["split"]).to_pylist():
        with files.open_to_write(files.join(folder, f"{split}-00000-of-00001.parquet")) as file:
            pq.write_table(table.filter(pc.equal(table["split"], split)), file)
