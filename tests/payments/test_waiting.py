"""Payments by UPI, net banking and customers' wallets: what is told when, and that the money agrees with it."""

from collections.abc import Iterator
from typing import Any

import pytest

from bursar.attempts import rules as looks
from bursar.attempts.service import LATE_PAYMENT
from bursar.kit.errors import Conflict, RequestError
from bursar.store.engine import MEMORY_URL
from tests.databases import Database
from tests.payments.harness import Json, World, run, world_on
from tests.payments.life_books import check, check_closed_books, check_ledger, look
from tests.payments.waiting import (
    COLLECT,
    EMPTY_WALLET,
    NET_BANKING,
    RETURN_URL,
    STATUSES,
    UNKNOWN_VPA,
    UPI,
    URL,
    WAITING,
    WALLET,
    attempt_of,
    rupees,
    waiting,
)

FAILED, EXPIRED = "payment_intent_payment_attempt_failed", "payment_intent_payment_attempt_expired"
KINDS = sorted(WAITING)
TOLD = {"requires_action": "payment_intent.requires_action", "processing": "payment_intent.processing"}


@pytest.fixture
def world() -> Iterator[World]:
    with world_on(Database("memory", MEMORY_URL)) as made:
        yield made
        for seen in look(made.shop, made.bank):
            check(seen)
        check_ledger(made.shop, made.bank)
        check_closed_books(made.shop)


async def end(world: World, kind: str, act: Any, how: str) -> Json:
    """A payment that waited and is over; who noticed is one of those that can."""
    intent = await waiting(world, kind)
    reference = attempt_of(world.shop, intent["id"])
    if act == "expire":
        world.bank.expire(reference)
    else:
        world.bank.act(reference, act)
    if how == "message":
        await world.shop.hear(reference, "authorization_approved" if act == "approve" else "authorization_declined")
    elif how == "return":
        await world.shop.come_back(reference)
    else:
        await world.later(looks.FIRST_LOOK_AT_UPI_SECONDS + 1)
    return world.shop.intent(intent["id"])


class TestWaiting:
    def test_upi_shows_a_code_to_scan(self, world: World) -> None:
        intent = run(waiting(world, "upi"))
        action = intent["next_action"]["upi_handle_redirect_or_display_qr_code"]
        assert intent["next_action"]["type"] == "upi_handle_redirect_or_display_qr_code"
        page = action["hosted_instructions_url"]
        assert page.startswith("https://pay.example/upi/")
        assert action["qr_code"]["image_url_png"] == f"{page}/qr.png"
        assert action["qr_code"]["image_url_svg"] == f"{page}/qr.svg"
        assert action["qr_code"]["expires_at"] == world.clock.now_microseconds() // 1_000_000 + 300

    def test_a_upi_address_is_asked_by_the_bank_and_there_is_nothing_to_do(self, world: World) -> None:
        intent = run(waiting(world, "collect"))
        assert (intent["status"], intent["next_action"], intent["processing"]) == ("processing", None, None)

    def test_net_banking_leads_to_the_bank_which_leads_back(self, world: World) -> None:
        intent = run(waiting(world, "net_banking"))
        leads_to = intent["next_action"]["redirect_to_url"]
        assert leads_to["url"].startswith("https://bank.example/approve/")
        assert leads_to["return_url"] == RETURN_URL
        opened = world.bank.opened_by(attempt_of(world.shop, intent["id"]))
        assert opened.return_url == "https://pay.example/returns/scripted/acct_payments.0"

    @pytest.mark.parametrize("kind", KINDS)
    def test_nobody_holds_it_while_it_waits(self, world: World, kind: str) -> None:
        intent = run(waiting(world, kind))
        [attempt] = world.shop.attempts_of(intent["id"])
        assert (attempt.state, attempt.is_open) == ("pending", False)
        assert world.shop.told(intent["id"]) == ["payment_intent.created", TOLD[STATUSES[kind]]]

    def test_it_can_be_described_while_it_waits(self, world: World) -> None:
        async def play() -> None:
            intent = await waiting(world, "collect")
            reply = await world.shop.post(f"{URL}/{intent['id']}", {"metadata[order]": "7"})
            assert (reply.status, reply.json["status"], reply.json["metadata"]) == (200, "processing", {"order": "7"})
            reference = attempt_of(world.shop, intent["id"])
            world.bank.act(reference, "approve")
            await world.shop.hear(reference, "authorization_approved")
            assert world.shop.intent(intent["id"])["status"] == "succeeded"

        run(play())

    def test_a_retry_with_the_same_key_is_told_the_same(self, world: World) -> None:
        async def play() -> None:
            first = await world.shop.post(URL, rupees(**UPI), key="k")
            again = await world.shop.post(URL, rupees(**UPI), key="k")
            assert (first.body, again.was_replayed) == (again.body, True)
            assert len(world.bank.journal) == 1

        run(play())


