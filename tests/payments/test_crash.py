"""The process dies at each step of a payment: whoever asks again is told the end, and the money moved once."""

from collections.abc import Iterator
from typing import Any

import pytest

from bursar.attempts import commands
from bursar.http import execution
from bursar.kit.clock import ManualClock
from bursar.store.engine import MEMORY_URL
from tests.databases import Database
from tests.payments.bank import ScriptedBank
from tests.payments.harness import ORG, Json, Reply, Shop, sale
from tests.payments.life_books import check, check_closed_books, check_ledger, look
from tests.payments.steps import Driver, SteppedBank, SteppedStore, Steps
from tests.vault.harness import opened

URL = "/v1/payment_intents"
STEPS_MAX = 12  # more than any of these takes
BEFORE_SECOND_COMMIT = 4  # of a new payment: the first commit and the bank's answer are behind it
CHALLENGED = "pm_card_authenticationRequired"
AUTHORISED = {
    "capture_method": "manual",
    "confirm": "true",
    "payment_method": "pm_card_visa",
    "payment_method_options[card][request_incremental_authorization]": "if_available",
}


class Mortal:
    """A shop whose process can be killed, and started again."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.clock, self.bank, self.driver = ManualClock(), ScriptedBank(), Driver()
        self.start()

    def start(self) -> None:
        self.steps = Steps()
        self.shop = Shop(SteppedStore.on(self.store, self.steps), self.clock, SteppedBank(self.bank, self.steps), ORG)

    def post(self, path: str, form: Json, key: str | None = None, *, fuse: int | None = None) -> Reply | None:
        """None when it died on the way."""
        self.steps.fuse = fuse
        done = self.driver.run(self.steps, [self.shop.post(path, form, key=key)])
        self.steps.fuse = None
        if self.steps.is_dead:
            self.driver.abandon()
            self.start()
            return None
        reply: Reply = done[-1].result()
        return reply

    def answered(self, path: str, form: Json, key: str | None = None) -> Reply:
        reply = self.post(path, form, key)
        assert reply is not None
        return reply

    def resolve(self, seconds: float = 10) -> None:
        self.clock.advance(seconds)
        self.driver.run(self.steps, [self.shop.resolve()])

    def check(self) -> None:
        for seen in look(self.shop, self.bank):
            check(seen)
            assert not seen.is_open
        check_ledger(self.shop, self.bank)
        check_closed_books(self.shop)


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mortal]:
    monkeypatch.setattr(execution, "RESUME_SECONDS_MAX", -1)
    monkeypatch.setattr(commands, "NOT_SENT_WAITS_SECONDS", ())
    with opened(Database("memory", MEMORY_URL)) as store:
        made = Mortal(store)
        yield made
        made.driver.close()


STORIES: dict[str, tuple[Json, str, Json, int, str]] = {
    # What is there before, what is asked, and how that ends.
    "sale": ({}, "", sale(confirm="true", payment_method="pm_card_visa"), 200, "succeeded"),
    "authorisation": ({}, "", sale(**AUTHORISED), 200, "requires_capture"),
    "decline": (
        {},
        "",
        sale(confirm="true", payment_method="pm_card_visa_chargeDeclined"),
        402,
        "requires_payment_method",
    ),
    "challenge": (
        {},
        "",
        sale(confirm="true", payment_method=CHALLENGED),
        200,
        "requires_action",
    ),
    "unwanted challenge": (
        {},
        "",
        sale(confirm="true", payment_method=CHALLENGED, error_on_requires_action="true"),
        402,
        "requires_payment_method",
    ),
    "confirmation": (sale(), "/confirm", {"payment_method": "pm_card_visa"}, 200, "succeeded"),
    "capture": (sale(**AUTHORISED), "/capture", {}, 200, "succeeded"),
    "part": (sale(**AUTHORISED), "/capture", {"amount_to_capture": 500}, 200, "succeeded"),
    "increment": (sale(**AUTHORISED), "/increment_authorization", {"amount": 3000}, 200, "requires_capture"),
    "cancel": (sale(**AUTHORISED), "/cancel", {}, 200, "canceled"),
    "nothing to release": (sale(), "/cancel", {}, 200, "canceled"),
}


@pytest.mark.parametrize("fuse", range(STEPS_MAX))
@pytest.mark.parametrize("story", STORIES)
def test_whoever_asks_again_is_told_the_end_whenever_the_process_died(mortal: Mortal, story: str, fuse: int) -> None:
    before, act, form, status, end = STORIES[story]
    path = URL + (f"/{mortal.answered(URL, before).json['id']}{act}" if before else act)
    first = mortal.post(path, form, "key", fuse=fuse)
    mortal.resolve()
    again, once_more = (mortal.answered(path, form, "key") for _ in range(2))
    assert (again.status, again.intent["status"]) == (status, end)
    assert again.body == once_more.body
    assert once_more.was_replayed
    assert first is not None or fuse < STEPS_MAX - 1, "there are more steps to die at"
    if first is not None:
        assert first.body == again.body
    assert len(look(mortal.shop, mortal.bank)) == 1
    mortal.check()


@pytest.mark.parametrize("passed", [True, False])
@pytest.mark.parametrize("fuse", range(STEPS_MAX))
def test_a_customer_who_authenticated_is_not_asked_again(mortal: Mortal, fuse: int, passed: bool) -> None:
    intent = mortal.answered(URL, sale(confirm="true", payment_method=CHALLENGED)).json
    mortal.steps.fuse = fuse
    mortal.driver.run(mortal.steps, [mortal.shop.authenticate(intent, passed=passed)])
    if mortal.steps.is_dead:
        mortal.driver.abandon()
        mortal.start()
    mortal.steps.fuse = None
    mortal.resolve()
    # Died before the decision was durable: then the page is still there, and the customer clicks once more.
    if mortal.shop.intent(intent["id"])["status"] == "requires_action":
        mortal.driver.run(mortal.steps, [mortal.shop.authenticate(intent, passed=passed)])
    assert mortal.shop.intent(intent["id"])["status"] == ("succeeded" if passed else "requires_payment_method")
    mortal.check()


def test_an_error_that_is_told_after_a_crash_is_the_one_that_would_have_been_told(mortal: Mortal) -> None:
    declined = sale(confirm="true", payment_method="pm_card_visa_chargeDeclinedInsufficientFunds")
    expected = mortal.answered(URL, declined).error
    assert mortal.post(URL, declined, "key", fuse=BEFORE_SECOND_COMMIT) is None
    mortal.resolve()
    told = mortal.answered(URL, declined, "key").error
    volatile = ("charge", "payment_intent", "payment_method")
    assert {name: told[name] for name in told if name not in volatile} == {
        name: expected[name] for name in expected if name not in volatile
    }
    assert told.keys() == expected.keys()


def test_an_answer_that_is_not_known_yet_is_not_given(mortal: Mortal) -> None:
    authorised = mortal.answered(URL, sale(**AUTHORISED)).json["id"]
    path = f"{URL}/{authorised}/capture"
    assert mortal.post(path, {}, "key", fuse=BEFORE_SECOND_COMMIT + 2) is None  # two reads come first
    mortal.bank.is_down = True
    mortal.resolve()
    assert mortal.answered(path, {}, "key").status == 409
    mortal.bank.is_down = False
    mortal.resolve(30)
    assert mortal.answered(path, {}, "key").json["status"] == "succeeded"
    mortal.check()


def test_a_customer_whose_bank_was_slow_is_not_told_of_an_error(mortal: Mortal) -> None:
    """The resolver took it over, and has written everything that the page would have written."""
    manual = sale(confirm="true", payment_method=CHALLENGED, capture_method="manual")
    intent = mortal.answered(URL, manual).json
    mortal.bank.script("slow_answer")
    assert mortal.driver.run(mortal.steps, [mortal.shop.authenticate(intent)]) == []
    mortal.resolve()
    mortal.bank.let_go()
    (done,) = mortal.driver.run(mortal.steps, [])
    assert done.result().succeeded
    assert mortal.shop.intent(intent["id"])["status"] == "requires_capture"
    mortal.check()


@pytest.mark.parametrize("key", ["key", None])
@pytest.mark.parametrize("story", [story for story in STORIES if story != "nothing to release"])
def test_a_request_that_was_overtaken_is_answered_with_the_end(mortal: Mortal, story: str, key: str | None) -> None:
    before, act, form, status, end = STORIES[story]
    path = URL + (f"/{mortal.answered(URL, before).json['id']}{act}" if before else act)
    mortal.bank.script("slow_answer")
    assert mortal.driver.run(mortal.steps, [mortal.shop.post(path, form, key=key)]) == []
    mortal.resolve()
    mortal.bank.let_go()
    (done,) = mortal.driver.run(mortal.steps, [])
    assert (done.result().status, done.result().intent["status"]) == (status, end)
    mortal.check()
