"""The same functions on a local folder, on TensorFlow's `ram://` and on an object store."""

import errno
import io
import os
import subprocess
import sys
import uuid
from pathlib import Path

import numpy as np
import pytest

from limbeck import files
from limbeck.errors import ConfigError
from limbeck.files import Visibility

PROJECT = Path(__file__).parents[3]


@pytest.fixture(params=["path", "file", "ram", "s3", "minio"])
def folder(request, tmp_path, monkeypatch):
    """A folder of each kind; whatever is done there, nothing lands in the working directory."""
    here = tmp_path / "working-directory"
    here.mkdir()
    monkeypatch.chdir(here)
    if request.param in ("s3", "minio"):
        yield f"{request.param}://{request.getfixturevalue('bucket')}/there"
    else:
        yield {
            "path": str(tmp_path / "there"),
            "file": f"file://{tmp_path}/there",
            "ram": f"ram://{uuid.uuid4().hex}/there",
        }[request.param]
    assert list(here.iterdir()) == []


def test_what_is_written_is_read(folder):
    files.write_text(f"{folder}/a/b.txt", "grüße\n")
    assert files.read_text(f"{folder}/a/b.txt") == "grüße\n"
    assert files.read_bytes(f"{folder}/a/b.txt") == "grüße\n".encode()
    assert files.size(f"{folder}/a/b.txt") == len("grüße\n".encode())
    files.write_bytes(f"{folder}/a/b.txt", b"")
    assert files.read_bytes(f"{folder}/a/b.txt") == b""


def test_folders_are_listed_and_walked(folder):
    assert files.names(folder) == files.walk(folder) == []
    assert not files.exists(folder) and not files.is_folder(folder)
    for path in ("b/2", "b/1", "a", "b/c/3"):
        files.write_text(files.join(folder, path), path)
    assert files.names(folder) == ["a", "b"]
    assert files.walk(folder) == files.walk(f"{folder}/") == ["a", "b/1", "b/2", "b/c/3"]
    assert files.exists(folder) and files.is_folder(folder) and files.is_folder(f"{folder}/b")
    assert files.exists(f"{folder}/a") and not files.is_folder(f"{folder}/a")
    assert files.folder_bytes(folder) == 1 + 3 + 3 + 5


def test_files_and_folders_are_removed_and_renamed(folder):
    for name in ("a", "b", "c/d"):
        files.write_text(f"{folder}/{name}", name)
    files.rename(f"{folder}/a", f"{folder}/b")
    assert files.read_text(f"{folder}/b") == "a"
    assert files.names(folder) == ["b", "c"]
    files.remove(f"{folder}/b")
    files.remove(f"{folder}/b", missing_ok=True)
    with pytest.raises(FileNotFoundError):
        files.remove(f"{folder}/b")
    files.remove_folder(f"{folder}/c")
    files.remove_folder(f"{folder}/c")
    assert files.walk(folder) == []


def test_what_is_missing_is_told_when_it_is_opened(folder):
    with pytest.raises(FileNotFoundError):
        files.open_to_read(f"{folder}/nothing")
    for function in (files.size, files.modified, files.read_text):
        with pytest.raises(FileNotFoundError):
            function(f"{folder}/nothing")


def test_a_stream_has_positions_as_a_table_or_an_archive_needs_them(folder):
    numbers = np.arange(1000, dtype=np.int64)
    with files.open_to_write(f"{folder}/numbers.npz") as file:
        np.savez(file, numbers=numbers)
    with files.open_to_read(f"{folder}/numbers.npz") as file, np.load(file) as stored:
        np.testing.assert_array_equal(stored["numbers"], numbers)
    files.write_bytes(f"{folder}/letters", b"abcdefgh")
    with files.open_to_read(f"{folder}/letters") as file:
        assert (file.seek(-3, io.SEEK_END), file.read(2)) == (5, b"fg")
        assert (file.seek(-6, io.SEEK_CUR), file.read()) == (1, b"bcdefgh")


