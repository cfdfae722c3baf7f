"""The file system of `s3://` and `minio://`."""

from __future__ import annotations

import contextlib
import errno
import io
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO, cast

from limbeck.files.filesystem import Visibility
from limbeck.files.s3.connection import Connection, connect
from limbeck.files.s3.errors import python_errors
from limbeck.files.s3.reading import ObjectReader
from limbeck.files.s3.uri import Uri, parse
from limbeck.files.s3.writing import ObjectWriter

_BUFFER_BYTES = 1 << 20
# The most that a store copies in one request. A larger object is copied in parts of this size.
COPY_BYTES = 1 << 30
_SIMULTANEOUS_REMOVALS = 8


class S3FileSystem:
    """Implements `limbeck.files.filesystem.FileSystem` and `ServerSideCopy` with boto3."""

    visibility = Visibility.NETWORK
    opened_by_tensorflow = False

    def open_to_read(self, path: str) -> BinaryIO:
        uri = _file(path)
        return cast("BinaryIO", io.BufferedReader(ObjectReader(path, uri, connect(uri.scheme)), _BUFFER_BYTES))

    @contextlib.contextmanager
    def open_to_write(self, path: str) -> Iterator[BinaryIO]:
        uri = _file(path)
        writer = ObjectWriter(path, uri, connect(uri.scheme))
        stream = io.BufferedWriter(writer, _BUFFER_BYTES)
        try:
            yield cast("BinaryIO", stream)
            if not stream.closed:
                stream.flush()
            writer.complete()
        except BaseException:
            writer.abandon()
            raise
        finally:
            # Closes without writing what is still in the buffer after an error.
            writer.close()

    def exists(self, path: str) -> bool:
        uri = parse(path)
        if uri.key:
            with contextlib.suppress(FileNotFoundError):
                self._head(path)
                return True
        return self.is_folder(path)

    def is_folder(self, path: str) -> bool:
        uri = parse(path)
        with _asking(path) as connection:
            found = connection.client.list_objects_v2(Bucket=uri.bucket, Prefix=uri.prefix, MaxKeys=1)
        # A bucket exists even if it is empty. For a missing bucket, the store would have returned an error.
        return not uri.key or bool(found.get("Contents"))

    def size(self, path: str) -> int:
        return int(self._head(path)["ContentLength"])

    def modified(self, path: str) -> int:
        when = self._head(path)["LastModified"]
        return int(when.timestamp()) * 10**9 + when.microsecond * 1000

    def names(self, folder: str) -> Iterable[str]:
        prefix = parse(folder).prefix
        found = set()
        for page in self._pages(folder, Delimiter="/"):
            found |= {one["Key"][len(prefix) :] for one in page.get("Contents", ())}
            found |= {one["Prefix"][len(prefix) : -1] for one in page.get("CommonPrefixes", ())}
        return found - {""}

    def walk(self, folder: str) -> Iterable[str]:
        return [path for path in self._keys(folder) if path and not path.endswith("/")]

    def make_folder(self, folder: str) -> None:
        """Does nothing: a folder exists as long as a file is in it, and other programs cannot handle a marker."""

    def remove(self, path: str) -> None:
        # A store does not say whether there was anything to remove.
        self._head(path)
        self._delete(path)

    def remove_folder(self, folder: str) -> None:
        uri = parse(folder)

        def remove(path: str) -> None:
            with _asking(folder) as connection:
                connection.client.delete_object(Bucket=uri.bucket, Key=f"{uri.prefix}{path}")

        # Old versions of MinIO do not support boto3's request for many removals.
        with ThreadPoolExecutor(_SIMULTANEOUS_REMOVALS) as pool:
            list(pool.map(remove, self._keys(folder)))

    def copy(self, source: str, target: str) -> None:
        origin, uri = _file(source), _file(target)
        size = self.size(source)
        place: dict[str, Any] = {
            "CopySource": {"Bucket": origin.bucket, "Key": origin.key},
            "Bucket": uri.bucket,
            "Key": uri.key,
        }
        with _asking(target) as connection:
            if size <= COPY_BYTES:
                connection.client.copy_object(**place)
                return
            from boto3.s3.transfer import TransferConfig

            config = TransferConfig(multipart_threshold=COPY_BYTES, multipart_chunksize=COPY_BYTES)
            connection.client.copy(**place, Config=config)

    def rename(self, source: str, target: str) -> None:
        """Copies a file, and then removes the old one. The new file appears as a whole."""
        if parse(source) == parse(target):
            self._head(source)
            return
        self.copy(source, target)
        self._delete(source)

    def _delete(self, path: str) -> None:
        uri = _file(path)
        with _asking(path) as connection:
            connection.client.delete_object(Bucket=uri.bucket, Key=uri.key)

    def _head(self, path: str) -> Any:
        """Returns what is known of a file. Raises FileNotFoundError if there is none."""
        from botocore.exceptions import ClientError

        uri = _file(path)
        try:
            with _asking(path) as connection:
                return connection.client.head_object(Bucket=uri.bucket, Key=uri.key)
        except OSError as error:
            if isinstance(error.__cause__, ClientError):
                # An answer to HEAD has no error code. This request shows whether the bucket is missing.
                self.is_folder(path)
            raise

    def _keys(self, folder: str) -> Iterator[str]:
        """Yields the keys below a folder, relative to it. The key of its own marker is empty."""
        prefix = parse(folder).prefix
        for page in self._pages(folder):
            for one in page.get("Contents", ()):
                path = one["Key"][len(prefix) :]
                if ".." in path.split("/"):
                    # With such a key, a copy to a local folder would write outside of the folder.
                    raise OSError(errno.EINVAL, "a key must not have '..' as a folder: rename it", one["Key"])
                yield path

    def _pages(self, folder: str, **options: str) -> Iterator[Any]:
        uri = parse(folder)
        with _asking(folder) as connection:
            pages = connection.client.get_paginator("list_objects_v2")
            yield from pages.paginate(Bucket=uri.bucket, Prefix=uri.prefix, **options)


def _file(path: str) -> Uri:
    uri = parse(path)
    if not uri.key:
        raise IsADirectoryError(errno.EISDIR, "a bucket is no file", path)
    return uri


@contextlib.contextmanager
def _asking(path: str) -> Iterator[Connection]:
    uri = parse(path)
    connection = connect(uri.scheme)
    with python_errors(path, uri, connection):
        yield connection
