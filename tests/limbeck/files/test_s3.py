"""An object store as files, on a real S3 server: what it lists, and what happens when it fails."""

import errno
import io
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from limbeck import files
from limbeck.errors import ConfigError
from limbeck.files.s3 import connection, filesystem, writing
from tests.object_store import KEYS, Fault, breaks_off, hangs, refuses

PROJECT = Path(__file__).parents[3]
PART = 5 << 20


@pytest.fixture
def root(bucket):
    return f"s3://{bucket}"


@pytest.fixture
def quick(monkeypatch):
    """One try a request, so that a store that stays away is told at once."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.fixture
def small_parts(monkeypatch):
    """Parts as small as S3 allows."""
    monkeypatch.setattr(writing, "PART_BYTES", PART)


def content(size):
    return np.random.default_rng(size).bytes(size)


def keys(server, bucket):
    return sorted(one["Key"] for one in server.client().list_objects_v2(Bucket=bucket).get("Contents", ()))


def uploads(server, bucket):
    return server.client().list_multipart_uploads(Bucket=bucket).get("Uploads", [])


def asked(server, bucket, method):
    return [one for one in server.requests if one.path.startswith(f"/{bucket}") and one.method == method]


# ---- what is listed


def test_more_files_than_a_page_holds(root, bucket, object_store):
    names = [f"{number:04}" for number in range(1005)]
    object_store.fill(bucket, (f"many/{name}" for name in names))
    object_store.fill(bucket, (f"folders/{name}/x" for name in names))
    assert files.walk(f"{root}/many") == files.names(f"{root}/many") == files.names(f"{root}/folders") == names
    assert len(files.walk(root)) == 2 * 1005
    assert len([one for one in asked(object_store, bucket, "GET") if "continuation-token" in one.query]) == 5


def test_the_marker_of_a_folder_is_a_folder_and_no_file(root, bucket, object_store):
    client = object_store.client()
    for key in ("data/", "data/train/", "data/train/a"):
        client.put_object(Bucket=bucket, Key=key, Body=b"a" if key.endswith("a") else b"")
    assert files.walk(f"{root}/data") == ["train/a"]
    assert files.names(root) == ["data"] and files.names(f"{root}/data") == ["train"]
    assert files.names(f"{root}/data/train") == ["a"]
    assert files.is_folder(f"{root}/data/train") and files.folder_bytes(root) == 1
    files.remove(f"{root}/data/train/a")
    assert files.is_folder(f"{root}/data/train") and files.names(f"{root}/data/train") == []
    with pytest.raises(FileNotFoundError):
        files.open_to_read(f"{root}/data/train")
    files.remove_folder(f"{root}/data")
    assert keys(object_store, bucket) == []


def test_a_name_may_be_a_file_and_a_folder(root):
    files.write_text(f"{root}/a", "file")
    files.write_text(f"{root}/a/b", "in a folder")
    assert files.names(root) == ["a"] and files.walk(root) == ["a", "a/b"]
    files.remove_folder(f"{root}/a")
    assert files.walk(root) == ["a"]


def test_a_bucket_is_a_folder(root):
    assert files.exists(root) and files.is_folder(f"{root}/") and files.walk(root) == files.names(root) == []
    for function in (files.open_to_read, files.size, files.remove):
        with pytest.raises(IsADirectoryError, match="a bucket is no file"):
            function(root)


def test_an_empty_folder_is_never_made(root, bucket, object_store):
    files.make_folder(f"{root}/a/b")
    assert keys(object_store, bucket) == [] and not files.exists(f"{root}/a")


def test_a_key_that_leads_out_of_its_folder_is_not_copied(root, bucket, object_store, tmp_path):
    object_store.client().put_object(Bucket=bucket, Key="data/../../escaped", Body=b"x")
    with pytest.raises(OSError, match=r"must not have '\.\.' as a folder"):
        files.copy_folder(f"{root}/data", tmp_path / "a" / "b")
    assert not list(tmp_path.rglob("escaped"))


@pytest.mark.parametrize("uri", ["s3:///key", "s3://", "minio://key:pass@host/key", "s3://a b/key"])
def test_a_uri_without_a_bucket_is_refused_and_not_repeated(uri):
    with pytest.raises(ConfigError, match=r"must be (s3|minio)://BUCKET/KEY") as caught:
        files.exists(uri)
    assert "pass" not in str(caught.value).replace("password", "")


# ---- what is written appears as a whole


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 2 * PART, 3 * PART + 17])
def test_what_is_written_in_parts_is_read_as_a_whole(root, bucket, object_store, small_parts, size):
    written = content(size)
    with files.open_to_write(f"{root}/file") as file:
        for begin in range(0, size, 1_000_003):
            file.write(written[begin : begin + 1_000_003])
    assert files.read_bytes(f"{root}/file") == written
    assert len([one for one in asked(object_store, bucket, "PUT") if one.is_part()]) == (
        0 if size < PART else -(-size // PART)
    )
    assert uploads(object_store, bucket) == []


def test_nothing_is_seen_before_the_end(root, bucket, object_store, small_parts):
    files.write_text(f"{root}/file", "old")
    with files.open_to_write(f"{root}/file") as file, files.open_to_write(f"{root}/new") as new:
        for one in (file, new):
            one.write(content(PART + 1))
            one.flush()
        assert len(uploads(object_store, bucket)) == 2
        assert files.read_text(f"{root}/file") == "old" and files.names(root) == ["file"]
    assert files.size(f"{root}/file") == files.size(f"{root}/new") == PART + 1


def test_an_error_in_the_midst_of_parts_removes_them(root, bucket, object_store, small_parts):
    with pytest.raises(KeyError), files.open_to_write(f"{root}/file") as file:
        file.write(content(2 * PART))
        raise KeyError
    assert files.walk(root) == [] and uploads(object_store, bucket) == []


def test_a_part_that_is_refused_leaves_nothing(root, bucket, object_store, small_parts, quick):
    fault = Fault(
        lambda one: one.is_part() and "partNumber=2" in one.query, refuses("507 Full", "XMinioStorageFull")
    )
    with (
        object_store.fault(fault),
        pytest.raises(OSError, match="is full") as caught,
        files.open_to_write(f"{root}/file") as file,
    ):
        file.write(content(3 * PART))
    assert caught.value.errno == errno.ENOSPC and caught.value.filename == f"{root}/file"
    assert files.walk(root) == [] and uploads(object_store, bucket) == []


@pytest.mark.processes
def test_a_process_killed_in_the_midst_of_an_upload_leaves_nothing_to_see(root, bucket, object_store):
    """Its parts stay in the store, out of sight; that they are there shows that it was killed in the midst."""
    script = (
        "import sys\n"
        "from limbeck import files\n"
        "with files.open_to_write(sys.argv[1]) as file:\n"
        "    for _ in range(64):\n"
        "        file.write(bytes(1 << 20))\n"
    )
    released = threading.Event()
    fault = Fault(lambda one: one.is_part() and "partNumber=3" in one.query, hangs(released))
    with object_store.fault(fault):
        process = subprocess.Popen([sys.executable, "-c", script, f"{root}/a/file"], cwd=PROJECT)
        assert fault.met.wait(300.0)
        process.kill()
        process.wait()
        released.set()
    assert len(uploads(object_store, bucket)) == 1
    assert files.walk(root) == [] and not files.exists(f"{root}/a/file") and not files.exists(f"{root}/a")
    files.write_text(f"{root}/a/file", "whole")
    assert files.read_text(f"{root}/a/file") == "whole"


def test_parts_grow_so_that_a_large_file_fits():
    sizes = [writing.part_bytes(number) for number in range(10_000)]
    assert sum(sizes) > 400 << 30 and max(sizes) < 5 << 30 and sizes[0] == 8 << 20


# ---- copies within the store


def test_a_store_copies_by_itself(root, bucket, object_store, monkeypatch):
    monkeypatch.setattr(filesystem, "COPY_BYTES", PART)
    sizes = {"empty": 0, "small": 1000, "large": 2 * PART + 17}
    for name, size in sizes.items():
        object_store.client().put_object(Bucket=bucket, Key=f"from/{name}", Body=content(size))
    before = len(object_store.requests)
    files.copy_folder(f"{root}/from", f"{root}/to")
    files.rename(f"{root}/to/large", f"{root}/to/renamed")
    done = object_store.requests[before:]
    assert not [one for one in done if one.method == "GET" and "list-type" not in one.query]
    assert all(one.copies for one in done if one.method == "PUT")
    assert files.names(f"{root}/to") == ["empty", "renamed", "small"]
    assert files.read_bytes(f"{root}/to/renamed") == content(sizes["large"])


def test_a_file_goes_from_one_store_to_another(root, bucket):
    files.write_text(f"{root}/a", "a")
    files.copy(f"{root}/a", f"minio://{bucket}/b")
    assert files.read_text(f"{root}/b") == "a"
    with pytest.raises(ValueError, match="keeps its file system"):
        files.rename(f"{root}/a", f"minio://{bucket}/b")


# ---- reading


def test_a_seek_asks_for_the_rest_from_there(root, bucket, object_store):
    written = content(3 << 20)
    files.write_bytes(f"{root}/file", written)
    with files.open_to_read(f"{root}/file") as file:
        assert file.read(10) == written[:10]
        for where in (2 << 20, 17, len(written) - 5, len(written), len(written) + 9):
            file.seek(where)
            assert (file.tell(), file.read(100)) == (where, written[where : where + 100])
        assert file.seek(-7, io.SEEK_END) == len(written) - 7 and file.read() == written[-7:]
        with pytest.raises(ValueError, match="negative"):
            file.seek(-1)
    before = len(asked(object_store, bucket, "GET"))
    with files.open_to_read(f"{root}/file") as file:
        assert file.read() == written
    assert len(asked(object_store, bucket, "GET")) == before + 1


def test_a_connection_that_breaks_is_made_anew(root, bucket, object_store):
    written = content(2 << 20)
    files.write_bytes(f"{root}/file", written)
    for after in (0, 1, 1 << 20, len(written) - 1):
        fault = Fault(lambda one: one.path.endswith("/file") and one.method == "GET", breaks_off(after), times=2)
        with object_store.fault(fault), files.open_to_read(f"{root}/file") as file:
            assert file.read() == written
        assert fault.times == 0


def test_a_connection_that_always_breaks_is_an_error(root, object_store):
    files.write_bytes(f"{root}/file", content(1 << 20))
    fault = Fault(lambda one: one.path.endswith("/file") and one.method == "GET", breaks_off(0), times=10**6)
    with (
        object_store.fault(fault),
        files.open_to_read(f"{root}/file") as file,
        pytest.raises(ConnectionResetError) as caught,
    ):
        file.read()
    assert caught.value.filename == f"{root}/file"


def test_parts_of_two_versions_are_not_mixed(root):
    files.write_bytes(f"{root}/file", content(3 << 20))
    with files.open_to_read(f"{root}/file") as file:
        file.read(1)
        files.write_bytes(f"{root}/file", content(4 << 20))
        file.seek(2 << 20)
        with pytest.raises(OSError, match="was replaced while it was read") as caught:
            file.read(1)
    assert caught.value.errno == errno.ESTALE


# ---- faults


@pytest.mark.parametrize(
    "operation",
    [
        lambda root: files.read_text(f"{root}/file"),
        lambda root: files.write_text(f"{root}/file", "text"),
        files.names,
        files.walk,
        lambda root: files.size(f"{root}/file"),
        lambda root: files.copy(f"{root}/file", f"{root}/copy"),
        lambda root: files.remove(f"{root}/file"),
        lambda root: files.exists(f"{root}/file"),
        files.remove_folder,
    ],
)
def test_a_store_that_is_busy_for_a_moment_is_asked_again(root, bucket, object_store, operation):
    files.write_text(f"{root}/file", "text")
    fault = Fault(lambda one: one.path.startswith(f"/{bucket}"), refuses("503 Slow Down", "SlowDown"))
    with object_store.fault(fault):
        operation(root)
    assert fault.times == 0


def test_a_store_that_stays_busy_is_told(root, bucket, object_store, quick):
    fault = Fault(lambda one: one.path.startswith(f"/{bucket}"), refuses("503 Slow Down", "SlowDown"), times=10**6)
    with object_store.fault(fault):
        for operation in (files.read_text, files.size, files.exists, lambda uri: files.write_text(uri, "x")):
            with pytest.raises(OSError, match="answered 503") as caught:
                operation(f"{root}/file")
            # What `limbeck.trainer.recovery.storage_faults` tries again.
            assert caught.value.errno == errno.EBUSY


def test_a_missing_bucket_is_no_missing_file(object_store, bucket):
    for operation in (
        files.names, files.walk, files.exists, files.read_text, files.size, files.remove_folder,
        lambda uri: files.write_text(f"{uri}/x", "x"),
    ):  # fmt: skip
        with pytest.raises(OSError, match=r"there is no bucket 'nowhere-at-all'.*AWS_ENDPOINT_URL_S3") as caught:
            operation("s3://nowhere-at-all/folder")
        assert not isinstance(caught.value, FileNotFoundError)
    with pytest.raises(OSError, match=r"there is no bucket 'nowhere-at-all'.*MINIO_ENDPOINT"):
        files.names("minio://nowhere-at-all")


def test_no_credentials(root, monkeypatch):
    for name in KEYS:
        monkeypatch.delenv(name)
    for operation in (files.names, files.exists, files.read_text, lambda uri: files.write_text(uri, "x")):
        with pytest.raises(PermissionError, match="there are no credentials: set AWS_ACCESS_KEY_ID") as caught:
            operation(f"{root}/file")
        assert caught.value.filename == f"{root}/file"


@pytest.mark.parametrize("scheme", ["s3", "minio"])
def test_half_of_a_pair_of_credentials(bucket, monkeypatch, scheme):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY" if scheme == "s3" else "MINIO_SECRET_KEY")
    with pytest.raises(ConfigError, match="Partial credentials"):
        files.exists(f"{scheme}://{bucket}/file")


@pytest.fixture
def user(object_store, bucket):
    """Somebody who may read and list, and no more, on a server that checks it."""
    people = object_store.client("iam")
    name = f"reader-of-{bucket}"
    people.create_user(UserName=name)
    people.put_user_policy(
        UserName=name,
        PolicyName="reads",
        PolicyDocument='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": '
        '["s3:GetObject", "s3:ListBucket"], "Resource": "*"}]}',
    )
    key = people.create_access_key(UserName=name)["AccessKey"]
    files.write_text(f"s3://{bucket}/file", "text")
    with object_store.checking_credentials():
        yield key


def as_user(monkeypatch, key, secret):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)


def test_what_is_not_allowed_is_a_permission_error(root, user, monkeypatch):
    as_user(monkeypatch, user["AccessKeyId"], user["SecretAccessKey"])
    assert files.read_text(f"{root}/file") == "text" and files.names(root) == ["file"]
    for operation in (
        lambda: files.write_text(f"{root}/file", "x"),
        lambda: files.remove(f"{root}/file"),
        lambda: files.remove_folder(root),
    ):
        with pytest.raises(PermissionError, match=r"access is denied .* need s3:GetObject, s3:PutObject"):
            operation()
    assert files.read_text(f"{root}/file") == "text"


@pytest.mark.parametrize("wrong", ["key", "secret"])
def test_credentials_that_the_store_does_not_know(root, user, monkeypatch, wrong):
    as_user(
        monkeypatch,
        "AKIAIOSFODNN7EXAMPLE" if wrong == "key" else user["AccessKeyId"],
        "wrong" if wrong == "secret" else user["SecretAccessKey"],
    )
    for operation in (
        files.read_text,
        files.size,
        files.exists,
        files.names,
        lambda uri: files.write_text(uri, "x"),
    ):
        with pytest.raises(
            PermissionError, match=r"does not take the credentials .*check AWS_ACCESS_KEY_ID"
        ) as caught:
            operation(f"{root}/file")
        assert user["SecretAccessKey"] not in str(caught.value)


def test_credentials_that_have_expired(root, bucket, object_store):
    """A store answers a HEAD without words: 400."""

    def answer(environ, start_response, application):
        status = "400 Bad Request"
        return refuses(status, "ExpiredToken")(environ, start_response, application)

    with object_store.fault(Fault(lambda one: one.path.startswith(f"/{bucket}"), answer, times=10**6)):
        for operation in (files.read_text, files.size, files.exists, lambda uri: files.write_text(uri, "x")):
            with pytest.raises(PermissionError, match="the credentials have expired: renew AWS_ACCESS_KEY_ID"):
                operation(f"{root}/file")


@pytest.mark.parametrize(("scheme", "variable"), [("s3", "AWS_ENDPOINT_URL_S3"), ("minio", "MINIO_ENDPOINT")])
def test_a_store_that_is_not_there(bucket, quick, monkeypatch, scheme, variable):
    # Nobody listens at port 1.
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    for operation in (files.names, files.exists, files.read_text, lambda uri: files.write_text(uri, "x")):
        with pytest.raises(OSError, match=rf"127\.0\.0\.1:1 cannot be reached: check {variable}") as caught:
            operation(f"{scheme}://{bucket}/file")
        assert caught.value.errno == errno.EHOSTUNREACH


@pytest.mark.parametrize(("scheme", "variable"), [("s3", "AWS_ENDPOINT_URL_S3"), ("minio", "MINIO_ENDPOINT")])
def test_an_endpoint_that_is_no_url(bucket, monkeypatch, scheme, variable):
    monkeypatch.setenv(variable, "http://user:hidden@")
    with pytest.raises(ConfigError, match=f"{variable} must be a URL") as caught:
        files.exists(f"{scheme}://{bucket}/file")
    assert "hidden" not in str(caught.value)


# ---- where it leads


def test_kubeflow_has_an_endpoint_of_its_own(bucket, monkeypatch):
    assert connection.connect("minio").endpoint == os.environ["MINIO_ENDPOINT"]
    monkeypatch.setenv("MINIO_ENDPOINT", "elsewhere:9000")
    assert connection.connect("minio").endpoint == "http://elsewhere:9000"
    monkeypatch.setenv("MINIO_ENDPOINT", "https://name:word@elsewhere")
    assert connection.connect("minio").endpoint == "https://elsewhere"
    monkeypatch.delenv("MINIO_ENDPOINT")
    made = connection.connect("minio")
    assert made.endpoint == made.client.meta.endpoint_url == "http://minio-service.kubeflow:9000"
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    assert connection.connect("s3").endpoint.endswith("amazonaws.com")


def test_credentials_of_one_store_do_not_reach_the_other(bucket, monkeypatch):
    monkeypatch.setenv("MINIO_ACCESS_KEY", "kubeflow")
    keys = {
        scheme: connection.connect(scheme).client._request_signer._credentials.access_key
        for scheme in ("s3", "minio")
    }
    assert keys == {"s3": KEYS["AWS_ACCESS_KEY_ID"], "minio": "kubeflow"}
    # Who gives a container AWS's names for Kubeflow's secret, as Kubeflow 1 did, need not give others.
    monkeypatch.delenv("MINIO_ACCESS_KEY")
    monkeypatch.delenv("MINIO_SECRET_KEY")
    found = connection.connect("minio").client._request_signer._credentials
    assert found.access_key == KEYS["AWS_ACCESS_KEY_ID"]


def test_a_region_by_either_name(bucket, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert connection.connect("s3").client.meta.region_name == "eu-central-1"
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    assert connection.connect("s3").client.meta.region_name == "eu-west-3"


def test_no_secret_is_logged(root, caplog):
    with caplog.at_level(logging.INFO):
        files.write_text(f"{root}/file", "x")
        files.read_text(f"{root}/file")
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in caplog.text


def test_boto3_is_imported_when_it_is_needed():
    script = (
        "import sys; import limbeck.files.s3.filesystem; from limbeck import files;"
        "files.visibility('s3://bucket/x'); sys.exit('boto3' in sys.modules or 'tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT, check=True)
