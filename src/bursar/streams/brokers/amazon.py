"""What Amazon's queues and topics have in common: one client of theirs, in threads, and its errors in our words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore import exceptions  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.session import Session  # type: ignore[import-untyped]

from bursar.streams.port import CONFIRM_SECONDS_MAX, CONNECT_SECONDS_MAX, Message, Problem, Sink, StreamProblem

BATCH_BYTES_MAX = 256 * 1024  # of one message, and of all messages of one call together
ATTRIBUTE_BYTES = 1_024
ENTRIES_MAX = 10
CALLS_AT_ONCE = 16
FIFO = ".fifo"
_CREDENTIALS = frozenset(
    {
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        "ExpiredToken",
        "AuthFailure",
    }
)
_NOT_ALLOWED = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "KMS.AccessDeniedException"})
_MISSING = ("NonExistentQueue", "QueueDoesNotExist", "NotFound", "NoSuchEntity")
_TOO_LARGE = frozenset({"BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", "MessageTooLong"})


def client_of(sink: Sink, service: str) -> Any:
    credentials = sink.credentials
    config = Config(
        connect_timeout=CONNECT_SECONDS_MAX / 2,
        read_timeout=CONFIRM_SECONDS_MAX / 2,
        retries={"total_max_attempts": 1},  # we try again ourselves, and say so
        max_pool_connections=CALLS_AT_ONCE,
    )
    return Session().create_client(
        service,
        region_name=sink.region,
        endpoint_url=sink.endpoint,
        aws_access_key_id=credentials.get("access_key_id"),
        aws_secret_access_key=credentials.get("secret_access_key"),
        config=config,
    )


def calls(flight: Sequence[Message]) -> list[list[int]]:
    """The messages' numbers, as many to a call as one takes."""
    found: list[list[int]] = []
    room = 0
    for number, message in enumerate(flight):
        size = len(message.body) + ATTRIBUTE_BYTES
        if not found or size > room or len(found[-1]) == ENTRIES_MAX:
            found.append([])
            room = BATCH_BYTES_MAX
        found[-1].append(number)
        room -= size
    return found


def entry_problem(failed: dict[str, Any]) -> Problem:
    """Of one message of a call: whose fault it is says Amazon."""
    code = str(failed.get("Code", ""))
    if failed.get("SenderFault"):
        return Problem("message_refused", f"Amazon refused the message: {code}.")
    return Problem("broker_away", f"Amazon could not keep the message: {code}.")


def translated(problem: Exception) -> StreamProblem:
    if isinstance(problem, exceptions.ClientError):
        code = str(problem.response.get("Error", {}).get("Code", ""))
        if code in _CREDENTIALS:
            return StreamProblem("credentials_refused", "Amazon does not know the access key, or it has run out.")
        if code in _NOT_ALLOWED:
            return StreamProblem("not_allowed", "The access key may not send here.")
        if code.endswith(_MISSING):
            return StreamProblem("destination_missing", "There is no such queue or topic.")
        if code in _TOO_LARGE:
            return StreamProblem("message_too_large", "Amazon takes no message of this size.")
        return StreamProblem("broker_away", f"Amazon refused the call: {code}.")
    if isinstance(problem, exceptions.NoCredentialsError):
        return StreamProblem("credentials_refused", "There are no credentials for Amazon.")
    if isinstance(problem, exceptions.ParamValidationError | ValueError):
        return StreamProblem("configuration_refused", "The destination, region or endpoint cannot be read.")
    return StreamProblem("broker_away", f"Amazon does not answer: {type(problem).__name__}.")