def test_what_is_broken_off_leaves_nothing_behind(folder):
    with pytest.raises(KeyError), files.open_to_write(f"{folder}/half") as file:
        file.write(b"half")
        raise KeyError
    assert files.walk(folder) == []


def test_what_is_broken_off_leaves_an_older_file_as_it_was(folder):
    if folder.startswith("ram://"):
        pytest.skip("TensorFlow's file in memory is emptied when it is opened")
    files.write_text(f"{folder}/file", "old")
    with pytest.raises(KeyError), files.open_to_write(f"{folder}/file") as file:
        file.write(b"new, but only half of i")
        raise KeyError
    assert files.read_text(f"{folder}/file") == "old"
    assert files.walk(folder) == ["file"]


def test_folders_whose_names_begin_alike_are_told_apart(folder):
    if folder.startswith("ram://"):
        pytest.skip("TensorFlow's files in memory are mixed up")
    for name in ("model/a", "model_run/b", "model.txt"):
        files.write_text(f"{folder}/{name}", name)
    assert files.walk(f"{folder}/model") == files.names(f"{folder}/model") == ["a"]
    assert files.names(folder) == ["model", "model.txt", "model_run"]
    assert not files.exists(f"{folder}/mode") and not files.is_folder(f"{folder}/mode")
    files.copy_folder(f"{folder}/model", f"{folder}/copy")
    assert files.walk(f"{folder}/copy") == ["a"]
    files.remove_folder(f"{folder}/model")
    assert files.walk(folder) == ["copy/a", "model.txt", "model_run/b"]


def test_a_file_is_copied_and_replaces_another(folder):
    files.write_text(f"{folder}/a", "new")
    files.write_text(f"{folder}/b/c", "old")
    files.copy(f"{folder}/a", f"{folder}/b/c")
    assert files.read_text(f"{folder}/b/c") == files.read_text(f"{folder}/a") == "new"
    with pytest.raises(FileNotFoundError):
        files.copy(f"{folder}/nothing", f"{folder}/b/c")
    with pytest.raises(FileNotFoundError):
        files.rename(f"{folder}/nothing", f"{folder}/b/c")
    files.rename(f"{folder}/a", f"{folder}/a")
    assert files.read_text(f"{folder}/a") == files.read_text(f"{folder}/b/c") == "new"


def test_names_need_not_be_plain(folder):
    names = ["a b", "grüße", "per%20cent", "plus+", "que?ry", "ha#sh", "[1]"]
    for name in names:
        files.write_text(f"{folder}/{name}/{name}", name)
    assert files.names(folder) == sorted(names)
    assert files.walk(folder) == sorted(f"{name}/{name}" for name in names)
    assert [files.read_text(f"{folder}/{name}/{name}") for name in names] == names
    for name in names:
        files.copy(f"{folder}/{name}/{name}", f"{folder}/{name}/copy")
        files.rename(f"{folder}/{name}/copy", f"{folder}/{name}/{name}")
        assert files.walk(f"{folder}/{name}") == [name]
    files.remove_folder(folder)
    assert files.walk(folder) == []


def test_what_is_written_locally_is_copied_at_the_end(folder):
    with files.written_locally(f"{folder}/made") as local:
        (Path(local) / "a").mkdir(parents=True)
        (Path(local) / "a" / "b").write_text("b")
    assert files.read_text(f"{folder}/made/a/b") == "b"
    assert Path(local).exists() == files.is_local(folder)
    with pytest.raises(KeyError), files.written_locally(f"{folder}/broken") as local:
        raise KeyError
    assert files.walk(f"{folder}/broken") == []


