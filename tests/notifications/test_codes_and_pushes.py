"""One-time codes, and notices to chats and telephones, by services of the test's own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from bursar.events.tables import events
from bursar.http.authentication import USER, Principal
from bursar.http.call import Call
from bursar.kit.errors import InvalidRequest
from bursar.notifications.schemas import TargetParams
from tests.notifications.mail_servers import mail_server
from tests.notifications.post_office import ORG, ORIGIN, PostOffice, dispute, post_office

CODE = "482915"


@asynccontextmanager
async def chat(status: int = 200) -> AsyncIterator[tuple[int, list[dict[str, str]]]]:
    """Takes what apprise posts as JSON."""
    told: list[dict[str, str]] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-l"))
        told.append(json.loads(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], told


async def add_target(office: PostOffice, url: str, **more: object) -> None:
    service = office.notifications(development=True).service
    params = TargetParams(name="Team", url=url, **more)  # type: ignore[arg-type]
    effect = await service.add_target(Call(Principal(ORG, 0, "usr_1", USER), "req_1"), params)
    await office.store.commit(effect.unit)


def test_a_code_arrives_by_mail_and_is_kept_nowhere(tmp_path: Path) -> None:
    with post_office() as office:

        async def scenario() -> None:
            async with mail_server(tmp_path) as server:
                made = office.notifications(smtp_url=server.url)
                await made.codes.send_code(ORIGIN, "email", "ada@example.com", CODE, locale="es")
                (message,) = await office.messages()
                assert CODE not in str(message.data)
                assert CODE not in (message.sealed or "")
                notifier = made.notifier()
                await notifier.look()
                await notifier.outbox.settled()
            assert server.mailbox.letters[0]["Subject"] == f"{CODE} es su código"
            (message,) = await office.messages()
            assert (message.state, message.sealed) == ("sent", None)

            def log(connection: Connection) -> list[str]:
                return list(connection.execute(select(events.c.data)).scalars())

            assert not any(CODE in data for data in await office.store.read(log))

        asyncio.run(scenario())


def test_a_code_goes_to_a_telephone_by_the_organisations_own_service() -> None:
    with post_office() as office:

        async def scenario() -> None:
            async with chat() as (port, told):
                await add_target(office, f"json://127.0.0.1:{port}/{{to}}", kind="sms")
                made = office.notifications()
                await made.codes.send_code(ORIGIN, "sms", "+4915112345678", CODE, org_id=ORG, locale="de")
                notifier = made.notifier()
                await notifier.look()
                await notifier.outbox.settled()
            (message,) = await office.messages()
            assert (message.state, message.problem) == ("sent", None)
            assert [CODE in one["message"] for one in told] == [True]
            assert await office.states() == [("code", "sent")]

        asyncio.run(scenario())


def test_a_code_without_a_service_for_telephones_waits_visibly() -> None:
    with post_office() as office:

        async def scenario() -> None:
            made = office.notifications()
            await made.codes.send_code(ORIGIN, "sms", "+4915112345678", CODE)
            notifier = made.notifier()
            await notifier.look()
            await notifier.outbox.settled()
            assert await office.states() == [("code", "waiting_for_settings")]

        asyncio.run(scenario())


@pytest.mark.parametrize(("channel", "recipient"), [("email", "a@b\r\nBcc: c@d"), ("sms", "12345"), ("sms", "a@b")])
def test_a_code_goes_to_one_address_or_number_only(channel: str, recipient: str) -> None:
    with post_office() as office, pytest.raises(InvalidRequest):
        office.notifications().codes.sending(ORIGIN, channel, recipient, CODE)  # type: ignore[arg-type]


@pytest.mark.parametrize(("status", "state"), [(200, "sent"), (503, "waiting")])
def test_a_target_is_told_of_its_topics_alone(status: int, state: str) -> None:
    with post_office() as office:

        async def scenario() -> None:
            async with chat(status) as (port, told):
                await add_target(office, f"json://127.0.0.1:{port}/", kind="push", topics=["disputes"], language="fr")
                await office.happened("charge.dispute.created", dispute())
                await office.happened("refund.failed", dispute(id="re_1"))
                notifier = office.notifications().notifier()
                await notifier.look()
                await notifier.outbox.settled()
            assert len(told) == 1
            assert "20,00" in told[0]["message"]
            assert await office.states() == [("dispute_opened", state)]

        asyncio.run(scenario())
