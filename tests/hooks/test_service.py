"""What a bank tells by itself: taken in once, with its effect, or not at all."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest
import stripe

from bursar.attempts import repository as attempts
from bursar.attempts.schemas import Attempt, BankOrder
from bursar.connectors.contract import Outcome, WebhookRefused
from bursar.events.tables import events
from bursar.hooks.tables import incoming_webhooks
from bursar.refunds.schemas import RefundParams
from bursar.store.columns import INSTALLATION
from bursar.store.unit import Unit
from piggybank.faults import Settings
from piggybank.requests import Evidence
from tests.databases import Database, on, sqlite_database
from tests.piggybank.harness import MERCHANT, VISA
from tests.refunds.harness import (
    DISPUTED,
    FAILING_REFUND,
    INQUIRED,
    ORG,
    PENDING_REFUND,
    WARNED,
    Bench,
    bench_on,
    call,
    unreachable,
)
from tests.wire.annotations import assert_conforms

Scenario = Callable[[Bench], Coroutine[Any, Any, None]]


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Scenario], None]:
    def runs(scenario: Scenario) -> None:
        with bench_on(sqlite_database(tmp_path), tmp_path / "house") as bench:
            asyncio.run(scenario(bench))
            assert bench.findings() == []

    return runs


def changed(message: tuple[dict[str, str], bytes], **fields: Any) -> bytes:
    return json.dumps({**json.loads(message[1]), **fields}).encode()


def test_a_message_that_comes_again_changes_nothing(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay(FAILING_REFUND)
        await bench.refund(paid)
        bench.pass_time(2)
        (failed,) = bench.news()
        await bench.deliver(failed)
        told, available = bench.told(), bench.available()
        for _ in range(3):
            await bench.deliver(failed)
        assert (bench.told(), bench.available()) == (told, available)
        assert bench.inbox() == [("refund_failed", "applied")]

    run(scenario)


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_a_message_that_comes_many_times_at_once_counts_once(database: Database, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay(DISPUTED)
        bench.pass_time(2)
        (opened,) = bench.news()
        await asyncio.gather(*(bench.deliver(opened) for _ in range(20)))
        assert len(bench.all_disputes()) == 1
        assert bench.charge(paid).disputed_minor == 1000
        assert bench.inbox() == [("dispute_opened", "applied")]

    with bench_on(database, tmp_path / "house", writers=2 if database.kind == "postgresql" else 1) as bench:
        asyncio.run(scenario(bench))
        assert bench.findings() == []


def test_what_the_bank_did_not_sign_is_refused_and_not_kept(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.pay(DISPUTED)
        bench.pass_time(2)
        (opened,) = bench.news()
        headers, body = opened
        for forged in (
            ({}, body),
            (headers, body.replace(b"1000", b"9999")),
            ({"PiggyBank-Signature": "t=1,v1=00"}, body),
            bench.signed(b"not json"),
            bench.signed(changed(opened, id="an id with spaces")),
        ):
            with pytest.raises(WebhookRefused):
                await bench.deliver(forged)
        bench.clock.advance(301)
        with pytest.raises(WebhookRefused):
            await bench.deliver(opened)
        assert bench.inbox() == [] and bench.all_disputes() == []
        await bench.deliver(bench.signed(body))
        assert bench.inbox() == [("dispute_opened", "applied")]

    run(scenario)


def test_what_nobody_knows_is_kept_where_a_person_sees_it(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.pay(DISPUTED)
        bench.pass_time(2)
        (opened,) = bench.news()
        stranger = json.loads(opened[1])["data"]["dispute"] | {"reference": "att_nobody"}
        strangers = [
            changed(opened, id="bev_1", merchant="nobody of ours"),
            changed(opened, id="bev_2", merchant="org_nobody:test"),
            changed(opened, id="bev_3", data={"dispute": stranger}),
            changed(opened, id="bev_4", data={"dispute": stranger | {"reference": "Ä" * 70}}),
            changed(opened, id="bev_5", merchant=f"{ORG}:live"),
        ]
        for body in strangers:
            await bench.deliver(bench.signed(body), account=None)
        found = {(row.org_id, row.livemode, row.account): row.state for row in bench.rows(incoming_webhooks)}
        assert found == {
            (INSTALLATION, 0, "nobody of ours"): "received", ("org_nobody", 0, "org_nobody:test"): "received",
            (ORG, 0, f"{ORG}:test"): "received", (ORG, 1, f"{ORG}:live"): "received",
        }, "what they are about may come yet"  # fmt: skip
        await bench.process_all()
        rows = bench.rows(incoming_webhooks)
        assert [row.state for row in rows] == ["unmatched"] * 5
        assert all(row.reason and row.kind == "dispute_opened" and row.next_at is None for row in rows)
        assert (bench.all_disputes(), bench.inbox()) == ([], [])
        assert bench.told() == ["bursar.incoming_webhook.unmatched"] * 5

    run(scenario)


def test_a_type_that_is_not_known_is_acknowledged(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        body = {"id": "bev_9", "type": "weather.changed", "merchant": MERCHANT, "created": 0, "data": {}}
        await bench.deliver(bench.signed(json.dumps(body).encode()))
        assert bench.inbox() == []
        assert bench.messages() == [(None, "processed")]
        (row,) = bench.rows(incoming_webhooks)
        assert (row.body_text, row.headers_document, row.is_exact) == (None, None, 0), "it may be another account's"
        assert row.body_length > 0
        await bench.deliver(bench.signed(json.dumps(body).encode()), account=None)
        kept = {row.org_id: row.body_text for row in bench.rows(incoming_webhooks)}
        assert kept == {ORG: None, INSTALLATION: json.dumps(body)}

    run(scenario)


def test_a_message_about_what_is_still_being_asked_comes_too_early(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay(PENDING_REFUND)
        staged = await bench.refunds.create(call(), RefundParams(charge=paid.charge_id))
        await bench.store.commit(staged.unit)
        attempt = await bench.attempts.find(ORG, 0, staged.attempt_id)
        assert attempt is not None
        await bench.attempts.carry_out(attempt)  # and the process dies before its second commit
        bench.pass_time(2)
        (succeeded,) = bench.news()
        await bench.deliver(succeeded)
        assert (bench.inbox(), bench.messages()) == ([], [("refund_succeeded", "received")])
        bench.clock.advance(10)
        await bench.resolver.resolve_due()
        await bench.process()
        assert bench.messages() == [("refund_succeeded", "processed")]
        assert [refund.status for refund in bench.all_refunds()] == ["succeeded"]

    run(scenario)


def test_a_dispute_of_a_payment_that_is_still_being_made_comes_too_early(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay(VISA)
        open_attempt = await _attempt(bench, "prepared", paid.intent_id)
        operation = bench.house.authorize(DISPUTED, reference=open_attempt.id)
        assert operation.status == "approved"
        bench.pass_time(2)
        (opened,) = bench.news()
        await bench.deliver(opened)
        assert bench.messages() == [("dispute_opened", "received")]
        (row,) = bench.rows(incoming_webhooks)
        assert row.reason == "what this is about is still being carried out"
        assert row.next_at > bench.clock.now_microseconds()

    run(scenario)


def test_a_contradiction_is_for_the_bank_to_explain(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay(FAILING_REFUND)
        await bench.refund(paid)
        bench.pass_time(2)
        (failed,) = bench.news()
        await bench.deliver(failed)
        late = bench.signed(changed(failed, id="bev_late", type="refund.succeeded"))
        bench.bank.fault = unreachable
        await bench.deliver(late)
        assert bench.messages() == [("refund_failed", "processed"), ("refund_succeeded", "received")]
        assert bench.rows(incoming_webhooks)[1].reason == "the bank cannot be asked about this right now"
        bench.bank.fault = None
        await bench.process_all()
        assert [refund.status for refund in bench.all_refunds()] == ["failed"], "so the bank said when it was asked"
        assert bench.messages() == [("refund_failed", "processed"), ("refund_succeeded", "contradicted")]

    run(scenario)


def test_a_late_message_of_a_dispute_never_takes_it_back(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.pay(INQUIRED)
        bench.pass_time(2)
        (opened,) = bench.news()
        _submit_at_bank(bench, opened, "escalate_inquiry_evidence")
        bench.pass_time(2)
        reviewed, escalated = bench.news()
        for message in (escalated, opened, reviewed):
            await bench.deliver(message)
        assert [state for _, state in bench.messages()] == ["processed"] * 3, "what is only late contradicts nothing"
        (dispute,) = bench.all_disputes()
        assert (dispute.status, len(dispute.balance_transactions)) == ("needs_response", 1)
        bench.bank.disputes_are_down = True
        late = bench.signed(changed(reviewed, id="bev_late"))
        await bench.deliver(late)
        assert bench.messages()[-1] == ("dispute_updated", "received")

    run(scenario)


def test_money_that_was_reported_as_not_taken_is_given_back(run: Callable[[Scenario], None]) -> None:
    """An approval that was slower than its reversal."""

    async def scenario(bench: Bench) -> None:
        bench.house.faults.settings = Settings(late_approval=1.0)
        paid = await bench.pay(VISA)
        attempt = await _attempt(bench, "reversed", paid.intent_id)
        operation = bench.house.authorize(VISA, reference=attempt.id)
        bench.house.reverse(attempt.id)
        bench.pass_time(2)
        (approved,) = bench.news()
        assert not bench.house.look(operation).reversed
        await bench.deliver(approved)
        reopened = await bench.attempts.find(ORG, 0, attempt.id)
        assert reopened is not None and reopened.state == "reversing"
        await bench.deliver(bench.signed(approved[1]))
        bench.clock.advance(1)
        await bench.resolver.resolve_due()
        assert bench.house.look(operation).reversed
        ended = await bench.attempts.find(ORG, 0, attempt.id)
        assert ended is not None and (ended.state, ended.next_look) == ("reversed", None)
        assert bench.inbox() == [("authorization_approved", "applied")]

    run(scenario)


@pytest.mark.parametrize(("state", "taken"), [("succeeded", True), ("prepared", False), ("reversing", False)])
def test_an_approval_of_what_is_not_given_up_changes_nothing(
    run: Callable[[Scenario], None], state: Any, taken: bool
) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay(VISA)
        attempt = await _attempt(bench, state, paid.intent_id)
        view = bench.house.authorize(VISA, reference=attempt.id)
        body = {"id": "bev_1", "type": "authorization.approved", "merchant": MERCHANT, "created": 0}
        operation = json.loads(_json(view))
        message = bench.signed(json.dumps({**body, "data": {"operation": operation}}).encode())
        if taken:
            await bench.deliver(message)
            assert bench.inbox() == [("authorization_approved", "known")]
        else:
            await bench.deliver(message)
            assert bench.messages() == [("authorization_approved", "received")]
        after = await bench.attempts.find(ORG, 0, attempt.id)
        assert after is not None and (after.state, after.fence) == (state, 1)

    run(scenario)


def test_an_authorisation_that_the_bank_let_go_cancels_its_intent(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay(VISA, captured=False)
        bench.pass_time(8 * 86_400)
        (expired,) = bench.news()
        await bench.deliver(expired)
        intent, charge = bench.intent(paid), bench.charge(paid).charge
        assert (intent.status, intent.cancellation_reason, intent.amount_capturable) == ("canceled", "automatic", 0)
        assert (charge.refunded, charge.amount_refunded, charge.amount_captured) == (True, 1000, 0)
        assert bench.told() == ["charge.expired", "payment_intent.canceled"]
        orders = len(bench.bank.orders)
        await bench.deliver(bench.signed(changed(expired, id="bev_again")))
        assert bench.told() == ["charge.expired", "payment_intent.canceled"]
        assert len(bench.bank.orders) == orders == 0, "the bank need not be asked what it has told"

    run(scenario)


def test_a_warning_of_fraud_becomes_an_event(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay(WARNED)
        bench.pass_time(2)
        await bench.deliver_news()
        (row,) = bench.rows(events)
        assert row.event_type == "radar.early_fraud_warning.created"
        warning = json.loads(row.data)["object"]
        assert_conforms(warning, stripe.radar.EarlyFraudWarning)
        assert (warning["charge"], warning["actionable"]) == (paid.charge_id, True)
        assert warning["fraud_type"] == "unauthorized_use_of_card"

    run(scenario)


def test_nothing_secret_is_kept_of_a_message(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.pay(WARNED)
        bench.pass_time(2)
        (warned,) = bench.news()
        body = json.loads(warned[1])
        body["data"]["fraud_warning"]["card"] = {"number": WARNED, "cvc": "737"}
        await bench.deliver(bench.signed(json.dumps(body).encode()))
        (row,) = bench.rows(incoming_webhooks)
        everything = "".join(str(value) for value in row)
        assert WARNED not in everything and "737" not in row.body_text
        assert "737" not in json.dumps(json.loads(row.events_document)[0]["details"])
        assert (row.state, row.is_exact) == ("processed", 0)

    run(scenario)


async def _attempt(bench: Bench, state: Any, intent_id: str) -> Attempt:
    attempt = Attempt(
        org_id=ORG, livemode=0, id=bench.ids.new("att"), kind="authorize", subject_id=intent_id, state=state,
        amount_minor=1000, currency="usd", fence=1, tries=0, next_look=None, bank_reference=None,
        order=BankOrder(connector="piggybank", merchant=MERCHANT, token_id=None),
    )  # fmt: skip
    unit = Unit([attempts.insertion(attempt)])
    if state == "reversed":
        unit.changes[0].row["outcome_document"] = _json(Outcome(kind="declined", reversed=True))
    await bench.store.commit(unit)
    return attempt


def _submit_at_bank(bench: Bench, opened: tuple[dict[str, str], bytes], text: str) -> None:
    dispute_id = json.loads(opened[1])["data"]["dispute"]["id"]
    bench.house.disputes.submit_evidence(dispute_id, Evidence(merchant=MERCHANT, text=text))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
