"""What happens on the way to the mail server, against real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from pathlib import Path

import pytest

from bursar.notifications.outbox import CLAIM_SECONDS
from bursar.notifications.rules import BACK_OFF_SECONDS, WAIT_SECONDS_MAX
from bursar.notifications.smtp import Limits, NotNow, Refused, SmtpTransport
from bursar.notifications.smtp_address import read_smtp_url
from bursar.notifications.tasks import Notifier
from bursar.store.errors import StoreUnavailable
from bursar.store.store import Store
from bursar.store.unit import Unit
from tests.notifications.mail_servers import Mailbox, mail_server, silent_server
from tests.notifications.post_office import PostOffice, post_office


class Dying:
    """A store that is lost at the moment when a message would be marked as sent."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.read = store.read

    async def commit(self, unit: Unit) -> None:
        if unit.entries:
            raise StoreUnavailable("the process has ended")
        await self._store.commit(unit)


def run(scenario: Callable[[PostOffice], Awaitable[None]], **settings: object) -> None:
    with post_office(**settings) as office:
        asyncio.run(scenario(office))  # type: ignore[arg-type]  # an async function's


async def pass_by(notifier: Notifier) -> None:
    """As its loop does once."""
    await notifier.look()
    await notifier.outbox.settled()


def test_a_requested_mail_arrives_encrypted_with_its_link_in_both_parts(tmp_path: Path) -> None:
    async def scenario(office: PostOffice) -> None:
        async with mail_server(tmp_path) as server:
            token = await office.asked_for_mail(locale="de-AT")
            await pass_by(office.notifications(smtp_url=server.url).notifier())
        (letter,) = server.mailbox.letters
        link = f"https://pay.example.com/reset-password#token={token}"
        for kind in ("plain", "html"):
            part = letter.get_body((kind,))
            assert isinstance(part, EmailMessage)
            assert link in part.get_content()
        assert letter["Subject"] == "Wählen Sie ein neues Passwort"
        assert letter["From"] == "Bursar <payments@pay.example.com>"
        assert server.mailbox.recipients == ["ada@example.com"]
        assert server.mailbox.was_encrypted == [True]
        (message,) = await office.messages()
        assert letter["Message-ID"] == f"<{message.id}@pay.example.com>"
        assert (message.state, message.sealed) == ("sent", None)
        assert await office.logged() == ["bursar.message.sent"]

    run(scenario)


def test_without_a_mail_server_messages_wait_visibly_and_go_when_there_is_one(tmp_path: Path) -> None:
    async def scenario(office: PostOffice) -> None:
        await office.asked_for_mail()
        await pass_by(office.notifications().notifier())
        assert await office.states() == [("password_reset", "waiting_for_settings")]
        async with mail_server(tmp_path) as server:
            await pass_by(office.notifications(smtp_url=server.url).notifier())
        assert len(server.mailbox.letters) == 1
        assert await office.states() == [("password_reset", "sent")]

    run(scenario)


def test_a_link_that_has_run_out_is_not_sent_any_more(tmp_path: Path) -> None:
    async def scenario(office: PostOffice) -> None:
        await office.asked_for_mail()
        await pass_by(office.notifications().notifier())
        office.clock.advance(3_601)
        async with mail_server(tmp_path) as server:
            await pass_by(office.notifications(smtp_url=server.url).notifier())
        assert server.mailbox.letters == []
        assert await office.states() == [("password_reset", "failed")]
        assert await office.logged() == ["bursar.message.failed"]

    run(scenario)


def test_an_answer_of_not_now_is_followed_by_another_try_with_the_same_message_id(tmp_path: Path) -> None:
    async def scenario(office: PostOffice) -> None:
        box = Mailbox(answers=["451 4.7.1 greylisted", "452 4.2.2 full"])
        async with mail_server(tmp_path, box) as server:
            notifier = office.notifications(smtp_url=server.url).notifier()
            await office.asked_for_mail()
            await pass_by(notifier)
            (message,) = await office.messages()
            assert (message.state, message.tries) == ("waiting", 1)
            assert "greylisted" in (message.problem or "")
            await pass_by(notifier)
            assert (await office.messages())[0].tries == 1, "it is not time yet"
            office.clock.advance(BACK_OFF_SECONDS)
            await pass_by(notifier)
            office.clock.advance(2 * BACK_OFF_SECONDS)
            await pass_by(notifier)
        assert [letter["Message-ID"] for letter in box.letters] == [f"<{message.id}@pay.example.com>"]
        assert await office.logged() == ["bursar.message.sent"]

    run(scenario)


@pytest.mark.parametrize(
    "box", [Mailbox(answers=["554 5.7.1 we do not take this"]), Mailbox(refuses_recipients=True)], ids=["data", "rcpt"]
)
def test_a_final_refusal_is_given_up_on_at_once_and_visibly(box: Mailbox, tmp_path: Path) -> None:
    async def scenario(office: PostOffice) -> None:
        async with mail_server(tmp_path, box) as server:
            notifier = office.notifications(smtp_url=server.url).notifier()
            await office.asked_for_mail()
            await pass_by(notifier)
            office.clock.advance(WAIT_SECONDS_MAX)
            await pass_by(notifier)
        (message,) = await office.messages()
        assert (message.state, message.tries) == ("failed", 1)
        assert message.problem
        assert message.problem[:3] in ("554", "550")
        assert await office.logged() == ["bursar.message.failed"]

    run(scenario)


