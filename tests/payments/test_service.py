"""Payments as merchants use them, where a wire test would not see the bank."""

import logging
from collections.abc import Iterator

import pytest

from bursar.attempts import commands
from bursar.kit.errors import BursarError
from bursar.payments import tasks
from bursar.payments.operations import OperationService
from bursar.store.engine import MEMORY_URL
from tests.databases import Database
from tests.payments.harness import World, run, world_on

DAY = 86_400
URL = "/v1/payment_intents"
CHALLENGED = "pm_card_authenticationRequired"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(commands, "NOT_SENT_WAITS_SECONDS", ())
    with world_on(Database("memory", MEMORY_URL)) as made:
        yield made


MULTIPLE = {"payment_method_options[card][request_multicapture]": "if_available"}


def test_a_capture_that_leaves_nothing_is_the_last_one_whatever_it_says(world: World) -> None:
    async def scenario() -> None:
        waiting = await world.shop.authorised(**MULTIPLE)
        first = await world.shop.post(f"{URL}/{waiting}/capture", {"amount_to_capture": 500, "final_capture": "false"})
        assert (first.json["status"], first.json["amount_capturable"]) == ("requires_capture", 1500)
        rest = await world.shop.post(f"{URL}/{waiting}/capture", {"final_capture": "false"})
        assert (rest.json["status"], rest.json["amount_received"]) == ("succeeded", 2000)
        assert world.shop.told(waiting).count("payment_intent.succeeded") == 1

    run(scenario())


def test_an_expansion_that_is_impossible_costs_nobody_anything(world: World) -> None:
    async def scenario() -> None:
        reply = await world.shop.create({"expand[0]": "amount"}, confirm="true", payment_method="pm_card_visa", key="k")
        assert (reply.status, reply.error["param"]) == (400, "expand")
        assert world.bank.journal == []
        again = await world.shop.create(
            {"expand[0]": "latest_charge"}, confirm="true", payment_method="pm_card_visa", key="k"
        )
        assert again.json["latest_charge"]["paid"] is True

    run(scenario())


@pytest.mark.parametrize(
    ("change", "starts_over"),
    [
        ({"amount": 2500}, True),
        ({"currency": "eur"}, True),
        ({"capture_method": "manual"}, True),
        ({"payment_method": "pm_card_visa"}, True),
        ({"description": "A book"}, False),
        ({"metadata[order]": "7"}, False),
        ({"amount": 2000}, False),
    ],
)
def test_a_customer_authenticates_for_one_way_to_pay_one_amount(
    world: World, change: dict[str, object], starts_over: bool
) -> None:
    async def scenario() -> None:
        before = (await world.shop.create(confirm="true", payment_method=CHALLENGED)).json
        after = (await world.shop.post(f"{URL}/{before['id']}", change)).json
        assert after["status"] == ("requires_confirmation" if starts_over else "requires_action")
        assert (after["next_action"] is None) == starts_over
        await world.shop.authenticate(before)
        paid = world.shop.intent(before["id"])["status"] == "succeeded"
        assert paid != starts_over, "what was authenticated before the change counts for nothing"

    run(scenario())


def test_a_card_with_a_code_is_charged_with_it_and_it_is_kept_nowhere(world: World) -> None:
    async def scenario() -> None:
        card = {"number": 4242424242424242, "exp_month": 12, "exp_year": 2034, "cvc": "737"}
        form = {f"payment_method_data[card][{name}]": value for name, value in card.items()}
        reply = await world.shop.create(form | {"payment_method_data[type]": "card", "confirm": "true"})
        assert reply.json["status"] == "succeeded"
        (order,) = world.bank.calls
        assert getattr(order, "method").cvc == "737"  # noqa: B009 - an authorisation
        (attempt,) = world.shop.attempts_of(reply.json["id"])
        assert "4242424242424242" not in repr(attempt) and "737" not in repr(attempt.order)

    run(scenario())