@pytest.mark.parametrize("how", ["message", "return", "look"])
@pytest.mark.parametrize("kind", KINDS)
class TestEnds:
    def test_an_approval_is_money(self, world: World, kind: str, how: str) -> None:
        intent = run(end(world, kind, "approve", how))
        assert (intent["status"], intent["amount_received"], intent["next_action"]) == ("succeeded", 49900, None)
        charge = world.shop.charge_of(intent["id"])
        assert (charge["status"], charge["captured"], charge["balance_transaction"] is None) == (
            "succeeded",
            True,
            False,
        )
        assert world.shop.told(intent["id"])[-1] == "payment_intent.succeeded"

    def test_a_refusal_is_told_as_such(self, world: World, kind: str, how: str) -> None:
        intent = run(end(world, kind, "decline", how))
        assert (intent["status"], intent["payment_method"]) == ("requires_payment_method", None)
        error = intent["last_payment_error"]
        assert (error["code"], error["decline_code"], error["type"]) == (FAILED, None, "invalid_request_error")
        assert error["payment_method"]["type"] == error["payment_method_type"]
        assert "card" not in error["message"]
        assert world.shop.told(intent["id"])[-1] == "payment_intent.payment_failed"
        assert world.shop.charge_of(intent["id"])["status"] == "failed"

    def test_what_nobody_approved_in_time_has_expired(self, world: World, kind: str, how: str) -> None:
        intent = run(end(world, kind, "expire", how))
        assert intent["status"] == "requires_payment_method"
        assert intent["last_payment_error"]["code"] == EXPIRED


class TestDetails:
    @pytest.mark.parametrize(
        ("form", "details"),
        [
            (UPI, {"type": "upi", "upi": {"vpa": None}}),
            (COLLECT, {"type": "upi", "upi": {"vpa": "asha@bank"}}),
            (NET_BANKING, {"type": "net_banking", "net_banking": {"account_last4": "1234", "bank_code": "HDFC"}}),
            (WALLET, {"type": "wallet", "wallet": {"wallet_id": "pw_1"}}),
        ],
    )
    def test_the_charge_says_what_paid(self, world: World, form: Json, details: Json) -> None:
        async def play() -> None:
            reply = await world.shop.post(URL, rupees(**form))
            if reply.json["status"] != "succeeded":
                reference = attempt_of(world.shop, reply.json["id"])
                world.bank.act(reference, "approve")
                await world.shop.hear(reference, "authorization_approved")
            assert world.shop.charge_of(reply.json["id"])["payment_method_details"] == details

        run(play())

    def test_the_bank_is_sent_what_the_customer_gave_and_the_account_is_kept_sealed(self, world: World) -> None:
        intent = run(waiting(world, "net_banking"))
        method = world.bank.opened_by(attempt_of(world.shop, intent["id"])).method
        assert method is not None and getattr(method, "account", None) == "501000441234"
        [attempt] = world.shop.attempts_of(intent["id"])
        assert "501000441234" not in repr(attempt.order)

    def test_a_wallet_pays_at_once(self, world: World) -> None:
        reply = run(world.shop.post(URL, rupees(**WALLET)))
        assert (reply.status, reply.json["status"], reply.json["amount_received"]) == (200, "succeeded", 49900)

    @pytest.mark.parametrize(("form", "word"), [(EMPTY_WALLET, "not enough money"), (UNKNOWN_VPA, "UPI address")])
    def test_what_is_declined_at_once_is_answered_as_such(self, world: World, form: Json, word: str) -> None:
        reply = run(world.shop.post(URL, rupees(**form)))
        assert (reply.status, reply.error["code"], reply.error["type"]) == (402, FAILED, "card_error")
        assert "decline_code" not in reply.error
        assert word in reply.error["message"]