def test_a_server_that_never_speaks_holds_nothing_up_for_long() -> None:
    async def scenario() -> None:
        async with silent_server() as url:
            transport = SmtpTransport(read_smtp_url(url), Limits(0.2, 0.5))
            with pytest.raises(NotNow):
                await transport.send(EmailMessage(), "a@example.com", "b@example.com")

    asyncio.run(scenario())


def test_a_wrong_password_or_certificate_is_no_fault_of_the_message(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with mail_server(tmp_path) as server:
            wrong = server.url.replace("p%40ss", "guess")
            unknown = server.url.partition("?")[0]
            for url in (wrong, unknown, "smtp://127.0.0.1:1"):
                with pytest.raises(NotNow) as told:
                    await SmtpTransport(read_smtp_url(url)).send(EmailMessage(), "a@example.com", "b@example.com")
                assert "guess" not in str(told.value)
        assert server.mailbox.letters == []

    asyncio.run(scenario())


def test_a_server_without_encryption_gets_no_password(tmp_path: Path) -> None:
    """Somebody in between may have taken STARTTLS out of the greeting."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(b"220 localhost\r\n")
        while line := await reader.readline():
            said.append(line)
            writer.write(b"250-localhost\r\n250 AUTH PLAIN LOGIN\r\n" if line.startswith(b"EHLO") else b"250 OK\r\n")

    said: list[bytes] = []
    writers: list[asyncio.StreamWriter] = []

    async def scenario() -> None:
        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            transport = SmtpTransport(read_smtp_url(f"smtp+starttls://bursar:secret@localhost:{port}"))
            with pytest.raises((NotNow, Refused)):
                await transport.send(EmailMessage(), "a@example.com", "b@example.com")
            for writer in writers:
                writer.close()

    asyncio.run(scenario())
    assert not any(line.startswith((b"AUTH", b"MAIL")) for line in said)


def test_a_crash_between_sending_and_the_commit_sends_again_under_the_same_message_id(tmp_path: Path) -> None:
    async def scenario(office: PostOffice) -> None:
        async with mail_server(tmp_path) as server:
            await office.asked_for_mail()
            first = office.notifications(smtp_url=server.url).notifier()
            first.outbox._store = Dying(office.store)  # type: ignore[assignment]
            await pass_by(first)
            assert len(server.mailbox.letters) == 1
            assert (await office.messages())[0].state == "waiting"
            second = office.notifications(smtp_url=server.url).notifier()
            second._next["revive"] = office.clock.now_microseconds() * 2
            await pass_by(second)
            assert len(server.mailbox.letters) == 1, "whoever claimed it may still be at it"
            office.clock.advance(CLAIM_SECONDS)
            await pass_by(second)
        ids = [letter["Message-ID"] for letter in server.mailbox.letters]
        assert len(ids) == 2
        assert len(set(ids)) == 1
        assert await office.logged() == ["bursar.message.sent"]

    run(scenario)


def test_two_that_send_at_once_send_each_message_once(tmp_path: Path) -> None:
    async def scenario(office: PostOffice) -> None:
        async with mail_server(tmp_path) as server:
            for number in range(12):
                await office.asked_for_mail(f"person{number}@example.com")
            senders = [office.notifications(smtp_url=server.url).notifier() for _ in range(2)]
            for _ in range(4):
                await asyncio.gather(*(pass_by(sender) for sender in senders))
        ids = [letter["Message-ID"] for letter in server.mailbox.letters]
        assert len(ids) == len(set(ids)) == 12

    run(scenario)


def test_the_worker_sends_by_itself_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    async def scenario(office: PostOffice) -> None:
        async with mail_server(tmp_path) as server:
            worker = asyncio.create_task(office.notifications(smtp_url=server.url).notifier().run())
            await office.asked_for_mail()
            async with asyncio.timeout(20):
                await server.mailbox.taken.wait()
            worker.cancel()
            with pytest.raises(asyncio.CancelledError):
                await worker

    run(scenario)


def test_a_reader_that_begins_anew_makes_no_message_twice(tmp_path: Path) -> None:
    async def scenario(office: PostOffice) -> None:
        async with mail_server(tmp_path) as server:
            await office.asked_for_mail()
            for _ in range(3):
                await pass_by(office.notifications(smtp_url=server.url).notifier())
        assert len(server.mailbox.letters) == 1

    run(scenario)


@pytest.mark.parametrize("email", ["zoë@exämple.com", "ada@example.com>\r\nBcc: x@example.com", "no address"])
def test_an_address_that_no_server_takes_fails_visibly_and_holds_nobody_up(email: str, tmp_path: Path) -> None:
    async def scenario(office: PostOffice) -> None:
        async with mail_server(tmp_path) as server:
            await office.asked_for_mail(email)
            await office.asked_for_mail("grace@example.com")
            await pass_by(office.notifications(smtp_url=server.url).notifier())
        assert server.mailbox.recipients == ["grace@example.com"]
        assert sorted(message.state for message in await office.messages()) == ["failed", "sent"]

    run(scenario)
