"""Receivers that misbehave: each gets a clear word in the record of its tries, and holds up nobody."""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path

import pytest

from bursar.webhooks.addresses import Guard, read_url
from bursar.webhooks.exchange import ANSWER_KEPT_BYTES, Answer, Failure
from bursar.webhooks.receiver import Receiver as Sender
from bursar.webhooks.resolving import Resolver
from tests.ports import nobodys_port
from tests.webhooks.certificates import Authority, new_authority
from tests.webhooks.receivers import (
    OK,
    Behaviour,
    answering,
    endless,
    endless_head,
    hanging,
    receiving,
    resetting,
    slow_head,
    status,
)

HEADERS, BODY = "webhook-id: evt_1\r\n", b"{}"
SECONDS_MAX = 10.0  # for what must succeed, or fails by itself
SHORT_SECONDS = 1.0  # where the time that is up is what is tried


def sender(url: str, client: ssl.SSLContext | None = None) -> Sender:
    guard = Guard(Resolver().resolve, allow_loopback=True)
    return Sender(
        read_url(url, allow_loopback=True), guard, SECONDS_MAX, lambda: client or ssl.create_default_context()
    )


async def told(behaviour: Behaviour, url: str = "", seconds_max: float = SECONDS_MAX) -> tuple[Answer | Failure, float]:
    async with receiving(behaviour) as receiver:
        one = sender(url or receiver.url)
        began = time.monotonic()
        result = await one.post(HEADERS, BODY, seconds_max)
        one.close()
        return result, time.monotonic() - began


def outcome(behaviour: Behaviour, url: str = "", seconds_max: float = SECONDS_MAX) -> Answer | Failure:
    result, seconds = asyncio.run(told(behaviour, url, seconds_max))
    assert seconds < seconds_max + 15.0, "every try ends in time"
    return result


@pytest.mark.parametrize("code", [200, 201, 204, 302, 307, 400, 410, 429, 500, 503])
def test_the_status_is_what_counts(code: int) -> None:
    assert outcome(answering(status(code))) == Answer(code, None, b"")


def test_the_beginning_of_the_answer_and_its_retry_after_are_kept() -> None:
    answer = outcome(answering(status(503, "Retry-After: 120", body="y" * 5_000)))
    assert answer == Answer(503, "120", b"y" * ANSWER_KEPT_BYTES)


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (hanging, "timeout"),
        (resetting, "connection_lost"),
        (slow_head, "timeout"),
        (endless_head, "answer_too_large"),
        (answering(b"SSH-2.0-OpenSSH_9.2\r\n", stays=False), "not_http"),
        (answering(b"HTTP/1.1 200 OK\r\nContent-", stays=False), "connection_lost"),
        (answering(b"HTTP/1.1 100 Continue\r\n\r\n", stays=False), "connection_lost"),
    ],
)
def test_what_is_no_answer_has_a_name(behaviour: Behaviour, error: str) -> None:
    result = outcome(behaviour, seconds_max=SHORT_SECONDS if error == "timeout" else SECONDS_MAX)
    assert isinstance(result, Failure)
    assert result.error == error


def test_a_gigabyte_is_not_read_and_its_status_counts() -> None:
    answer = outcome(endless, seconds_max=SHORT_SECONDS)
    assert answer == Answer(200, None, b"x" * ANSWER_KEPT_BYTES)


def test_a_body_that_never_comes_changes_nothing() -> None:
    answer = outcome(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), seconds_max=SHORT_SECONDS)
    assert answer == Answer(200, None, b"half")


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    assert outcome(answering(b"HTTP/1.1 200 OK\r\n\r\nall of it", stays=False)) == Answer(200, None, b"all of it")


def test_nobody_there_and_no_such_name() -> None:
    with nobodys_port() as port:
        nobody = outcome(answering(OK), f"http://127.0.0.1:{port}/")
    assert nobody == Failure("connection_refused")

    async def scenario() -> Answer | Failure:
        def unknown(_host: str, _port: int) -> list[str]:
            import socket

            raise socket.gaierror("no such name")

        guard = Guard(Resolver(unknown).resolve)
        return await Sender(read_url("https://nowhere.example"), guard, SECONDS_MAX).post(HEADERS, BODY, SECONDS_MAX)

    assert asyncio.run(scenario()) == Failure("name_unknown")


