"""Files that TensorFlow opens: `gs://`, and `ram://`, which exists in one process only and serves tests."""

from __future__ import annotations

import contextlib
import errno
import io
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, cast

from limbeck.files.filesystem import Visibility

_BUFFER_BYTES = 1 << 20


class TensorFlowFileSystem:
    """Implements `limbeck.files.filesystem.FileSystem` with `tf.io.gfile`."""

    opened_by_tensorflow = True

    def __init__(self, visibility: Visibility) -> None:
        """Takes the visibility of its files."""
        self.visibility = visibility

    def open_to_read(self, path: str) -> BinaryIO:
        opened = io.BufferedReader(_Readable(_gfile().GFile(path, "rb"), path), _BUFFER_BYTES)
        # TensorFlow opens a file at its first read. The caller needs an error now.
        opened.peek(1)
        return cast("BinaryIO", opened)

    @contextlib.contextmanager
    def open_to_write(self, path: str) -> Iterator[BinaryIO]:
        with _python_errors(path):
            self._make_room(path)
            file = _gfile().GFile(path, "wb")
            # Without a write, TensorFlow would create no file.
            file.write(b"")
        stream = io.BufferedWriter(_Writable(file, path), _BUFFER_BYTES)
        try:
            yield cast("BinaryIO", stream)
            stream.close()
        except BaseException:
            # Closes without writing what is still in the buffer.
            with contextlib.suppress(OSError):
                stream.raw.close()
            with contextlib.suppress(OSError):
                self.remove(path)
            raise

    def _make_room(self, path: str) -> None:
        """Makes the folder of a file and removes an older file, in `ram://` only.
         `ram://` lists a file only if its folder was made, and appends to a file that exists. In an object store, a
        folder that is made would be a file of its own.
        """
        if self.visibility is Visibility.PROCESS:
            _gfile().makedirs(path.rpartition("/")[0])
            if _gfile().exists(path):
                _gfile().remove(path)

    def exists(self, path: str) -> bool:
        with _python_errors(path):
            return bool(_gfile().exists(path))

    def is_folder(self, path: str) -> bool:
        with _python_errors(path):
            return bool(_gfile().isdir(path))

    def size(self, path: str) -> int:
        with _python_errors(path):
            return int(_gfile().stat(path).length)

    def modified(self, path: str) -> int:
        with _python_errors(path):
            return int(_gfile().stat(path).mtime_nsec)

    def names(self, folder: str) -> Iterable[str]:
        with _python_errors(folder):
            # An object store lists its folders with a slash at the end.
            return [name.rstrip("/") for name in _gfile().listdir(folder)]

    def walk(self, folder: str) -> Iterable[str]:
        root = folder.rstrip("/")
        with _python_errors(folder):
            found = [f"{where.rstrip('/')}/{name}" for where, _, names in _gfile().walk(root) for name in names]
        return [path[len(root) + 1 :] for path in found]

    def make_folder(self, folder: str) -> None:
        with _python_errors(folder):
            _gfile().makedirs(folder)

    def remove(self, path: str) -> None:
        with _python_errors(path):
            _gfile().remove(path)

    def remove_folder(self, folder: str) -> None:
        with _python_errors(folder):
            _gfile().rmtree(folder)

    def rename(self, source: str, target: str) -> None:
        with _python_errors(source):
            _gfile().rename(source, target, overwrite=True)


def _gfile() -> Any:
    import tensorflow as tf

    return tf.io.gfile


@contextlib.contextmanager
def _python_errors(path: str) -> Iterator[None]:
    """Raises Python's errors instead of TensorFlow's. So no caller has to import TensorFlow to catch one."""
    import tensorflow as tf

    codes = {
        tf.errors.NotFoundError: errno.ENOENT,
        tf.errors.PermissionDeniedError: errno.EACCES,
        tf.errors.UnauthenticatedError: errno.EACCES,
        tf.errors.ResourceExhaustedError: errno.ENOSPC,
        tf.errors.InvalidArgumentError: errno.EINVAL,
        tf.errors.FailedPreconditionError: errno.EINVAL,
        tf.errors.UnimplementedError: errno.EINVAL,
    }
    try:
        yield
    except tf.errors.OpError as error:
        # The other codes may be temporary: UNAVAILABLE (HTTP 502, 503 and 429), DEADLINE_EXCEEDED, ABORTED, INTERNAL,
        # CANCELLED, and UNKNOWN, which TensorFlow uses for errors without a code, such as EIO.
        code = codes.get(type(error), errno.EIO)
        # OSError chooses its subclass by the code: FileNotFoundError, PermissionError.
        raise OSError(code, error.message or "no such file or folder", path) from error


class _Readable(io.RawIOBase):
    """Adds the methods that Python's readers need to a GFile, which only has read, seek, tell, size and close."""

    def __init__(self, file: Any, path: str) -> None:
        super().__init__()
        self._file, self._path = file, path

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _python_errors(self._path):
            content = self._file.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        # From the end, TensorFlow counts with the opposite sign.
        origin = 0 if whence == io.SEEK_SET else self.tell() if whence == io.SEEK_CUR else self._size()
        with _python_errors(self._path):
            self._file.seek(origin + offset)
        return self.tell()

    def tell(self) -> int:
        with _python_errors(self._path):
            return int(self._file.tell())

    def _size(self) -> int:
        with _python_errors(self._path):
            return int(self._file.size())

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class _Writable(io.RawIOBase):
    """Adds the methods that Python's writers need to a GFile. It is not seekable, as an object store requires."""

    def __init__(self, file: Any, path: str) -> None:
        super().__init__()
        self._file, self._path = file, path

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        with _python_errors(self._path):
            self._file.write(bytes(data))
        return len(data)

    def close(self) -> None:
        if not self.closed:
            with _python_errors(self._path):
                self._file.close()
        super().close()
