"""Who is told of what: members by their roles and wishes, customers where the organisation wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bursar.notifications import rules
from bursar.notifications.rules import DAY_SECONDS, NOTICES, SECURITY
from bursar.store.columns import INSTALLATION
from tests.notifications.mail_servers import mail_server
from tests.notifications.post_office import ORG, PostOffice, charge, dispute, post_office


def run(scenario: Callable[[PostOffice], Awaitable[None]]) -> None:
    with post_office() as office:
        asyncio.run(scenario(office))  # type: ignore[arg-type]  # an async function's


async def read(office: PostOffice) -> set[tuple[str, str]]:
    """What is in the outbox of the events so far: template and recipient."""
    await office.notifications().notifier().read()
    return {(message.template, message.recipient) for message in await office.messages()}


def test_a_dispute_is_told_to_those_whose_role_sees_disputes() -> None:
    async def scenario(office: PostOffice) -> None:
        for role in ("owner", "finance", "support"):
            await office.member(f"usr_{role}", role)
        await office.member("usr_gone", "a_role_that_was_deleted")
        await office.member("usr_stranger", "owner", org_id="acct_other")
        await office.happened("charge.dispute.created", dispute())
        told = await read(office)
        assert told == {("dispute_opened", f"usr_{role}@example.com") for role in ("owner", "finance", "support")}

    run(scenario)


def test_nobody_is_told_of_every_payment_but_who_asked() -> None:
    async def scenario(office: PostOffice) -> None:
        await office.member("usr_one")
        await office.member("usr_two")
        await office.prefers("usr_two", payments="now")
        await office.happened("charge.succeeded", charge())
        assert await read(office) == {("payment_received", "usr_two@example.com")}

    run(scenario)


def test_what_somebody_switched_off_is_not_told_to_them() -> None:
    async def scenario(office: PostOffice) -> None:
        await office.member("usr_one")
        await office.member("usr_two")
        await office.prefers("usr_two", disputes="off")
        await office.happened("charge.dispute.created", dispute())
        assert await read(office) == {("dispute_opened", "usr_one@example.com")}

    run(scenario)


def test_customers_get_nothing_until_the_organisation_switches_it_on() -> None:
    async def scenario(office: PostOffice) -> None:
        await office.happened("charge.succeeded", charge())
        await office.happened("charge.failed", charge())
        assert await read(office) == set()
        await office.branded(receipts=True)
        await office.happened("charge.succeeded", charge(id="ch_2"))
        await office.happened("charge.failed", charge(id="ch_3"))
        assert await read(office) == {("receipt", "grace@example.com")}

    run(scenario)


def test_an_authorisation_is_no_receipt_and_its_capture_is() -> None:
    async def scenario(office: PostOffice) -> None:
        await office.branded(receipts=True)
        await office.happened("charge.succeeded", charge(captured=False, amount_captured=0))
        assert await read(office) == set()
        await office.happened("charge.captured", charge(amount_captured=1_500))
        await read(office)
        (message,) = await office.messages()
        assert message.data["amount"] == 1_500

    run(scenario)


def test_a_customer_is_not_told_why_their_bank_said_no() -> None:
    async def scenario(office: PostOffice) -> None:
        await office.branded(decline_notices=True)
        await office.happened("charge.failed", charge(captured=False, failure_code="stolen_card"))
        await read(office)
        (message,) = await office.messages()
        assert "stolen" not in str(message.data)

    run(scenario)


@pytest.mark.parametrize("event_type", sorted(SECURITY))
def test_what_happens_to_an_account_is_told_to_its_owner_once_whatever_they_prefer(event_type: str) -> None:
    async def scenario(office: PostOffice) -> None:
        await office.member("usr_one", locale="fr-CA")
        await office.member("usr_two")
        await office.prefers("usr_one", **dict.fromkeys(rules.TOPICS, "off"))
        # It is in the logs of all of somebody's organisations.
        for org_id in (ORG, "acct_zzz"):
            await office.happened(event_type, {"id": "usr_one"}, org_id=org_id, livemode=0)
        await read(office)
        (message,) = await office.messages()
        assert (message.recipient, message.language) == ("usr_one@example.com", "fr")

    run(scenario)


def test_what_is_told_of_somebody_without_an_organisation_reaches_them_too() -> None:
    async def scenario(office: PostOffice) -> None:
        await office.member("usr_one")
        await office.happened("bursar.second_factors.removed", {"id": "usr_one"}, org_id=INSTALLATION, livemode=0)
        assert await read(office) == {("second_factor_removed", "usr_one@example.com")}

    run(scenario)


def test_an_event_that_cannot_be_understood_keeps_nobody_elses_messages() -> None:
    async def scenario(office: PostOffice) -> None:
        await office.member("usr_one")
        await office.happened("charge.dispute.created", {"id": "du_1"})
        await office.happened("charge.dispute.created", dispute())
        assert await read(office) == {("dispute_opened", "usr_one@example.com")}

    run(scenario)


def test_a_digest_is_one_message_a_day_of_everything_gathered(tmp_path: Path) -> None:
    async def scenario(office: PostOffice) -> None:
        async with mail_server(tmp_path) as server:
            notifier = office.notifications(smtp_url=server.url).notifier()
            await office.member("usr_one")
            await office.prefers("usr_one", payments="digest")
            for number in range(3):
                await office.happened("charge.succeeded", charge(id=f"ch_{number}", amount_captured=1_000 + number))
            await notifier.look()
            await notifier.outbox.settled()
            assert server.mailbox.letters == []
            assert await office.states() == [("payment_received", "gathered")] * 3
            for _ in range(2):
                office.clock.advance(DAY_SECONDS)
                await notifier.look()
                await notifier.outbox.settled()
        (letter,) = server.mailbox.letters
        body = letter.get_body(("plain",))
        assert body is not None
        text = body.get_content()
        assert all(amount in text for amount in ("€10.00", "€10.01", "€10.02"))
        assert "List-Unsubscribe" not in letter
        assert sorted(await office.states()) == [("digest", "sent")] + [("payment_received", "digested")] * 3

    run(scenario)


def test_what_was_sent_long_ago_makes_room(tmp_path: Path) -> None:
    async def scenario(office: PostOffice) -> None:
        async with mail_server(tmp_path) as server:
            notifier = office.notifications(smtp_url=server.url).notifier()
            await office.asked_for_mail()
            await notifier.look()
            await notifier.outbox.settled()
            office.clock.advance(rules.KEPT_SECONDS + 1)
            await notifier.look()
            assert await office.messages() == []

    run(scenario)


def test_every_topic_can_be_seen_by_some_role() -> None:
    assert {notice.topic for notice in NOTICES.values()} == set(rules.TOPICS)
    assert "security" not in rules.TOPICS
