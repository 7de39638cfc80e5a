"""What is kept of messages and shown; what nobody has signed; what is poisonous, too large, old or asked for again."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import bindparam

from bursar.accounts import repository as accounts
from bursar.accounts.tables import organisations
from bursar.attempts.tables import attempts
from bursar.connectors.contract import WebhookRefused
from bursar.hooks import asking, rules, service, sweeping
from bursar.hooks.matching import TooEarly, Verdict
from bursar.hooks.schemas import IncomingWebhook, IncomingWebhookListParams
from bursar.hooks.service import UnknownAccount
from bursar.hooks.tables import announced_settlements, incoming_webhooks
from bursar.http.metrics import Metrics
from bursar.store.unit import Change, Unit
from piggybank.requests import NewSettlement
from tests.databases import sqlite_database
from tests.piggybank.harness import MERCHANT, VISA
from tests.refunds.harness import (
    DISPUTED,
    FAILING_REFUND,
    ORG,
    PENDING_REFUND,
    Bench,
    bench_on,
    call,
    refused,
)

Scenario = Callable[[Bench], Coroutine[Any, Any, None]]
FORGED = {"PiggyBank-Signature": "t=1800000000,v1=00", "Content-Type": "application/json"}


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Scenario], None]:
    def runs(scenario: Scenario) -> None:
        with bench_on(sqlite_database(tmp_path), tmp_path / "house") as bench:
            asyncio.run(_with_organisation(bench, scenario))
            assert bench.findings() == []

    return runs


async def _with_organisation(bench: Bench, scenario: Scenario) -> None:
    shop = {"org_id": ORG, "name": "Shop", "created": 0, "version": 1, "name_folded": "shop", "code": "SHOP"}
    shop |= {"category": "general", "country": None, "currency": "usd", "suspended": None}
    await bench.store.commit(Unit([Change(organisations.insert(), shop)]))
    await scenario(bench)


async def forge(bench: Bench, body: object, account: str | None = MERCHANT) -> None:
    with pytest.raises(WebhookRefused):
        await bench.receive((FORGED, json.dumps(body).encode()), account)


def counted(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(sample.labels.values()): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == f"bursar_{name}_total"
    }


async def hand_to_another_connector(bench: Bench) -> None:
    """As if all that was asked for had been asked of another bank."""
    for row in bench.rows(attempts):
        order = json.dumps(json.loads(row.order_document) | {"connector": "another"})
        other = attempts.update().where(attempts.c.id == bindparam("i")).values(order_document=bindparam("d"))
        await bench.store.commit(Unit([Change(other, {"i": row.id, "d": order})]))


async def again(bench: Bench, message_id: str) -> None:
    effect = await bench.hooks.inbox.process_again(call(incoming_webhook=message_id))
    await bench.store.commit(effect.unit)
    await bench.process()


class TestUnverified:
    def test_a_forged_message_changes_nothing_and_makes_us_ask(self, run: Callable[[Scenario], None]) -> None:
        """It says that the refund failed; the bank, that it succeeded."""

        async def scenario(bench: Bench) -> None:
            paid = await bench.pay(PENDING_REFUND)
            refund = await bench.refund(paid)
            assert refund.status == "pending"
            bench.pass_time(2)
            (succeeded,) = bench.news()
            told = json.loads(succeeded[1]) | {"type": "refund.failed"}
            await forge(bench, told)
            assert bench.all_refunds()[0].status == "pending"
            await bench.process()
            assert bench.all_refunds()[0].status == "succeeded"
            (row,) = bench.rows(incoming_webhooks)
            assert (row.state, row.next_at, row.is_exact, bench.inbox()) == ("unverified", None, 0, [])
            assert row.reason.endswith("told something new.") and row.reason.startswith("No signature holds.")
            await bench.deliver(bench.signed(succeeded[1]))
            assert bench.messages()[-1] == ("refund_succeeded", "processed")

        run(scenario)

    def test_a_refund_that_failed_silently_is_found_by_any_message_that_names_it(
        self, run: Callable[[Scenario], None]
    ) -> None:
        async def scenario(bench: Bench) -> None:
            paid = await bench.pay(FAILING_REFUND)
            assert (await bench.refund(paid)).status == "succeeded"
            bench.pass_time(2)
            (failed,) = bench.news()
            await forge(bench, json.loads(failed[1]))
            await bench.process()
            assert [refund.status for refund in bench.all_refunds()] == ["failed"]

        run(scenario)

    def test_strangers_cannot_make_us_keep_or_ask_without_limit(self, run: Callable[[Scenario], None]) -> None:
        async def scenario(bench: Bench) -> None:
            metrics = Metrics()
            bench.hooks.figures.report_to(metrics)
            paid = [await bench.pay(VISA) for _ in range(12)]
            for one in paid:
                await bench.refund(one, 1)
            references = [order.operation_id for order in bench.bank.orders]
            before = len(bench.bank.orders)
            for number in range(300):
                await forge(bench, {"id": number, "reference": references[number % 12], "x": "org_2:test"})
                await forge(bench, {"id": number}, "org_2:test")
                await forge(bench, {"id": number}, None)
            await bench.process()
            assert len(bench.rows(incoming_webhooks)) == service.UNVERIFIED_COUNT
            assert len(bench.bank.orders) - before <= asking.ACCOUNT_COUNT
            assert counted(metrics, "incoming_webhooks_refused") == {("piggybank", "forged"): 900}
            assert sum(counted(metrics, "incoming_webhook_inquiries").values()) <= asking.ACCOUNT_COUNT
            bench.clock.advance(3_600)
            await forge(bench, {"reference": references[0]})
            await bench.process()
            assert len(bench.rows(incoming_webhooks)) == service.UNVERIFIED_COUNT + 1

        run(scenario)

    def test_names_that_nobody_has_take_nothing_from_what_is_kept(self, run: Callable[[Scenario], None]) -> None:
        async def scenario(bench: Bench) -> None:
            for number in range(2 * service.ALL_UNVERIFIED_COUNT):
                await forge(bench, {"id": number}, f"org_nobody{number}:test")
            await forge(bench, {"id": 1})
            assert len(bench.rows(incoming_webhooks)) == 1
            for number in range(2 * service.LOOKS_COUNT):
                await forge(bench, {"id": number}, f"org_nobody{number}:live")
            bench.clock.advance(1)
            await forge(bench, {"id": 2})
            assert len(bench.rows(incoming_webhooks)) == 2

        run(scenario)

    def test_it_is_not_looked_for_names_without_limit(
        self, run: Callable[[Scenario], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scenario(bench: Bench) -> None:
            looks: list[str] = []
            monkeypatch.setattr(accounts, "find_organisation", lambda _, org_id: looks.append(org_id))
            for number in range(service.LOOKS_COUNT + 50):
                await forge(bench, {"id": number}, f"org_nobody{number}:test")
            assert len(looks) == service.LOOKS_COUNT

        run(scenario)

    def test_one_operation_is_asked_about_once_in_a_while(self, run: Callable[[Scenario], None]) -> None:
        async def scenario(bench: Bench) -> None:
            await bench.refund(await bench.pay(VISA))
            reference = bench.bank.orders[-1].operation_id
            before = len(bench.bank.orders)
            for _ in range(5):
                await forge(bench, {"reference": reference})
            await bench.process()
            assert len(bench.bank.orders) - before == 1
            reasons = [row.reason for row in bench.rows(incoming_webhooks)]
            assert sum("nothing is new" in reason for reason in reasons) == 1
            assert sum("asked enough" in reason for reason in reasons) == 4

        run(scenario)

    def test_another_organisations_operation_is_not_asked_about(self, run: Callable[[Scenario], None]) -> None:
        async def scenario(bench: Bench) -> None:
            paid = await bench.pay(VISA)
            before = len(bench.bank.orders)
            await forge(bench, {"reference": paid.attempt_id}, f"{ORG}:live")
            await bench.process()
            assert len(bench.bank.orders) == before

        run(scenario)

    def test_the_bank_of_another_account_is_not_asked(self, run: Callable[[Scenario], None]) -> None:
        async def scenario(bench: Bench) -> None:
            paid = await bench.pay(VISA)
            await hand_to_another_connector(bench)
            before = len(bench.bank.orders)
            await forge(bench, {"reference": paid.attempt_id})
            await bench.process()
            assert len(bench.bank.orders) == before
            assert bench.rows(incoming_webhooks)[0].state == "unverified"

        run(scenario)

    def test_what_a_wrong_secret_had_refused_is_processed_once_the_secret_is_right(
        self, run: Callable[[Scenario], None]
    ) -> None:
        async def scenario(bench: Bench) -> None:
            await bench.pay(DISPUTED)
            bench.pass_time(2)
            (opened,) = bench.news()
            bench.bank.secret, right = "another secret", bench.bank.secret
            with pytest.raises(WebhookRefused):
                await bench.deliver(opened)
            (row,) = bench.rows(incoming_webhooks)
            bench.clock.advance(86_400)
            async with refused("signature_invalid"):
                await bench.hooks.inbox.process_again(call(incoming_webhook=row.id))
            bench.bank.secret = right
            effect = await bench.hooks.inbox.process_again(call(incoming_webhook=row.id))
            assert isinstance(effect.result, IncomingWebhook) and effect.result.state == "received"
            await bench.store.commit(effect.unit)
            assert bench.all_disputes() == []
            await bench.process()
            assert len(bench.all_disputes()) == 1
            assert bench.messages() == [("dispute_opened", "processed")]

        run(scenario)

    def test_what_was_signed_for_another_account_is_neither_taken_nor_shown(
        self, run: Callable[[Scenario], None]
    ) -> None:
        async def scenario(bench: Bench) -> None:
            metrics = Metrics()
            bench.hooks.figures.report_to(metrics)
            await bench.pay(DISPUTED)
            bench.pass_time(2)
            (opened,) = bench.news()
            for account in ("org_2:test", f"{ORG}:live"):
                with pytest.raises(WebhookRefused, match="another account"):
                    await bench.deliver(opened, account)
            with pytest.raises(UnknownAccount):
                await bench.deliver(opened, "nobody")
            assert (bench.messages(), bench.all_disputes()) == ([], [])
            assert counted(metrics, "incoming_webhooks_refused") == {("piggybank", "wrong_account"): 2}

        run(scenario)


def test_a_poisonous_message_rests_and_the_others_go_on(
    run: Callable[[Scenario], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.pay(DISPUTED)
        await bench.pay(DISPUTED)
        bench.pass_time(2)
        poisonous, healthy = bench.news()
        judge = bench.hooks.processing._matching.judge

        def judging(connection: Any, message: Any) -> Any:
            if message.event.event_id == json.loads(poisonous[1])["id"]:
                raise ZeroDivisionError
            return judge(connection, message)

        monkeypatch.setattr(bench.hooks.processing._matching, "judge", judging)
        await bench.receive(poisonous)
        await bench.receive(healthy)
        await bench.process()
        assert bench.messages() == [("dispute_opened", "received"), ("dispute_opened", "processed")]
        await bench.process_all()
        first, _ = bench.rows(incoming_webhooks)
        assert (first.state, first.tries) == ("failed", rules.DEFECT_TRIES_MAX)
        assert first.reason == "a defect: ZeroDivisionError"
        assert bench.told()[-1] == "bursar.incoming_webhook.failed"
        await again(bench, first.id)
        (first, _) = bench.rows(incoming_webhooks)
        assert (first.state, first.tries) == ("received", 1), "it has all its tries again"
        await bench.process_all()
        monkeypatch.setattr(bench.hooks.processing._matching, "judge", judge)
        await again(bench, first.id)
        assert [state for _, state in bench.messages()] == ["processed", "processed"]
        assert len(bench.all_disputes()) == 2

    run(scenario)


def test_what_is_unmatched_is_waited_for_once_more(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.pay(DISPUTED)
        bench.pass_time(2)
        (opened,) = bench.news()
        told = json.loads(opened[1])
        stranger = told["data"]["dispute"] | {"reference": "att_nobody"}
        await bench.deliver(bench.signed(json.dumps(told | {"data": {"dispute": stranger}}).encode()))
        await bench.process_all()
        (row,) = bench.rows(incoming_webhooks)
        assert row.state == "unmatched"
        bench.clock.advance(86_400)
        await again(bench, row.id)
        (row,) = bench.rows(incoming_webhooks)
        assert (row.state, row.tries) == ("received", 1)
        began = bench.clock.now_microseconds()
        await bench.process_all()
        (row,) = bench.rows(incoming_webhooks)
        assert row.state == "unmatched"
        assert row.finished - began > 9 * 60 * 1_000_000

    run(scenario)


def test_what_was_contradicted_is_judged_anew(run: Callable[[Scenario], None], monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.pay(DISPUTED)
        bench.pass_time(2)
        (opened,) = bench.news()
        judge = bench.hooks.processing._matching.judge
        contradicted = Verdict("contradicted", "the bank says otherwise")
        monkeypatch.setattr(bench.hooks.processing._matching, "judge", lambda *_: contradicted)
        await bench.deliver(opened)
        (row,) = bench.rows(incoming_webhooks)
        assert (row.state, bench.inbox()) == ("contradicted", [("dispute_opened", "contradicted")])
        monkeypatch.setattr(bench.hooks.processing._matching, "judge", judge)
        await again(bench, row.id)
        assert bench.messages() == [("dispute_opened", "processed")]
        assert bench.inbox() == [("dispute_opened", "applied")]
        await again(bench, row.id)
        assert len(bench.all_disputes()) == 1

    run(scenario)


def test_of_several_events_one_that_is_too_early_keeps_no_other_waiting(
    run: Callable[[Scenario], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.pay(DISPUTED)
        await bench.pay(DISPUTED)
        await bench.pay(DISPUTED)
        bench.pass_time(2)
        for message in bench.news():
            await bench.receive(message)
        first, *others = bench.rows(incoming_webhooks)
        together = [event for row in (first, *others) for event in json.loads(row.events_document)]
        same = incoming_webhooks.c.id == bindparam("i")
        changes = [Change(incoming_webhooks.delete().where(same), {"i": row.id}) for row in others]
        with_all = incoming_webhooks.update().where(same).values(events_document=bindparam("d"))
        changes.append(Change(with_all, {"i": first.id, "d": json.dumps(together)}))
        await bench.store.commit(Unit(changes))
        judge, early = bench.hooks.processing._matching.judge, [together[0]["event_id"]]

        def judging(connection: Any, message: Any) -> Any:
            if message.event.event_id in early:
                raise TooEarly
            return judge(connection, message)

        monkeypatch.setattr(bench.hooks.processing._matching, "judge", judging)
        await bench.process()
        assert (len(bench.all_disputes()), bench.messages()) == (2, [("dispute_opened", "received")])
        early.clear()
        await bench.process_all()
        assert (len(bench.all_disputes()), bench.messages()) == (3, [("dispute_opened", "processed")])

    run(scenario)


def test_a_settlement_is_a_fact_once_and_moves_no_money(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.pay(VISA, 2_000)
        available = bench.available()
        bench.house.settlements.settle(NewSettlement(merchant=MERCHANT))
        (ready,) = bench.news()
        await bench.deliver(ready)
        (row,) = bench.rows(announced_settlements)
        shown = json.loads(row.document)
        figures = ("payments", "gross_minor", "refunded_minor", "disputed_minor", "fee_minor", "net_minor", "currency")
        assert [shown[name] for name in figures] == [1, 2_000, 0, 0, 30, 1_970, "usd"]
        assert (bench.told(), bench.available()) == (["bursar.settlement.announced"], available)
        told = json.loads(ready[1])
        again = {**told, "id": "bev_again"}
        await bench.deliver(bench.signed(json.dumps(again).encode()))
        other = {**told, "id": "bev_other", "data": {"settlement": told["data"]["settlement"] | {"net": 1}}}
        await bench.deliver(bench.signed(json.dumps(other).encode()))
        assert [state for _, state in bench.messages()] == ["processed", "processed", "contradicted"]
        assert bench.rows(announced_settlements)[0].document == row.document
        assert bench.told() == ["bursar.settlement.announced", "bursar.incoming_webhook.contradicted"]

    run(scenario)


def test_a_reference_whose_payment_comes_later_is_matched_then(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay(DISPUTED)
        bench.pass_time(2)
        (opened,) = bench.news()
        told = json.loads(opened[1])
        stranger = told["data"]["dispute"] | {"reference": "att_nobody"}
        await bench.deliver(bench.signed(json.dumps(told | {"data": {"dispute": stranger}}).encode()))
        (row,) = bench.rows(incoming_webhooks)
        assert (row.state, row.reason) == ("received", "no operation of ours has this reference")
        event = json.loads(row.events_document)[0] | {"operation_id": paid.attempt_id}
        known = incoming_webhooks.update().where(incoming_webhooks.c.id == bindparam("i"))
        change = Change(known.values(events_document=bindparam("d")), {"i": row.id, "d": json.dumps([event])})
        await bench.store.commit(Unit([change]))
        await bench.process_all()
        assert bench.messages() == [("dispute_opened", "processed")]
        assert bench.charge(paid).disputed_minor == 1000

    run(scenario)


def test_a_bank_settles_nothing_that_another_one_was_asked_for(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.pay(DISPUTED)
        bench.pass_time(2)
        (opened,) = bench.news()
        await hand_to_another_connector(bench)
        await bench.deliver(opened)
        (row,) = bench.rows(incoming_webhooks)
        assert (row.state, row.reason) == ("received", "no operation of ours has this reference")
        assert bench.all_disputes() == []

    run(scenario)


def test_a_slept_process_writes_nothing(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.pay(DISPUTED)
        bench.pass_time(2)
        (opened,) = bench.news()
        await bench.receive(opened)
        (due,) = await bench.hook_worker._due("received", 10)
        held = await bench.hooks.processing.claim(due)
        assert held is not None
        assert await bench.hooks.processing.claim(due) is None, "one of two has it"
        bench.clock.advance(rules.LEASE_SECONDS + 1)
        await bench.process()
        assert bench.messages() == [("dispute_opened", "processed")]
        assert await bench.hooks.processing.process(held) is None
        (row,) = bench.rows(incoming_webhooks)
        assert (row.state, row.tries, len(bench.all_disputes())) == ("processed", 1, 1)

    run(scenario)


def test_pages_and_filters(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.pay(DISPUTED)
        bench.pass_time(2)
        (opened,) = bench.news()
        for number in range(5):
            body = json.loads(opened[1]) | {"id": f"bev_{number}"}
            await bench.deliver(bench.signed(json.dumps(body).encode()))
        await forge(bench, {"id": "bev_x"})
        inbox = bench.hooks.inbox

        async def ids(**fields: Any) -> list[str]:
            page = await inbox.page(call(), msgspec.convert(fields, IncomingWebhookListParams))
            return [one.id for one in page.data]

        everything = await ids(limit=100)
        assert len(everything) == 6 and everything == sorted(everything, reverse=True)
        assert await ids(limit=2) + await ids(limit=10, starting_after=everything[1]) == everything
        assert await ids(limit=2, ending_before=everything[3]) == everything[1:3]
        assert await ids(state="unverified") == everything[:1]
        assert await ids(state="processed", connector="piggybank") == everything[1:]
        assert await ids(connector="other") == []
        async with refused("resource_missing", 404, "starting_after"):
            await ids(starting_after="iwh_nobody")
        details = await inbox.retrieve(call(incoming_webhook=everything[-1]))
        assert details.body is not None and json.loads(details.body)["id"] == "bev_0"
        assert details.body_exact and details.events[0]["kind"] == "dispute_opened"
        assert details.headers is not None and set(details.headers) == {"piggybank-signature"}
        for stranger in (
            call(org_id="org_2", incoming_webhook=details.id),
            call(livemode=1, incoming_webhook=details.id),
        ):
            async with refused("resource_missing", 404):
                await inbox.retrieve(stranger)
            async with refused("resource_missing", 404):
                await inbox.process_again(stranger)

    run(scenario)


def test_bodies_and_then_messages_make_room_but_what_counted_stays(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.pay(DISPUTED)
        bench.pass_time(2)
        (opened,) = bench.news()
        await bench.deliver(opened)
        await forge(bench, {"id": "bev_x"})
        assert await sweeping.delete_old(bench.store, bench.clock) == 0
        bench.clock.advance(8 * 86_400)
        await sweeping.delete_old(bench.store, bench.clock)
        assert bench.messages() == [("dispute_opened", "processed")]
        assert bench.rows(incoming_webhooks)[0].body_text is not None
        bench.clock.advance(23 * 86_400)
        assert await sweeping.delete_old(bench.store, bench.clock) == 1
        (row,) = bench.rows(incoming_webhooks)
        assert (row.body_text, row.headers_document, row.is_exact) == (None, None, 0)
        bench.clock.advance(150 * 86_400)
        await sweeping.delete_old(bench.store, bench.clock)
        assert (bench.messages(), bench.inbox()) == ([], [("dispute_opened", "applied")])

    run(scenario)
