"""What every connector must do, whatever bank is behind it.

A connector's own test module subclasses `ConnectorContract` and says in `bench` what stands behind it.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec
import pytest

from bursar.connectors import declines
from bursar.connectors.contract import (
    Account,
    Authorize,
    BankEvent,
    Capture,
    Card,
    Complete,
    Increment,
    Inquire,
    Outcome,
    Refund,
    Void,
    WebhookRefused,
)
from bursar.connectors.registry import Registry
from tests.ports import nobodys_port

Fault = Literal["drop_reply", "slow", "refuse", "duplicate_reply", "bad_gateway"]
CVC = "737"
SECONDS_MAX = 5.0
"""What the connectors under test wait for an answer on a busy machine; a slow bank takes longer."""


@dataclass(frozen=True)
class Webhook:
    headers: dict[str, str]
    body: bytes
    signed_at: int
    expected: dict[str, Any]
    """Members of the event that it stands for; `kind` at least."""


@dataclass(frozen=True)
class Bench:
    """A connector in its registry, and the bank at its other end."""

    registry: Registry
    account: Account
    set_fault: Callable[[Fault | None], Coroutine[Any, Any, None]]
    registry_at: Callable[[int], Registry]
    """The same connector, but for a bank at another port of this machine."""
    webhooks: Callable[["Till"], Coroutine[Any, Any, list[Webhook]]]
    """As the bank sends them; one or more of each kind that it has."""
    approved: str = "4242424242424242"
    insufficient_funds: str = "4000000000009995"
    challenge: str = "4000002760003184"


@dataclass(frozen=True)
class Till:
    """Makes orders for the bench's merchant."""

    bench: Bench

    def name(self) -> str:
        return f"op_{secrets.token_hex(8)}"

    def authorize(self, number: str | None = None, **changes: Any) -> Authorize:
        card = Card(number=number or self.bench.approved, exp_month=12, exp_year=2034, cvc=CVC)
        order = Authorize(
            operation_id=self.name(), account=self.bench.account, amount_minor=2500, currency="usd", method=card
        )
        return msgspec.structs.replace(order, **changes)

    def capture(self, bank_reference: str | None, amount_minor: int, final: bool = True) -> Capture:
        return Capture(
            operation_id=self.name(),
            account=self.bench.account,
            bank_reference=bank_reference or "",
            amount_minor=amount_minor,
            currency="usd",
            final=final,
        )

    def refund(self, bank_reference: str | None, amount_minor: int) -> Refund:
        return Refund(
            operation_id=self.name(),
            account=self.bench.account,
            bank_reference=bank_reference or "",
            amount_minor=amount_minor,
            currency="usd",
        )

    def complete(self, bank_reference: str | None, authentication: Literal["passed", "failed"]) -> Complete:
        return Complete(
            operation_id=self.name(),
            account=self.bench.account,
            bank_reference=bank_reference or "",
            authentication=authentication,
        )

    def reversal(self, operation_id: str) -> Void:
        return Void(operation_id=self.name(), account=self.bench.account, reverses=operation_id)

    def inquire(self, operation_id: str) -> Inquire:
        return Inquire(operation_id=operation_id, account=self.bench.account)


