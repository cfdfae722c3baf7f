"""What the server keeps of requests. Parts are read as `drift` reads them: by TensorFlow, to their end."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from limbeck.server.recording import Recorder, Recording
from limbeck.server.signature import Signature
from limbeck.server.tensors import RequestError, TensorInfo
from tests.full_disk import full_disk

EXAMPLES = Signature("serving_default", (TensorInfo("examples", "string", (-1,)),), (), lambda _: {})
FEATURES = Signature(
    "serving_tensors",
    (
        TensorInfo("tag", "string", (-1,)),
        TensorInfo("signal", "float32", (-1, 2)),
        TensorInfo("count", "int64", (-1,)),
    ),
    (),
    lambda _: {},
)


def request(rows: int, signal: float = 0.5) -> dict[str, Any]:
    return {
        "tag": np.array([b"a"] * rows, object),
        "signal": np.full([rows, 2], signal, np.float32),
        "count": np.arange(rows),
    }


def rows_in(folder: Path) -> list[Any]:
    files = sorted(str(path) for path in folder.glob("served-*.tfrecord.gz"))
    records = tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator() if files else ()
    return [tf.train.Example.FromString(record).features.feature for record in records]


def counts_in(folder: Path) -> list[int]:
    return [row["count"].int64_list.value[0] for row in rows_in(folder)]


def test_raw_features_become_examples_and_nan_is_no_value(tmp_path: Path):
    recorder = Recorder(Recording(tmp_path, 1.0))
    asked = request(2)
    asked["signal"][1] = np.nan
    recorder.record(FEATURES, asked)
    recorder.close()

    first, second = rows_in(tmp_path)
    assert list(first["tag"].bytes_list.value) == [b"a"]
    assert list(first["signal"].float_list.value) == [0.5, 0.5]
    assert list(second["count"].int64_list.value) == [1]
    assert set(second) == {"tag", "count"}


def test_serialized_examples_are_kept_as_they_came(tmp_path: Path):
    feature = {"x": tf.train.Feature(float_list=tf.train.FloatList(value=[1.0]))}
    sent = tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
    recorder = Recorder(Recording(tmp_path, 1.0))
    recorder.record(EXAMPLES, {"examples": np.array([sent, sent], object)})
    recorder.close()
    assert [list(row["x"].float_list.value) for row in rows_in(tmp_path)] == [[1.0], [1.0]]


def test_rows_are_drawn_one_by_one_and_not_whole_requests(tmp_path: Path):
    recorder = Recorder(Recording(tmp_path, 0.25, rows=10**6), seed=1)
    recorder.record(FEATURES, request(4000))
    recorder.close()
    kept = counts_in(tmp_path)
    assert kept == sorted(set(kept))
    # Of 4,000 draws, within four standard deviations.
    assert len(kept) == pytest.approx(1000, abs=4 * (4000 * 0.25 * 0.75) ** 0.5)


def test_a_part_appears_when_it_is_full_or_old_or_at_the_end(tmp_path: Path):
    now = [0.0]
    recorder = Recorder(Recording(tmp_path, 1.0, rows=5, seconds=60), clock=lambda: now[0])
    recorder.record(FEATURES, request(4))
    assert list(tmp_path.iterdir()) == []
    recorder.record(FEATURES, request(1))
    assert len(counts_in(tmp_path)) == 5
    recorder.record(FEATURES, request(1))
    now[0] = 60.0
    assert len(counts_in(tmp_path)) == 5
    recorder.record(FEATURES, request(1))
    assert len(counts_in(tmp_path)) == 7
    recorder.record(FEATURES, request(2))
    recorder.close()
    assert len(counts_in(tmp_path)) == 9
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_only_the_newest_parts_stay(tmp_path: Path):
    recorder = Recorder(Recording(tmp_path, 1.0, rows=1, parts=3))
    for name in ("served-20200101T000000-a.tfrecord.gz", "served-20200101T000001-b.tfrecord.gz", "mine.txt"):
        (tmp_path / name).touch()
    for _ in range(4):
        recorder.record(FEATURES, request(1))
    assert len(list(tmp_path.glob("served-*"))) == 3
    assert not list(tmp_path.glob("served-2020*"))
    assert (tmp_path / "mine.txt").exists()


def test_recorders_of_several_workers_share_a_folder_and_its_limit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    def work(first: int) -> None:
        recorder = Recorder(Recording(tmp_path, 1.0, rows=1, parts=40))
        for number in range(first, first + 60):
            recorder.record(FEATURES, request(1) | {"count": np.array([number])})
        recorder.close()

    workers = [threading.Thread(target=work, args=[first]) for first in (0, 1000)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert caplog.text == ""
    # Each is whole, and none is that of both.
    counts = counts_in(tmp_path)
    assert len(counts) == len(set(counts)) == len(list(tmp_path.iterdir())) == 40


def test_a_folder_that_cannot_be_written_fails_no_request(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "file").touch()
    recorder = Recorder(Recording(tmp_path / "file", 1.0, rows=1))
    with caplog.at_level(logging.ERROR):
        recorder.record(FEATURES, request(1))
    assert "could not be recorded" in caplog.text
    # And keeps no rows for ever.
    recorder.close()


def test_a_full_disk_keeps_nothing_of_a_part(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """An unfinished file stayed for each part that was lost, and nobody removed them."""
    recorder = Recorder(Recording(tmp_path, 1.0, rows=3))
    with caplog.at_level(logging.CRITICAL), full_disk():
        for _ in range(2):
            recorder.record(FEATURES, request(3))
    assert list(tmp_path.iterdir()) == []
    recorder.record(FEATURES, request(3))
    assert counts_in(tmp_path) == [0, 1, 2]


def test_a_full_disk_at_the_end_is_told_and_no_failure_of_the_server(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """The server had answered all that it was asked, and ended with a traceback of TensorFlow and code 1."""
    recorder = Recorder(Recording(tmp_path, 1.0))
    recorder.record(FEATURES, request(1))
    with caplog.at_level(logging.ERROR), full_disk():
        recorder.close()
    assert "the last rows could not be recorded, and are lost" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_a_request_is_told_when_it_was_answered_and_not_if_it_was_refused():
    told = []

    async def twice(arrays):
        return {"twice": 2 * arrays["count"]}

    signature = Signature(
        "serving_tensors", (TensorInfo("count", "int64", (-1,)),), (), twice,
        answered=lambda one, arrays: told.append((one.name, arrays["count"].tolist())),
    )  # fmt: skip
    assert asyncio.run(signature.answer({"count": [1, 2]}))["twice"].tolist() == [2, 4]
    with pytest.raises(RequestError):
        asyncio.run(signature.answer({"count": ["no number"]}))
    assert told == [("serving_tensors", [1, 2])]


@pytest.mark.parametrize("share", [0.0, 1.5, -1.0])
def test_a_share_that_is_none_is_refused(tmp_path: Path, share: float):
    with pytest.raises(ValueError, match="share must be above 0 and at most 1"):
        Recording(tmp_path, share)
