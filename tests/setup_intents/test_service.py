"""A setup's way: what is durable before the bank is asked, and what each of its answers makes of it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

import pytest

from bursar.http.call import Staged
from bursar.kit.errors import CardError, Conflict, InvalidRequest, NotFound, RequestError
from bursar.methods.schemas import AttachParams
from bursar.setup_intents.params import SetupConfirmParams, SetupParams, SetupRetrieveParams
from bursar.setup_intents.schemas import SetupIntent
from bursar.store.errors import RowsExpected
from tests.databases import Database
from tests.setup_intents.harness import (
    APPROVED,
    CHALLENGE,
    NOT_SENT,
    UNKNOWN,
    Bench,
    bench,
    call,
    declined,
)

VISA = "pm_card_visa"
Play = Callable[[Bench], Coroutine[None, None, None]]


def run(database: Database, play: Play) -> None:
    with bench(database) as tools:
        asyncio.run(play(tools))


async def refused(attempt: Awaitable[SetupIntent]) -> RequestError:
    with pytest.raises(RequestError) as refusal:
        await attempt
    return refusal.value


def test_a_card_is_verified_without_money_and_becomes_the_customers(database: Database) -> None:
    async def play(tools: Bench) -> None:
        customer = await tools.customer()
        setup = await tools.create(APPROVED, customer=customer, payment_method=VISA, confirm=True)
        assert (setup.status, setup.last_setup_error, setup.next_action) == ("succeeded", None, None)
        [asked] = tools.bank.asked
        assert (asked.kind, asked.amount_minor, asked.subject_id) == ("authorize", 0, setup.id)
        order = asked.order
        assert (order.capture, order.save_for_later, order.off_session, order.agreed_before) == (
            False,
            True,
            False,
            False,
        )
        assert setup.payment_method is not None
        found = await tools.methods.service.find(call(), setup.payment_method)
        assert (found.method.customer, found.agreed) == (customer, True)
        assert tools.told(setup.id) == ["setup_intent.created", "setup_intent.succeeded"]
        assert tools.told(setup.payment_method) == ["payment_method.attached"]

    run(database, play)


def test_without_a_customer_the_card_is_recorded_and_belongs_to_nobody(database: Database) -> None:
    async def play(tools: Bench) -> None:
        setup = await tools.create(APPROVED, payment_method=VISA, confirm=True)
        assert setup.payment_method is not None
        found = await tools.methods.service.find(call(), setup.payment_method)
        assert (found.method.customer, found.agreed) == (None, True)

    run(database, play)


def test_a_setup_for_use_with_the_customer_present_agrees_to_nothing_else(database: Database) -> None:
    async def play(tools: Bench) -> None:
        setup = await tools.create(APPROVED, payment_method=VISA, confirm=True, usage="on_session")
        assert setup.status == "succeeded"
        assert not tools.agreed(setup.payment_method)

    run(database, play)


def test_a_decline_leaves_it_open_for_another_card(database: Database) -> None:
    async def play(tools: Bench) -> None:
        setup = await tools.create(payment_method=VISA)
        refusal = await refused(tools.confirm(setup.id, declined("insufficient_funds")))
        assert isinstance(refusal, CardError)
        assert (refusal.code, refusal.decline_code) == ("card_declined", "insufficient_funds")
        after = tools.stored(setup.id)
        assert refusal.extras["setup_intent"] == after.setup
        assert (after.setup.status, after.setup.payment_method, after.attempt_id) == (
            "requires_payment_method",
            None,
            None,
        )
        assert after.setup.last_setup_error is not None
        assert after.setup.last_setup_error.decline_code == "insufficient_funds"
        again = await tools.confirm(setup.id, APPROVED, payment_method=VISA)
        assert (again.status, again.last_setup_error) == ("succeeded", None)
        assert tools.told(setup.id) == [
            "setup_intent.created",
            "setup_intent.setup_failed",
            "setup_intent.succeeded",
        ]

    run(database, play)


def test_what_never_reached_the_bank_is_a_failure_that_may_be_repeated(database: Database) -> None:
    async def play(tools: Bench) -> None:
        refusal = await refused(tools.create(NOT_SENT, payment_method=VISA, confirm=True))
        assert refusal.code == "processing_error"

    run(database, play)


def test_nobody_is_told_an_end_that_nobody_knows(database: Database) -> None:
    async def play(tools: Bench) -> None:
        customer = await tools.customer()
        setup = await tools.create(UNKNOWN, customer=customer, payment_method=VISA, confirm=True)
        assert (setup.status, setup.last_setup_error) == ("processing", None)
        assert tools.told(setup.id) == ["setup_intent.created"]
        assert isinstance(await refused(tools.confirm(setup.id)), Conflict)
        assert isinstance(await refused(tools.cancel(setup.id)), Conflict)
        assert isinstance(await refused(tools.update(setup.id, description="x")), Conflict)
        assert await tools.resolve(UNKNOWN) == 1
        assert tools.stored(setup.id).setup.status == "processing"
        assert await tools.resolve(APPROVED) == 1
        after = tools.stored(setup.id)
        assert (after.setup.status, after.attempt_id) == ("succeeded", None)
        assert tools.agreed(setup.payment_method)
        assert tools.told(setup.id) == ["setup_intent.created", "setup_intent.succeeded"]
        assert await tools.resolve() == 0

    run(database, play)


def test_a_setup_that_died_after_its_first_commit_is_driven_to_its_end(database: Database) -> None:
    async def play(tools: Bench) -> None:
        staged = await tools.service.create(call(), SetupParams(payment_method=VISA, confirm=True))
        assert isinstance(staged, Staged)
        await tools.store.commit(staged.unit)
        assert await tools.service.resume(call(), staged.attempt_id) is None
        assert await tools.resolve(declined("do_not_honor")) == 1
        told = await tools.service.resume(call(), staged.attempt_id)
        assert told is not None and isinstance(told.error, CardError)
        assert (told.error.code, told.error.decline_code) == ("card_declined", "generic_decline")

    run(database, play)


def test_what_stays_unknown_too_long_is_reversed_and_fails(database: Database) -> None:
    async def play(tools: Bench) -> None:
        setup = await tools.create(UNKNOWN, payment_method=VISA, confirm=True)
        tools.clock.advance(16 * 60)
        reversed_for_good = declined("system_error")
        assert await tools.resolve(reversed_for_good) == 1
        assert tools.bank.reversed == [tools.bank.asked[0].id]
        assert tools.stored(setup.id).setup.status == "requires_payment_method"

    run(database, play)


def test_a_challenge_sends_the_customer_to_a_page(database: Database) -> None:
    async def play(tools: Bench) -> None:
        back = "https://shop.example/done?basket=1#top"
        setup = await tools.create(CHALLENGE, payment_method=VISA, confirm=True, return_url=back)
        assert setup.status == "requires_action"
        assert setup.next_action is not None and setup.next_action.redirect_to_url
        redirect = setup.next_action.redirect_to_url
        assert redirect.url.startswith("https://pay.example/authenticate/")
        assert redirect.return_url == back
        url = await tools.click(setup, APPROVED)
        assert url == (
            f"https://shop.example/done?basket=1&setup_intent={setup.id}"
            f"&setup_intent_client_secret={setup.client_secret}&redirect_status=succeeded#top"
        )
        second = tools.bank.asked[-1]
        assert (second.kind, second.bank_reference, second.order.authenticated) == ("complete", "pba_1", True)
        after = tools.stored(setup.id)
        assert (after.setup.status, after.setup.next_action, after.authentication_id) == ("succeeded", None, None)
        assert tools.told(setup.id) == [
            "setup_intent.created",
            "setup_intent.requires_action",
            "setup_intent.succeeded",
        ]

    run(database, play)


def test_who_fails_to_authenticate_sets_nothing_up(database: Database) -> None:
    async def play(tools: Bench) -> None:
        back = "https://shop.example/done"
        setup = await tools.create(CHALLENGE, payment_method=VISA, confirm=True, return_url=back)
        url = await tools.click(setup, declined("three_ds_failed"), passed=False)
        assert url is not None and url.endswith("redirect_status=failed")
        assert not tools.bank.asked[-1].order.authenticated
        after = tools.stored(setup.id).setup
        assert after.status == "requires_payment_method"
        assert after.last_setup_error is not None
        assert after.last_setup_error.code == "setup_intent_authentication_failure"
        assert (after.last_setup_error.type, after.last_setup_error.decline_code) == ("invalid_request_error", None)

    run(database, play)


def test_only_the_first_click_counts(database: Database) -> None:
    async def play(tools: Bench) -> None:
        back = "https://shop.example/done"
        setup = await tools.create(CHALLENGE, payment_method=VISA, confirm=True, return_url=back)
        tools.bank.answers.append(APPROVED)
        urls = await asyncio.gather(tools.click(setup), tools.click(setup, passed=False), tools.click(setup))
        assert len({*urls}) == 1
        assert [attempt.kind for attempt in tools.bank.asked] == ["authorize", "complete"]
        assert tools.stored(setup.id).setup.status == "succeeded"  # whichever came first: so has the bank said
        assert urls[0] is not None and urls[0].endswith("redirect_status=succeeded")
        assert await tools.click(setup, passed=False) == urls[0]

    run(database, play)


def test_a_page_whose_process_died_between_its_commits_is_finished_by_the_resolver(database: Database) -> None:
    async def play(tools: Bench) -> None:
        setup = await tools.create(CHALLENGE, payment_method=VISA, confirm=True)
        with pytest.raises(IndexError):  # the bank has no answer: as if this process had ended while it asked
            await tools.click(setup)
        waiting = tools.stored(setup.id)
        assert (waiting.setup.status, waiting.setup.next_action) == ("processing", None)
        assert await tools.resolve(APPROVED) == 1
        assert tools.stored(setup.id).setup.status == "succeeded"
        assert tools.told(setup.id)[-1] == "setup_intent.succeeded"

    run(database, play)


def test_a_page_that_was_left_open_changes_nothing_after_a_cancellation(database: Database) -> None:
    async def play(tools: Bench) -> None:
        back = "https://shop.example/done"
        setup = await tools.create(CHALLENGE, payment_method=VISA, confirm=True, return_url=back)
        canceled = await tools.cancel(setup.id)
        assert (canceled.status, canceled.next_action) == ("canceled", None)
        url = await tools.click(setup)
        assert url is not None and url.endswith("redirect_status=failed")
        assert tools.stored(setup.id).setup.status == "canceled"
        assert len(tools.bank.asked) == 1
        assert tools.told(setup.id)[-1] == "setup_intent.canceled"

    run(database, play)


def test_a_page_of_an_earlier_try_changes_nothing(database: Database) -> None:
    async def play(tools: Bench) -> None:
        first = await tools.create(CHALLENGE, payment_method=VISA, confirm=True)
        second = await tools.confirm(first.id, CHALLENGE)
        assert second.next_action != first.next_action
        await tools.click(first)
        assert tools.stored(first.id).setup == second
        await tools.click(second, APPROVED)
        assert tools.stored(first.id).setup.status == "succeeded"

    run(database, play)


def test_another_card_makes_an_open_page_worthless(database: Database) -> None:
    async def play(tools: Bench) -> None:
        setup = await tools.create(CHALLENGE, payment_method=VISA, confirm=True)
        described = await tools.update(setup.id, description="for the rent")
        assert described.next_action == setup.next_action
        changed = await tools.update(setup.id, payment_method="pm_card_mastercard")
        assert (changed.status, changed.next_action) == ("requires_confirmation", None)
        await tools.click(setup)
        assert tools.stored(setup.id).setup == changed

    run(database, play)


def test_a_card_that_was_detached_meanwhile_is_not_attached_again(database: Database) -> None:
    async def play(tools: Bench) -> None:
        customer = await tools.customer()
        method = await tools.methods.method()
        setup = await tools.create(CHALLENGE, customer=customer, payment_method=method.id, confirm=True)
        attached = await tools.methods.service.attach(call(payment_method=method.id), AttachParams(customer=customer))
        await tools.store.commit(attached.unit)
        detached = await tools.methods.service.detach(call(payment_method=method.id))
        await tools.store.commit(detached.unit)
        await tools.click(setup, APPROVED)
        assert (await tools.methods.service.find(call(), method.id)).method.customer is None

    run(database, play)


def test_a_customer_who_is_deleted_meanwhile_gets_no_card(database: Database) -> None:
    async def play(tools: Bench) -> None:
        customer = await tools.customer()
        setup = await tools.create(UNKNOWN, customer=customer, payment_method=VISA, confirm=True)
        deleted = await tools.methods.customers.delete(call(customer=customer))
        await tools.store.commit(deleted.unit)
        assert await tools.resolve(APPROVED) == 1
        assert tools.stored(setup.id).setup.status == "succeeded"
        assert setup.payment_method is not None
        assert (await tools.methods.service.find(call(), setup.payment_method)).method.customer is None

    run(database, play)


def test_a_customer_deleted_while_the_bank_is_asked_leaves_the_end_to_the_resolver(database: Database) -> None:
    async def play(tools: Bench) -> None:
        customer = await tools.customer()
        staged = await tools.service.create(call(), SetupParams(customer=customer, payment_method=VISA, confirm=True))
        assert isinstance(staged, Staged)
        await tools.store.commit(staged.unit)
        tools.bank.answers.append(APPROVED)
        effect = await staged.finish()
        deleted = await tools.methods.customers.delete(call(customer=customer))
        await tools.store.commit(deleted.unit)
        with pytest.raises(RowsExpected):
            await tools.store.commit(effect.unit)
        assert await tools.resolve(APPROVED) == 1
        assert isinstance(effect.result, SetupIntent)
        assert tools.stored(effect.result.id).setup.status == "succeeded"

    run(database, play)


def test_of_two_confirmations_at_once_the_bank_is_asked_for_one(database: Database) -> None:
    async def play(tools: Bench) -> None:
        setup = await tools.create(payment_method=VISA)
        tools.bank.answers.append(APPROVED)
        both = await asyncio.gather(tools.confirm(setup.id), tools.confirm(setup.id), return_exceptions=True)
        assert sorted(isinstance(one, SetupIntent) for one in both) == [False, True]
        assert len(tools.bank.asked) == 1
        assert any(isinstance(one, RowsExpected) for one in both)

    run(database, play)


def test_a_publishable_key_needs_the_secret_and_the_secret_must_be_right(database: Database) -> None:
    async def play(tools: Bench) -> None:
        setup = await tools.create(payment_method=VISA)
        browser = call(kind="publishable", intent=setup.id)
        with pytest.raises(InvalidRequest) as missing:
            await tools.service.retrieve(browser, SetupRetrieveParams())
        assert missing.value.param == "client_secret"
        for key in (browser, call(intent=setup.id)):
            with pytest.raises(NotFound):
                await tools.service.confirm(key, SetupConfirmParams(client_secret=f"{setup.id}_secret_guess"))
        with_secret = SetupRetrieveParams(client_secret=setup.client_secret)
        assert await tools.service.retrieve(browser, with_secret) == setup

    run(database, play)


def test_a_confirmation_needs_a_card(database: Database) -> None:
    async def play(tools: Bench) -> None:
        setup = await tools.create()
        refusal = await refused(tools.confirm(setup.id))
        assert (refusal.param, refusal.code) == ("payment_method", "setup_intent_unexpected_state")
        assert (await refused(tools.create(confirm=True))).param == "payment_method"

    run(database, play)


def test_an_end_is_an_end(database: Database) -> None:
    async def play(tools: Bench) -> None:
        succeeded = await tools.create(APPROVED, payment_method=VISA, confirm=True)
        canceled = await tools.cancel((await tools.create()).id)
        for over in (succeeded, canceled):
            for act in (tools.confirm(over.id), tools.cancel(over.id), tools.update(over.id, customer="")):
                assert (await refused(act)).code == "setup_intent_unexpected_state"
            renamed = await tools.update(over.id, description="kept", metadata={"k": "v"})
            assert (renamed.status, renamed.description) == (over.status, "kept")

    run(database, play)


def test_another_organisations_customer_or_method_is_as_good_as_none(database: Database) -> None:
    async def play(tools: Bench) -> None:
        for params, name in (({"customer": "cus_none"}, "customer"), ({"payment_method": "pm_none"}, "payment_method")):
            refusal = await refused(tools.create(**params))
            assert (refusal.status, refusal.code, refusal.param) == (404, "resource_missing", name)

    run(database, play)