class ConnectorContract:
    """The suite. `bench` is an asynchronous context manager."""

    @asynccontextmanager
    async def bench(self) -> AsyncGenerator[Bench]:
        raise NotImplementedError
        yield

    def run(self, scenario: Callable[[Bench, Till], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            async with self.bench() as bench:
                try:
                    await scenario(bench, Till(bench))
                finally:
                    await bench.registry.close()

        asyncio.run(whole())

    def test_a_sale_succeeds(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            outcome = await bench.registry.carry_out(till.authorize())
            assert (outcome.kind, outcome.amount_minor, outcome.currency) == ("succeeded", 2500, "usd")
            assert outcome.operation == "authorize"
            assert outcome.bank_reference
            assert outcome.decline is None
            assert outcome.action is None

        self.run(scenario)

    def test_a_card_is_verified_without_money(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            outcome = await bench.registry.carry_out(till.authorize(amount_minor=0, save_for_later=True))
            assert (outcome.kind, outcome.amount_minor) == ("succeeded", 0)

        self.run(scenario)

    def test_a_decline_names_its_row_of_the_table(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            order = till.authorize(bench.insufficient_funds)
            outcome = await bench.registry.carry_out(order)
            assert outcome.kind == "declined"
            assert outcome.decline is not None
            assert (outcome.decline.code, outcome.decline.raw_code) == ("insufficient_funds", "51")
            assert outcome.decline.code in declines.DECLINES
            assert await bench.registry.carry_out(till.inquire(order.operation_id)) == outcome

        self.run(scenario)

    def test_an_order_that_comes_again_has_the_same_outcome(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            order = till.authorize()
            first = await bench.registry.carry_out(order)
            assert first.kind == "succeeded"
            assert await bench.registry.carry_out(order) == first

        self.run(scenario)

    def test_another_order_under_the_same_id_is_unknown(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            order = till.authorize()
            await bench.registry.carry_out(order)
            other = msgspec.structs.replace(order, amount_minor=9900)
            assert (await bench.registry.carry_out(other)).kind == "unknown"

        self.run(scenario)

    def test_a_bank_that_takes_no_connections_was_sent_nothing(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            with nobodys_port() as port:
                registry = bench.registry_at(port)
                assert (await registry.carry_out(till.authorize())).kind == "not_sent"
                await registry.close()

        self.run(scenario)

    @pytest.mark.parametrize("fault", ["drop_reply", "slow", "refuse", "bad_gateway"])
    def test_no_readable_answer_is_unknown(self, fault: Fault) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            assert (await bench.registry.carry_out(till.authorize())).kind == "succeeded"
            await bench.set_fault(fault)
            outcome = await bench.registry.carry_out(till.authorize())
            assert outcome.kind == "unknown"
            assert outcome.decline is None

        self.run(scenario)

    def test_what_lost_its_reply_is_found_by_asking(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            order = till.authorize()
            await bench.set_fault("drop_reply")
            assert (await bench.registry.carry_out(order)).kind == "unknown"
            assert (await bench.registry.carry_out(till.inquire(order.operation_id))).kind == "unknown"
            await bench.set_fault(None)
            found = await bench.registry.carry_out(till.inquire(order.operation_id))
            assert (found.kind, found.amount_minor, found.operation) == ("succeeded", 2500, "authorize")
            assert found == await bench.registry.carry_out(order)

        self.run(scenario)

    def test_what_the_bank_never_saw_is_absent(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            assert (await bench.registry.carry_out(till.inquire("op_never"))).kind == "absent"

        self.run(scenario)

    def test_a_second_answer_is_never_taken_for_another_order(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            await bench.set_fault("duplicate_reply")
            for amount_minor in range(1000, 1020):
                good = await bench.registry.carry_out(till.authorize(amount_minor=amount_minor))
                bad = await bench.registry.carry_out(till.authorize(bench.insufficient_funds))
                lost = await bench.registry.carry_out(till.inquire("op_never"))
                assert good.kind == "unknown" or (good.kind, good.amount_minor) == ("succeeded", amount_minor)
                assert bad.kind in ("unknown", "declined")
                assert lost.kind in ("unknown", "absent")

        self.run(scenario)

    def test_parts_are_captured_and_the_rest_is_released(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            order = till.authorize(capture=False, partial_captures=True)
            held = await bench.registry.carry_out(order)
            assert held.kind == "succeeded"
            part = await bench.registry.carry_out(till.capture(held.bank_reference, 1000, final=False))
            assert (part.kind, part.amount_minor, part.operation) == ("succeeded", 1000, "capture")
            assert part.bank_reference != held.bank_reference
            void = Void(operation_id=till.name(), account=bench.account, bank_reference=held.bank_reference)
            released = await bench.registry.carry_out(void)
            assert (released.kind, released.operation) == ("succeeded", "void")
            found = await bench.registry.carry_out(till.inquire(order.operation_id))
            assert (found.kind, found.reversed) == ("succeeded", False)

        self.run(scenario)

    def test_an_authorization_is_raised(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            held = await bench.registry.carry_out(till.authorize(capture=False))
            assert held.bank_reference
            order = Increment(
                operation_id=till.name(),
                account=bench.account,
                bank_reference=held.bank_reference,
                amount_minor=3000,
                currency="usd",
            )
            raised = await bench.registry.carry_out(order)
            assert (raised.kind, raised.amount_minor, raised.operation) == ("succeeded", 3000, "increment")
            assert raised.bank_reference == held.bank_reference

        self.run(scenario)

    def test_money_goes_back_but_never_more_than_was_taken(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            sale = await bench.registry.carry_out(till.authorize())
            refund = await bench.registry.carry_out(till.refund(sale.bank_reference, 1500))
            assert (refund.kind, refund.amount_minor, refund.operation) == ("succeeded", 1500, "refund")
            assert (await bench.registry.carry_out(till.refund(sale.bank_reference, 1500))).kind == "declined"

        self.run(scenario)

    def test_a_step_of_an_authorization_that_is_not_there_is_declined(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            outcome = await bench.registry.carry_out(till.refund("auth_that_never_was", 100))
            assert outcome.kind == "declined"

        self.run(scenario)

    def test_a_challenge_is_completed(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            asked = await bench.registry.carry_out(till.authorize(bench.challenge))
            assert asked.kind == "action_required"
            assert asked.action is not None
            assert asked.bank_reference
            done = await bench.registry.carry_out(till.complete(asked.bank_reference, "passed"))
            assert (done.kind, done.operation) == ("succeeded", "complete")
            assert done.bank_reference == asked.bank_reference
            refund = await bench.registry.carry_out(till.refund(done.bank_reference, 2500))
            assert refund.kind == "succeeded"

        self.run(scenario)

    def test_a_failed_challenge_is_a_decline(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            asked = await bench.registry.carry_out(till.authorize(bench.challenge))
            failed = await bench.registry.carry_out(till.complete(asked.bank_reference, "failed"))
            assert failed.kind == "declined"
            assert failed.decline is not None
            assert failed.decline.code == "three_ds_failed"

        self.run(scenario)

    def test_a_reversal_undoes_and_may_be_repeated(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            order = till.authorize()
            assert (await bench.registry.carry_out(order)).kind == "succeeded"
            reversal = till.reversal(order.operation_id)
            for attempt in (reversal, reversal, till.reversal(order.operation_id)):
                outcome = await bench.registry.carry_out(attempt)
                assert (outcome.kind, outcome.operation) == ("succeeded", "void")
            found = await bench.registry.carry_out(till.inquire(order.operation_id))
            assert found.reversed

        self.run(scenario)

    def test_what_was_reversed_before_it_came_never_comes_to_be(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            late = till.authorize()
            assert (await bench.registry.carry_out(till.reversal(late.operation_id))).kind == "succeeded"
            outcome = await bench.registry.carry_out(late)
            assert outcome.kind == "declined"
            assert outcome.decline is not None
            assert (outcome.decline.code, outcome.decline.raw_code) == ("duplicate", "94")

        self.run(scenario)

    def test_nothing_secret_is_in_what_can_be_written_down(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            order = till.authorize()
            outcomes: list[Outcome] = [await bench.registry.carry_out(order)]
            for fault in ("drop_reply", "bad_gateway"):
                await bench.set_fault(fault)
                outcomes.append(await bench.registry.carry_out(till.authorize()))
            written = repr(order) + repr(outcomes) + json.dumps([outcome.raw for outcome in outcomes])
            written += repr(vars(bench.registry)) + repr(bench.registry.connector(bench.account.connector))
            for secret in (bench.approved, f"'{CVC}'", f'"{CVC}"', "Bearer"):
                assert secret not in written

        self.run(scenario)

    def test_signed_messages_are_translated(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            for webhook in await bench.webhooks(till):
                for seconds in (-300, 0, 300):
                    (event,) = _read(bench, webhook, webhook.signed_at + seconds)
                    assert {name: getattr(event, name) for name in webhook.expected} == webhook.expected

        self.run(scenario)

    def test_messages_that_are_not_surely_the_banks_are_refused(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            for webhook in await bench.webhooks(till):
                now = webhook.signed_at
                forged = replace(webhook, body=webhook.body.replace(b"1", b"2", 1))
                unsigned = replace(webhook, headers={})
                cut = replace(webhook, headers={name: value[:-1] for name, value in webhook.headers.items()})
                old, young = (webhook, now + 301), (webhook, now - 301)
                for message, seconds in ((forged, now), (unsigned, now), (cut, now), old, young):
                    with pytest.raises(WebhookRefused):
                        _read(bench, message, seconds)

        self.run(scenario)


def _read(bench: Bench, webhook: Webhook, now_seconds: int) -> list[BankEvent]:
    return bench.registry.connector(bench.account.connector).read_webhook(webhook.headers, webhook.body, now_seconds)
