"""The stock taxi pipeline of the tfx package, as a program: `python -m benchmarks.end_to_end.stock ROOT`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def main(root: Path) -> None:
    """Runs the pipeline below a folder, on copies of its data and its module."""
    from tfx.examples.chicago_taxi_pipeline import taxi_pipeline_native_keras as stock
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner

    package = Path(stock.__file__).parent
    if not (root / "data").is_dir():
        shutil.copytree(package / "data" / "simple", root / "data")
        shutil.copy(package / "taxi_utils_native_keras.py", root)
    pipeline = stock._create_pipeline(
        pipeline_name="taxi",
        pipeline_root=str(root / "pipeline"),
        data_root=str(root / "data"),
        module_file=str(root / "taxi_utils_native_keras.py"),
        serving_model_dir=str(root / "serving"),
        metadata_path=str(root / "metadata.sqlite"),
        beam_pipeline_args=[],
    )
    LocalDagRunner().run(pipeline)


def area(root: Path) -> float:
    """Returns the area under the ROC curve of the pushed model on the pipeline's own evaluation split."""
    import numpy as np
    import tensorflow as tf
    from sklearn.metrics import roc_auc_score

    [model] = (root / "serving").iterdir()
    [examples] = (root / "pipeline" / "CsvExampleGen" / "examples").iterdir()
    files = sorted(str(file) for file in (examples / "Split-eval").iterdir())
    rows = list(tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator())
    answer = tf.saved_model.load(str(model)).signatures["serving_default"](tf.constant(rows))
    return float(roc_auc_score([_is_big_tip(row) for row in rows], np.ravel(answer["outputs"])))


def _is_big_tip(row: bytes) -> bool:
    import numpy as np
    import tensorflow as tf

    features = tf.train.Example.FromString(row).features.feature
    # In float32, as the pipeline's own preprocessing computes it.
    tips, fare = (np.float32(features[name].float_list.value[0]) for name in ("tips", "fare"))
    return bool(tips > fare * np.float32(0.2))


if __name__ == "__main__":
    # Before TensorFlow is imported: the model is one of Keras 2.
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    # TFX would install the module with pip before Transform and Trainer. An environment made by uv has no pip.
    os.environ["UNSUPPORTED_DO_NOT_PACKAGE_USER_MODULES"] = "1"
    main(Path(sys.argv[1]))