def test_a_connection_stays_for_the_next_request_and_is_replaced_when_it_was_closed() -> None:
    async def scenario() -> None:
        async with receiving() as receiver:
            one = sender(receiver.url)
            for _ in range(3):
                assert await one.post(HEADERS, BODY, SECONDS_MAX) == Answer(200, None, b"ok")
            assert receiver.connections == 1
            receiver.hang_up()
            assert await one.post(HEADERS, BODY, SECONDS_MAX) == Answer(200, None, b"ok")
            assert receiver.connections == 2
            assert len(receiver.received) == 4
            one.close()

    asyncio.run(scenario())


def test_a_kept_connection_that_breaks_under_the_request_is_tried_on_another_one() -> None:
    """The receiver closes what lay idle just as the next request is on its way."""

    async def scenario() -> None:
        async def once(received: object, writer: asyncio.StreamWriter) -> bool:
            if len(receiver.received) == 2:
                writer.transport.abort()
                return False
            writer.write(OK)
            return True

        async with receiving(once) as receiver:
            one = sender(receiver.url)
            for _ in range(2):
                assert await one.post(HEADERS, BODY, SECONDS_MAX) == Answer(200, None, b"ok")
            assert len(receiver.received) == 3
            one.close()

    asyncio.run(scenario())


def test_what_comes_behind_an_answer_is_not_taken_for_the_next_one() -> None:
    async def scenario() -> None:
        async with receiving(answering(OK + status(500))) as receiver:
            one = sender(receiver.url)
            for _ in range(3):
                result = await one.post(HEADERS, BODY, SECONDS_MAX)
                assert isinstance(result, Answer)
                assert result.status == 200
            assert receiver.connections == 3
            one.close()

    asyncio.run(scenario())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return new_authority(tmp_path_factory.mktemp("certificates"))


def told_to(server: ssl.SSLContext, client: ssl.SSLContext | None = None) -> Answer | Failure:
    async def scenario() -> Answer | Failure:
        async with receiving(tls=server) as receiver:
            one = sender(receiver.url, client)
            result = await one.post(HEADERS, BODY, SECONDS_MAX)
            assert (len(receiver.received) == 0) == isinstance(result, Failure), "nothing is said to a stranger"
            one.close()
            return result

    return asyncio.run(scenario())


def test_a_certificate_that_is_good_is_taken(authority: Authority) -> None:
    assert told_to(authority.server("localhost"), authority.client()) == Answer(200, None, b"ok")


def test_one_of_an_unknown_authority_is_refused(authority: Authority, tmp_path: Path) -> None:
    assert told_to(authority.server("localhost")) == Failure("certificate_refused")
    stranger = new_authority(tmp_path)
    assert told_to(authority.server("localhost"), stranger.client()) == Failure("certificate_refused")


def test_one_of_another_name_is_refused(authority: Authority) -> None:
    assert told_to(authority.server("elsewhere.example"), authority.client()) == Failure("certificate_refused")


def test_one_that_has_expired_is_refused(authority: Authority) -> None:
    assert told_to(authority.server("localhost", expired=True), authority.client()) == Failure("certificate_refused")


def test_a_server_without_tls_is_told_nothing(authority: Authority) -> None:
    async def scenario() -> Answer | Failure:
        async with receiving(answering(b"HTTP/1.1 400 Bad\r\n\r\n", stays=False)) as receiver:
            one = sender(receiver.url.replace("http:", "https:"), authority.client())
            result = await one.post(HEADERS, BODY, SHORT_SECONDS)
            assert receiver.received == []
            return result

    result = asyncio.run(scenario())
    assert isinstance(result, Failure)
    assert result.error in ("tls_failed", "timeout", "connection_lost", "connection_failed")


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert outcome(answering(OK)) == Answer(200, None, b"ok")