def test_what_nobody_captures_in_a_week_is_released(world: World) -> None:
    async def scenario() -> None:
        waiting = await world.shop.authorised()
        world.clock.advance(7 * DAY - 60)
        assert await world.shop.expire() == 0
        world.clock.advance(120)
        assert await world.shop.expire() == 1
        after = world.shop.intent(waiting)
        assert (after["status"], after["cancellation_reason"]) == ("canceled", "automatic")
        assert "charge.expired" in world.shop.told(after["latest_charge"])
        (authorization,) = world.bank.authorizations_of(one.id for one in world.shop.attempts_of(waiting))
        assert authorization.held_minor == 0
        assert await world.shop.expire() == 0

    run(scenario())


@pytest.mark.parametrize("act", ["capture", "cancel"])
def test_what_came_to_its_end_in_time_is_not_released(world: World, act: str) -> None:
    async def scenario() -> None:
        waiting = await world.shop.authorised()
        reply = await world.shop.post(f"{URL}/{waiting}/{act}")
        world.clock.advance(8 * DAY)
        assert await world.shop.expire() == 0
        assert world.shop.intent(waiting)["status"] == reply.json["status"]

    run(scenario())


def test_what_the_bank_does_not_let_go_is_not_the_first_in_line_for_ever(world: World) -> None:
    async def scenario() -> None:
        waiting = await world.shop.authorised()
        world.clock.advance(8 * DAY)
        world.bank.is_down = True
        assert await world.shop.expire() == 1
        world.bank.is_down = False
        assert world.shop.intent(waiting)["status"] == "requires_capture"
        assert await world.shop.expire() == 0
        world.clock.advance(3601)
        assert await world.shop.expire() == 1
        assert world.shop.intent(waiting)["status"] == "canceled"

    run(scenario())


@pytest.mark.parametrize("problem", [BursarError("no such connector"), AssertionError("a defect")])
def test_one_payment_that_cannot_be_released_keeps_none_of_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, problem: Exception
) -> None:
    async def scenario() -> None:
        waiting = [await world.shop.authorised() for _ in range(3)]
        expire = OperationService.expire

        async def failing(self: OperationService, org_id: str, livemode: int, intent_id: str) -> None:
            if intent_id == waiting[0]:
                raise problem
            await expire(self, org_id, livemode, intent_id)

        monkeypatch.setattr(OperationService, "expire", failing)
        world.clock.advance(8 * DAY)
        with caplog.at_level(logging.ERROR, tasks.__name__):
            assert await world.shop.expire() == 3
        assert "a payment cannot be released" in caplog.text
        statuses = [world.shop.intent(one)["status"] for one in waiting]
        assert statuses == ["requires_capture", "canceled", "canceled"]

    run(scenario())


def test_without_an_acquirer_a_payment_is_refused_and_nothing_is_written(world: World) -> None:
    async def scenario() -> None:
        world.bank.has_acquirer = False
        reply = await world.shop.create(confirm="true", payment_method="pm_card_visa", key="k")
        assert reply.status == 400 and "No acquirer" in reply.error["message"]
        world.bank.has_acquirer = True
        assert (await world.shop.create(confirm="true", payment_method="pm_card_visa", key="k")).status == 200

    run(scenario())


def test_a_browser_confirms_with_the_secret_and_sees_no_more_than_it_needs(world: World) -> None:
    async def scenario() -> None:
        made = (await world.shop.create()).json
        path = f"{URL}/{made['id']}/confirm"
        form = {"payment_method": "pm_card_visa_chargeDeclined"}
        without = await world.shop.post(path, form, kind="publishable")
        assert (without.status, without.error["param"]) == (400, "client_secret")
        wrong = await world.shop.post(path, form | {"client_secret": "pi_x_secret_y"}, kind="publishable")
        assert wrong.status == 404
        declined = await world.shop.post(path, form | {"client_secret": made["client_secret"]}, kind="publishable")
        assert declined.status == 402
        assert "metadata" not in declined.intent and declined.intent["status"] == "requires_payment_method"
        manual = (await world.shop.create(confirmation_method="manual")).json
        refused = await world.shop.post(
            f"{URL}/{manual['id']}/confirm", {"client_secret": manual["client_secret"]}, kind="publishable"
        )
        assert refused.error["code"] == "payment_intent_unexpected_state"

    run(scenario())
