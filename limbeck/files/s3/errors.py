"""Raises Python's errors instead of boto3's, with the remedy. So callers need not import boto3 to catch an error.

A missing bucket is not a FileNotFoundError: callers expect missing files, for example in a first run, so a mistyped
bucket would look like an empty one.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import Any

from limbeck.files.s3.connection import Connection
from limbeck.files.s3.uri import Uri

_UNFRIENDLY = 400
_TOO_MANY_REQUESTS = 429
_SERVER_FAULT = 500

# The errno and a sentence for each error code of an answer. HEAD has no codes, but only an HTTP status.
_ANSWERS: tuple[tuple[frozenset[str], int, str], ...] = (
    (frozenset({"404", "NoSuchKey", "NotFound"}), errno.ENOENT, "no such file or folder"),
    (
        frozenset({"NoSuchBucket"}),
        errno.ENODEV,
        "there is no bucket '{uri.bucket}' at {to.endpoint}: make it, correct its name, or set {to.endpoint_variable}",
    ),
    (
        frozenset({"403", "AccessDenied", "AllAccessDisabled", "AccountProblem", "Forbidden"}),
        errno.EACCES,
        "access is denied at {to.endpoint}: the credentials need s3:GetObject, s3:PutObject, s3:DeleteObject and "
        "s3:AbortMultipartUpload there, and s3:ListBucket on the bucket '{uri.bucket}'",
    ),
    (
        frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"}),
        errno.EACCES,
        "the credentials have expired: renew {to.credentials}",
    ),
    (
        frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId"}),
        errno.EACCES,
        "the object store at {to.endpoint} does not take the credentials ({code}): check {to.credentials}",
    ),
    (
        frozenset({"RequestTimeTooSkewed"}),
        errno.EACCES,
        "the clock of this machine is wrong, so signatures are refused: set it",
    ),
    (
        frozenset({"XMinioStorageFull", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage"}),
        errno.ENOSPC,
        "the object store at {to.endpoint} is full ({code}): make room",
    ),
    (
        frozenset(
            {"301", "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
        ),
        errno.EINVAL,
        "the bucket '{uri.bucket}' is in another region: set AWS_REGION to it",
    ),
    (
        frozenset({"412", "PreconditionFailed"}),
        errno.ESTALE,
        "the file was replaced while it was read: read it again",
    ),
    (
        frozenset({"NoSuchUpload"}),
        errno.EBUSY,
        "somebody removed the parts of an upload: write the file again",
    ),
)
# Codes that come with a status below 500.
_BUSY = frozenset({"RequestTimeout", "Throttling", "ThrottlingException", "OperationAborted"})


@contextlib.contextmanager
def python_errors(path: str, uri: Uri, connection: Connection) -> Iterator[None]:
    """Raises OSErrors instead of boto3's errors.

    Args:
      path: the URI as the caller wrote it.
      uri: the parts of the URI.
      connection: the connection to the store.
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        number, sentence = _of_answer(error.response, uri, connection)
        # OSError chooses its subclass by errno: FileNotFoundError, PermissionError.
        raise OSError(number, sentence, path) from error
    except (BotoCoreError, Boto3Error) as error:
        number, sentence = _of_no_answer(error, connection)
        raise OSError(number, sentence, path) from error


def _of_answer(response: dict[str, Any], uri: Uri, connection: Connection) -> tuple[int, str]:
    """Returns errno and sentence for an answer with an error."""
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    for codes, number, sentence in _ANSWERS:
        if code in codes:
            return number, sentence.format(uri=uri, to=connection, code=code)
    answered = f"the object store at {connection.endpoint} answered {status} {code}"
    if code in _BUSY or status == _TOO_MANY_REQUESTS or not _UNFRIENDLY <= status < _SERVER_FAULT:
        return errno.EBUSY, f"{answered}: try again later"
    return errno.EINVAL, f"{answered}: {response.get('Error', {}).get('Message', '')}"


def _of_no_answer(error: Exception, connection: Connection) -> tuple[int, str]:
    """Returns errno and sentence if there was no answer, or if no request could be sent."""
    from botocore import exceptions

    where = f"the object store at {connection.endpoint}"
    # Subclasses come first.
    kinds: tuple[tuple[tuple[type[Exception], ...], int, str], ...] = (
        (
            (exceptions.NoCredentialsError, exceptions.PartialCredentialsError),
            errno.EACCES,
            f"there are no credentials: set {connection.credentials}",
        ),
        (
            (exceptions.CredentialRetrievalError, exceptions.TokenRetrievalError),
            errno.EACCES,
            f"the credentials cannot be fetched ({error}): renew them",
        ),
        (
            (exceptions.SSLError,),
            errno.EPROTO,
            f"the certificate of {where} is not trusted: set AWS_CA_BUNDLE to a file with that of its issuer",
        ),
        (
            (exceptions.ConnectTimeoutError, exceptions.ReadTimeoutError),
            errno.ETIMEDOUT,
            f"{where} does not answer: check {connection.endpoint_variable} and the network",
        ),
        (
            (exceptions.IncompleteReadError, exceptions.ResponseStreamingError),
            errno.ECONNRESET,
            f"the connection to {where} broke off",
        ),
        (
            (exceptions.ConnectionError, exceptions.HTTPClientError),
            errno.EHOSTUNREACH,
            f"{where} cannot be reached: check {connection.endpoint_variable} and the network",
        ),
    )
    for classes, number, sentence in kinds:
        if isinstance(error, classes):
            return number, sentence
    return errno.EINVAL, str(error)