def test_a_refund_goes_back_the_same_way() -> None:
    async def play(world: World) -> None:
        intent = await end(world, "upi", "approve", "message")
        form = {"payment_intent": intent["id"], "amount": 900}
        refund = (await world.shop.post("/v1/refunds", form)).json
        assert (refund["status"], refund["amount"], refund["destination_details"]) == ("succeeded", 900, None)
        assert world.bank.opened_by(attempt_of(world.shop, intent["id"])).kept_minor == 49000
        assert world.shop.charge_of(intent["id"])["amount_refunded"] == 900

    with world_on(Database("memory", MEMORY_URL)) as world:
        run(play(world))
        check_closed_books(world.shop)


class TestGivingUp:
    @pytest.mark.parametrize("kind", KINDS)
    def test_canceling_tells_the_bank_until_it_knows(self, world: World, kind: str) -> None:
        async def play() -> None:
            intent = await waiting(world, kind)
            reply = await world.shop.post(f"{URL}/{intent['id']}/cancel", {"cancellation_reason": "abandoned"}, key="c")
            assert (reply.status, reply.json["status"], reply.json["next_action"]) == (200, "canceled", None)
            world.bank.is_down = True
            await world.later(1)
            world.bank.is_down = False
            await world.later(30)
            assert world.bank.opened_by(attempt_of(world.shop, intent["id"])).is_reversed
            assert world.shop.told(intent["id"])[-1] == "payment_intent.canceled"
            assert "payment_intent.payment_failed" not in world.shop.told(intent["id"])

        run(play())

    def test_money_that_comes_after_the_cancellation_goes_back_and_is_told_of(self, world: World) -> None:
        async def play() -> None:
            intent = await waiting(world, "upi")
            reference = attempt_of(world.shop, intent["id"])
            await world.shop.post(f"{URL}/{intent['id']}/cancel")
            assert world.bank.act(reference, "approve")
            await world.later(1)
            assert world.bank.opened_by(reference).kept_minor == 0
            world.bank.succeed_late(reference)
            await world.shop.hear(reference, "authorization_approved")
            await world.later(1)
            assert world.bank.opened_by(reference).kept_minor == 0
            assert world.shop.told(reference) == [LATE_PAYMENT]
            assert world.shop.intent(intent["id"])["status"] == "canceled"

        run(play())

    def test_another_payment_method_takes_its_place(self, world: World) -> None:
        async def play() -> None:
            intent = await waiting(world, "upi")
            first = attempt_of(world.shop, intent["id"])
            reply = await world.shop.post(f"{URL}/{intent['id']}/confirm", {"payment_method": "pm_card_visa"})
            assert (reply.status, reply.json["status"]) == (200, "succeeded")
            world.bank.act(first, "approve")
            await world.later(1)
            assert world.bank.opened_by(first).kept_minor == 0
            assert world.shop.intent(intent["id"])["amount_received"] == 49900

        run(play())

    def test_another_amount_starts_over(self, world: World) -> None:
        async def play() -> None:
            intent = await waiting(world, "upi")
            reply = await world.shop.post(f"{URL}/{intent['id']}", {"amount": 100})
            assert (reply.json["status"], reply.json["next_action"]) == ("requires_confirmation", None)
            await world.later(1)
            assert world.bank.opened_by(attempt_of(world.shop, intent["id"])).is_reversed

        run(play())

    def test_a_retry_of_what_was_canceled_meanwhile_is_told_so(self, world: World) -> None:
        async def play() -> None:
            world.bank.script("lost_answer", "not_sent")
            form = rupees(**UPI)
            first = await world.shop.post(URL, form, key="k")
            assert first.json["status"] == "processing"
            await world.later(30)
            intent_id = first.json["id"]
            assert world.shop.intent(intent_id)["status"] == "requires_action"
            await world.shop.post(f"{URL}/{intent_id}/cancel")
            await world.later(1)
            ended = await world.shop.payments.resume(world.shop.call(), attempt_of(world.shop, intent_id))
            assert ended is not None and ended.error is None
            assert getattr(ended.result, "status", None) == "canceled"

        run(play())


