"""The simulated Cloud Storage, asked by Google's own client; and its listing against the definition, on many keys."""

import itertools
import socket
import ssl

import pytest
from google.api_core.exceptions import NotFound
from google.cloud import storage

from limbeck.kubeflow.simulate.bucket import Bucket
from limbeck.kubeflow.simulate.buckets import Buckets
from limbeck.kubeflow.simulate.vertex.storage import listing
from limbeck.kubeflow.simulate.vertex.storage.api import Api, Request
from limbeck.kubeflow.simulate.vertex.storage.server import serving

MEBIBYTE = 1024 * 1024


@pytest.fixture
def variables(tmp_path):
    with serving(Buckets(tmp_path / "buckets"), tmp_path / "server") as found:
        yield found


@pytest.fixture
def bucket(variables, monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", variables["STORAGE_EMULATOR_HOST"])
    return storage.Client.create_anonymous_client().bucket("lab")


def test_what_is_written_is_read(bucket):
    bucket.blob("a/b c").upload_from_string(b"\r\n--\x00binary\r\n")
    assert bucket.blob("a/b c").download_as_bytes() == b"\r\n--\x00binary\r\n"
    assert bucket.blob("a/b c").download_as_bytes(start=2, end=3) == b"--"
    assert bucket.get_blob("a/b c").size == 13 and bucket.get_blob("a") is None
    with pytest.raises(NotFound):
        bucket.blob("a").download_as_bytes()


def test_large_objects_come_in_pieces(bucket):
    content = bytes(range(256)) * 4096 * 2
    with bucket.blob("large").open("wb", chunk_size=MEBIBYTE // 2) as stream:
        stream.write(content)
    with bucket.blob("large").open("rb", chunk_size=MEBIBYTE // 4) as stream:
        assert stream.read() == content


def test_listings_roll_up_folders_and_come_in_pages(bucket):
    for key in ("a/1", "a/2", "b", "c/d/e", "c/"):
        bucket.blob(key).upload_from_string(b"")
    found = bucket.list_blobs(delimiter="/", page_size=1)
    assert [blob.name for blob in found] == ["b"] and found.prefixes == {"a/", "c/"}
    assert [blob.name for blob in bucket.list_blobs(prefix="c/", page_size=1)] == ["c/", "c/d/e"]


def test_objects_are_copied_renamed_and_deleted(bucket):
    bucket.blob("a").upload_from_string(b"1")
    bucket.copy_blob(bucket.blob("a"), bucket, "b")
    bucket.rename_blob(bucket.blob("a"), "c")
    bucket.blob("b").delete()
    assert [blob.name for blob in bucket.list_blobs()] == ["c"]
    with pytest.raises(NotFound):
        bucket.blob("b").delete()


def test_a_batch_does_each_of_its_parts(bucket):
    for key in "abc":
        bucket.blob(key).upload_from_string(b"")
    with bucket.client.batch(raise_exception=False) as batch:
        for key in "axc":
            bucket.blob(key).delete()
    assert [response.status_code for response in batch._responses] == [204, 404, 204]
    assert [blob.name for blob in bucket.list_blobs()] == ["b"]


def test_a_tunnel_leads_to_cloud_storage_and_nowhere_else(variables, tmp_path):
    def connect(host):
        name, port = variables["https_proxy"].removeprefix("http://").split(":")
        connection = socket.create_connection((name, int(port)))
        connection.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        answer = connection.recv(1000)
        if b" 200 " not in answer.splitlines()[0]:
            connection.close()
            return None
        context = ssl.create_default_context(cafile=str(tmp_path / "server/shown/storage.pem"))
        return context.wrap_socket(connection, server_hostname=host)

    assert connect("example.org") is None
    with connect("www.googleapis.com") as connection:
        connection.sendall(b"GET /storage/v1/b/lab HTTP/1.1\r\nHost: www.googleapis.com\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    # The key stays where no container sees it.
    assert [path.name for path in (tmp_path / "server/shown").iterdir()] == ["storage.pem"]


def test_what_is_not_simulated_says_so(tmp_path):
    answer = Api(Buckets(tmp_path)).answer(Request("PATCH", "/storage/v1/b/lab/o/a"))
    assert answer.status == 501 and b"PATCH /storage/v1/b/lab/o/a is not simulated" in answer.body


@pytest.mark.parametrize("delimiter", ["", "/"])
@pytest.mark.parametrize("prefix", ["", "a", "a/", "a/b/", "x"])
@pytest.mark.parametrize("maximum", [1, 2, 1000])
def test_pages_together_are_the_whole_listing(prefix, delimiter, maximum):
    keys = sorted(
        "".join(parts) for parts in itertools.product(("a", "b", "é"), ("/", "-"), ("b/c", "b", "", "é"))
    )
    below = [key for key in keys if key.startswith(prefix)]
    rolled = {key: delimiter and delimiter in key[len(prefix) :] for key in below}
    prefixes = {key[: key.index(delimiter, len(prefix)) + 1] for key in below if rolled[key]}

    found, token = [], ""
    while True:
        page = listing.page(keys, prefix=prefix, delimiter=delimiter, token=token, maximum=maximum)
        assert len(page.keys) + len(page.prefixes) <= maximum
        found.append(page)
        token = page.token
        if not token:
            break
    assert [key for page in found for key in page.keys] == [key for key in below if not rolled[key]]
    assert [each for page in found for each in page.prefixes] == sorted(prefixes, key=str.encode)


def test_a_deleted_object_takes_no_folder_with_it_that_another_needs(tmp_path):
    bucket = Bucket(tmp_path / "lab")
    for key in ("a", "a/b", "a/c/d", "a/"):
        bucket.put_text(key, key)
    assert bucket.delete("a/c/d") and not bucket.delete("a/c/d") and not bucket.delete("a/c")
    assert bucket.delete("a")
    assert bucket.keys() == ["a/", "a/b"] and bucket.read("a/b") == b"a/b" and bucket.read("a") is None