def test_a_local_file_is_replaced_as_a_whole_or_not_at_all(tmp_path):
    file = tmp_path / "file"
    files.write_text(file, "old")
    with pytest.raises(KeyError), files.open_to_write(file) as opened:
        opened.write(b"new, but only half of i")
        opened.flush()
        assert file.read_text() == "old"
        raise KeyError
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_folders_are_copied_between_file_systems(folder, tmp_path):
    original = tmp_path / "original"
    for name in ("a", "b/c"):
        files.write_text(original / name, name)
    files.copy_folder(original, folder)
    assert files.walk(folder) == ["a", "b/c"]
    files.copy_folder(folder, tmp_path / "back")
    assert (tmp_path / "back" / "b" / "c").read_text() == "b/c"


def test_a_local_copy_is_the_folder_itself_or_one_copy_a_process(folder):
    files.write_text(f"{folder}/a", "a")
    copied = files.local_copy(folder)
    assert (Path(copied) / "a").read_text() == "a"
    assert files.local_copy(folder) == copied
    assert (copied == folder.removeprefix("file://")) == files.is_local(folder)


def test_a_local_copy_of_nothing_is_refused():
    with pytest.raises(FileNotFoundError, match="no files in ram://nothing"):
        files.local_copy("ram://nothing")


def test_a_local_copy_goes_with_its_process():
    script = (
        "from limbeck import files;"
        "files.write_text('ram://x/a', 'a');"
        "print(files.local_copy('ram://x'), flush=True)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() and not Path(done.stdout.strip()).exists()


def test_an_unknown_scheme_is_told_with_the_known_ones():
    with pytest.raises(ConfigError) as caught:
        files.write_text("gz://bucket/file", "x")
    assert str(caught.value) == (
        "gz://bucket/file cannot be opened: there is no file system for 'gz://'. Did you mean 'gs://'? "
        "Known: paths of this machine, file://, gs://, minio://, ram://, s3://"
    )
    with pytest.raises(ConfigError, match="no file system for 'hdfs://'"):
        files.exists("hdfs://name/file")


def test_a_scheme_is_a_line_in_the_registry(monkeypatch, tmp_path):
    from limbeck.files import filesystem
    from limbeck.files.local import LocalFileSystem

    class Elsewhere(LocalFileSystem):
        visibility = Visibility.NETWORK

        def open_to_read(self, path):
            return super().open_to_read(str(tmp_path / path.removeprefix("toy://")))

    monkeypatch.setitem(filesystem.FILE_SYSTEMS, "toy", Elsewhere)
    (tmp_path / "x").write_text("found")
    assert files.read_text("toy://x") == "found"
    assert files.visibility("toy://x") is Visibility.NETWORK


def test_who_sees_a_file():
    found = [files.visibility(one) for one in ("ram://x", "/x", "file:///x", "gs://x", "s3://x", "minio://x")]
    assert found == [Visibility.PROCESS, *[Visibility.MACHINE] * 2, *[Visibility.NETWORK] * 3]
    assert found == sorted(found)


def test_a_file_keeps_its_file_system_when_it_is_renamed(tmp_path):
    with pytest.raises(ValueError, match="keeps its file system"):
        files.rename("ram://x", tmp_path / "x")


def test_python_errors_stand_for_those_of_tensorflow(tmp_path):
    """A folder that may not be written to, opened by TensorFlow's file system for local paths."""
    from limbeck.files.tensorflow import TensorFlowFileSystem

    if os.geteuid() == 0:
        path = "/proc/no-such-folder/x"
    else:
        (tmp_path / "closed").mkdir(mode=0o500)
        path = str(tmp_path / "closed" / "x")
    with pytest.raises(OSError) as caught, TensorFlowFileSystem(Visibility.NETWORK).open_to_write(path):
        pass
    assert caught.value.errno in {errno.EACCES, errno.ENOENT}
    assert caught.value.filename == path


def test_local_files_need_no_tensorflow(tmp_path):
    script = (
        "import sys; from limbeck import files;"
        f"files.write_text('{tmp_path}/a/b', 'x'); files.copy_folder('{tmp_path}/a', '{tmp_path}/c');"
        f"files.remove_folder('{tmp_path}/a'); files.local_copy('{tmp_path}/c');"
        "sys.exit('tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT, check=True)