class TestTime:
    def test_a_customer_who_does_nothing_is_waited_for_until_their_time_is_over(self, world: World) -> None:
        async def play() -> None:
            intent = await waiting(world, "upi")
            asked = len(world.bank.calls)
            assert await world.later(89) == 0
            assert await world.later(2) == 1
            assert world.shop.intent(intent["id"])["status"] == "requires_action"
            assert await world.later(200) == 0
            assert await world.later(30) == 1  # the bank says to wait still, although the time is over
            assert world.shop.intent(intent["id"])["last_payment_error"]["code"] == EXPIRED
            assert world.bank.opened_by(attempt_of(world.shop, intent["id"])).is_reversed
            assert len(world.bank.calls) - asked == 3, "two looks and one reversal"

        run(play())

    def test_what_another_bank_decides_stays_pending_as_long_as_that_takes(self, world: World) -> None:
        async def play() -> None:
            intent = await waiting(world, "upi")
            reference = attempt_of(world.shop, intent["id"])
            world.bank.act(reference, "defer")
            for seconds in (100, 300, 2 * 3600, 5 * 3600, 86_400):
                await world.later(seconds)
                shown = world.shop.intent(intent["id"])
                assert (shown["status"], shown["next_action"]) == ("processing", None)
            world.bank.act(reference, "approve")
            await world.later(86_400)
            assert world.shop.intent(intent["id"])["status"] == "succeeded"

        run(play())

    def test_a_success_after_the_time_is_given_back_even_if_nobody_tells_of_it(self, world: World) -> None:
        async def play() -> None:
            intent = await end(world, "upi", "expire", "message")
            reference = attempt_of(world.shop, intent["id"])
            world.bank.succeed_late(reference)
            await world.later(looks.CHECK_DECLINED_SECONDS + 1)
            await world.later(1)
            assert world.bank.opened_by(reference).kept_minor == 0
            assert world.shop.told(reference) == [LATE_PAYMENT]

        run(play())

    def test_an_answer_that_was_lost_is_found_out(self, world: World) -> None:
        async def play() -> None:
            world.bank.script("lost_order", "not_sent")
            first = await world.shop.post(URL, rupees(**NET_BANKING))
            assert (first.json["status"], first.json["processing"]) == ("processing", None)
            world.restart()
            await world.later(30)
            found = world.shop.intent(first.json["id"])
            assert found["status"] == "requires_action"
            method = world.bank.opened_by(attempt_of(world.shop, first.json["id"])).method
            assert getattr(method, "account", None) == "501000441234", "it was sent again with all that it needs"

        run(play())


class TestMessages:
    def test_a_message_is_not_believed(self, world: World) -> None:
        async def play() -> None:
            intent = await waiting(world, "upi")
            reference = attempt_of(world.shop, intent["id"])
            with pytest.raises(Conflict):
                await world.shop.hear(reference, "authorization_approved")
            assert world.shop.intent(intent["id"])["status"] == "requires_action"

        run(play())

    def test_a_message_that_comes_thrice_counts_once(self, world: World) -> None:
        async def play() -> None:
            intent = await waiting(world, "upi")
            reference = attempt_of(world.shop, intent["id"])
            world.bank.act(reference, "approve")
            for event_id in ("evt_a", "evt_a", "evt_b"):
                await world.shop.hear(reference, "authorization_approved", event_id)
            assert world.shop.told(intent["id"]).count("payment_intent.succeeded") == 1

        run(play())

    def test_a_return_that_the_bank_has_not_signed_is_refused(self, world: World) -> None:
        async def play() -> None:
            await waiting(world, "net_banking")
            for query in ("nonsense", "att_unknown"):
                with pytest.raises(RequestError) as caught:
                    await world.shop.come_back(query)
                assert caught.value.status in (400, 404)

        run(play())

    @pytest.mark.parametrize(("act", "status"), [("approve", "succeeded"), ("decline", "failed"), ("defer", "pending")])
    def test_a_customer_goes_on_to_the_merchant_with_how_it_stands(self, world: World, act: Any, status: str) -> None:
        async def play() -> None:
            intent = await waiting(world, "net_banking")
            reference = attempt_of(world.shop, intent["id"])
            world.bank.act(reference, act)
            done = await world.shop.come_back(reference)
            assert done.url is not None and done.url.startswith(f"{RETURN_URL}&payment_intent={intent['id']}&")
            assert done.url.endswith(f"&source_type=net_banking&redirect_status={status}")
            assert (await world.shop.come_back(reference)).url == done.url

        run(play())
