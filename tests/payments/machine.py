"""The whole life of payments: every wish, every accident, every moment to die, against a plain model and the bank."""

from collections.abc import Coroutine
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bursar.attempts import commands
from bursar.attempts import repository as attempts_repository
from bursar.attempts.rules import CHECK_DECLINED_SECONDS
from bursar.http import execution
from bursar.kit.clock import ManualClock
from bursar.kit.errors import Conflict, Unavailable
from bursar.store.engine import MEMORY_URL
from tests.databases import Database
from tests.payments import life_books
from tests.payments.bank import Accident, ScriptedBank
from tests.payments.bank import Act as CustomerAct
from tests.payments.harness import ORG, BankKind, Json, Reply, Shop
from tests.payments.life_books import Seen
from tests.payments.life_model import (
    AMOUNT_MIN,
    CONFIRMABLE,
    FORMS,
    WAITS,
    Act,
    CardName,
    Payment,
    State,
    is_waiting,
)
from tests.payments.steps import Driver, SteppedBank, SteppedStore, Steps
from tests.payments.weather import WEATHER, Weather
from tests.vault.harness import opened

URL = "/v1/payment_intents"
INTENTS_MAX = 3
HEALING_LOOKS_MAX = 60
LOOK_SECONDS = 21
ANSWERED = (200, 402)  # what is kept under an idempotency key
CONFLICT = 409


@dataclass
class Wish:
    """One request of a client, which may be sent again under its key."""

    name: str
    path: str
    form: Json
    intent_id: str | None
    act: Act | None
    answer: Reply | None = None  # one that is kept
    status: int | None = None  # of the last answer of any kind
    was_asked: bool = False


def _holds(form: Json, wanted: dict[str, str]) -> bool:
    names = ("payment_method", "payment_method_data[type]", "payment_method_data[upi][vpa]")
    return {name: form[name] for name in names if name in form} == wanted


CARD: st.SearchStrategy[CardName] = st.sampled_from(list(FORMS))
AMOUNT = st.integers(AMOUNT_MIN, 5_000)
PART = st.sampled_from([1, 49, 50, 51, 99, 100, 101])  # per cent of what can be captured
WHICH = st.integers(0, INTENTS_MAX - 1)
MOSTLY = st.sampled_from([True, True, True, False])


@dataclass
class News:
    """What the bank tells by itself, again and again until it is acknowledged."""

    reference: str
    kind: BankKind
    event_id: str


@dataclass
class Intent:
    id: str
    payment: Payment
    seen: Seen | None = field(default=None, repr=False)


class PaymentLife(RuleBasedStateMachine):
    planted: ClassVar[Any] = None  # breaks the product on purpose: handed a MonkeyPatch

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        patch = self.stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(execution, "RESUME_SECONDS_MAX", -1)  # who has to wait is told to come back, here at once
        patch.setattr(commands, "NOT_SENT_WAITS_SECONDS", ())
        if type(self).planted is not None:
            type(self).planted(patch)
        self.store = self.stack.enter_context(opened(Database("memory", MEMORY_URL)))
        self.driver = Driver()
        self.stack.callback(self.driver.close)
        self.clock = ManualClock()
        self.bank = ScriptedBank(now_seconds=lambda: self.clock.now_microseconds() // 1_000_000)
        self.news: list[News] = []
        self.intents: dict[str, Intent] = {}
        self.wishes: list[Wish] = []
        self.start()

    def start(self) -> None:
        self.steps = Steps()
        self.shop = Shop(SteppedStore.on(self.store, self.steps), self.clock, SteppedBank(self.bank, self.steps), ORG)

    def teardown(self) -> None:
        try:
            self.heal()
        finally:
            self.stack.close()

    # What merchants and customers do.

    @initialize(
        amount=AMOUNT, manual=MOSTLY, multiple=MOSTLY, card=st.sampled_from(["approved", "approved", "challenged"])
    )
    def begin(self, amount: int, manual: bool, multiple: bool, card: CardName) -> None:
        """With something worth doing, as most of what follows needs an authorisation."""
        self.create(amount, manual, multiple, True, card, Weather())

    @precondition(lambda self: len(self.intents) < INTENTS_MAX)
    @rule(
        amount=AMOUNT,
        manual=MOSTLY,
        multiple=MOSTLY,
        confirms_itself=MOSTLY,
        card=st.none() | CARD,
        weather=WEATHER,
    )
    def create(
        self, amount: int, manual: bool, multiple: bool, confirms_itself: bool, card: CardName | None, weather: Weather
    ) -> None:
        form: Json = {"amount": amount, "currency": "inr", "capture_method": "manual" if manual else "automatic"}
        form["confirmation_method"] = "automatic" if confirms_itself else "manual"
        form["payment_method_options[card][request_incremental_authorization]"] = "if_available"
        if multiple:
            form["payment_method_options[card][request_multicapture]"] = "if_available"
        if card is not None:
            form |= FORMS[card] | {"confirm": "true"}
        self.ask([self.wish(URL, form, None, None)], weather)

    @precondition(lambda self: self.among(*CONFIRMABLE))
    @rule(which=WHICH, card=CARD, weather=WEATHER)
    def confirm(self, which: int, card: CardName, weather: Weather) -> None:
        self.ask([self.confirmation(self.pick(which, *CONFIRMABLE), card)], weather)

    @precondition(lambda self: self.among("requires_action", "requires_confirmation"))
    @rule(which=WHICH, weather=WEATHER)
    def confirm_again(self, which: int, weather: Weather) -> None:
        intent = self.pick(which, "requires_confirmation", "requires_action")
        act = intent.payment.confirm_again()
        self.ask([self.wish(f"{URL}/{intent.id}/confirm", {}, intent, act)], weather)

    @precondition(lambda self: self.among(*CONFIRMABLE))
    @rule(which=WHICH, amount=AMOUNT, weather=WEATHER)
    def update(self, which: int, amount: int, weather: Weather) -> None:
        intent = self.pick(which, *CONFIRMABLE)
        act = intent.payment.update(amount)
        self.ask([self.wish(f"{URL}/{intent.id}", {"amount": amount}, intent, act)], weather)

    @precondition(lambda self: self.among("requires_capture"))
    @rule(which=WHICH, part=PART, final=st.booleans(), weather=WEATHER)
    def capture(self, which: int, part: int, final: bool, weather: Weather) -> None:
        self.ask([self.capturing(self.pick(which, "requires_capture"), part, final)], weather)

    @precondition(lambda self: self.among("requires_capture"))
    @rule(which=WHICH, more=st.integers(0, 900), weather=WEATHER)
    def increment(self, which: int, more: int, weather: Weather) -> None:
        intent = self.pick(which, "requires_capture")
        amount = self.seen(intent).intent.amount + more
        act = intent.payment.increment(amount)
        self.ask([self.wish(f"{URL}/{intent.id}/{act.name}", {"amount": amount}, intent, act)], weather)

    @precondition(lambda self: self.among("requires_capture", "processing", *CONFIRMABLE))
    @rule(which=WHICH, refrains=MOSTLY, weather=WEATHER)
    def cancel(self, which: int, refrains: bool, weather: Weather) -> None:
        if not refrains:
            self.ask([self.canceling(self.pick(which, "requires_capture", "processing", *CONFIRMABLE))], weather)

    @rule(which=WHICH, card=CARD, number=st.integers(0, 3), weather=WEATHER)
    def something_that_may_be_refused(self, which: int, card: CardName, number: int, weather: Weather) -> None:
        if self.intents:
            self.ask([self.any_wish(self.pick(which), card, number)], weather)

    @rule(which=WHICH, card=CARD, first=st.integers(0, 3), second=st.integers(0, 3), weather=WEATHER)
    def two_at_once(self, which: int, card: CardName, first: int, second: int, weather: Weather) -> None:
        if self.intents:
            intent = self.pick(which, "requires_capture", "requires_payment_method")
            self.ask([self.any_wish(intent, card, first), self.any_wish(intent, card, second)], weather)

    @precondition(lambda self: self.challenged())
    @rule(which=WHICH, passed=MOSTLY, weather=WEATHER)
    def authenticate(self, which: int, passed: bool, weather: Weather) -> None:
        known = self.challenged()
        intent = known[which % len(known)]
        shown = self.shop.intent(intent.id)
        intent.payment.wishes([intent.payment.authenticate(passed=passed)], surely=self.is_sure(weather, intent))
        self.drive([self.shop.authenticate(shown, passed=passed)], weather)
        self.look_around()

    # What customers do at the bank, and how it is heard of.

    @precondition(lambda self: self.waiting() or len(self.intents) < INTENTS_MAX)
    @rule(amount=AMOUNT, card=st.sampled_from(list(WAITS)), weather=WEATHER)
    def begin_to_wait(self, amount: int, card: CardName, weather: Weather) -> None:
        """More often than chance would have it."""
        if len(self.intents) < INTENTS_MAX:
            self.create(amount, False, False, True, card, weather)

    @precondition(lambda self: self.waiting())
    @rule(
        which=WHICH, act=st.sampled_from(["approve", "approve", "decline", "defer", "expire"]), times=st.integers(1, 3)
    )
    def a_customer_acts_at_the_bank(self, which: int, act: str, times: int) -> None:
        waiting = self.waiting()
        self.act(waiting[which % len(waiting)], act, times)

    @precondition(lambda self: self.waiting())
    @rule(number=st.integers(0, 20), times=st.integers(1, 3))
    def money_comes_late(self, number: int, times: int) -> None:
        """For what may have been given up, declined or reversed long ago."""
        over = [one for one in self.waiting() if self.is_over(one)]
        reference = over[number % len(over)] if over else None
        if reference is not None and self.bank.succeed_late(reference):
            self.tell(reference, "authorization_approved", times)

    @precondition(lambda self: self.news)
    @rule(order=st.randoms(use_true_random=False), weather=WEATHER)
    def the_bank_tells(self, order: Any, weather: Weather) -> None:
        news = list(self.news)
        order.shuffle(news)
        self.drive([self.hear(one) for one in news], weather)
        self.look_around()

    @precondition(lambda self: self.waiting())
    @rule(which=WHICH, weather=WEATHER)
    def a_customer_comes_back(self, which: int, weather: Weather) -> None:
        waiting = self.waiting()
        self.drive([self.come_back(waiting[which % len(waiting)])], weather)
        self.look_around()

    @precondition(lambda self: self.wishes)
    @rule(number=st.integers(0, 200), weather=WEATHER)
    def ask_again(self, number: int, weather: Weather) -> None:
        wish = self.wishes[number % len(self.wishes)]
        self.ask([wish], weather)

    @precondition(lambda self: self.wishes)
    @rule(number=st.integers(0, 200), weather=WEATHER)
    def ask_twice_at_once(self, number: int, weather: Weather) -> None:
        wish = self.wishes[number % len(self.wishes)]
        self.ask([wish, wish], weather)

    # What happens by itself.

    @rule(down=st.booleans())
    def bank_goes_down_or_comes_back(self, down: bool) -> None:
        self.bank.is_down = down

    @rule()
    def delayed_orders_arrive(self) -> None:
        self.bank.arrive()

    @precondition(lambda self: self.driver.held_up)
    @rule(weather=WEATHER)
    def the_bank_lets_go(self, weather: Weather) -> None:
        self.bank.let_go()
        self.drive([], weather)
        self.look_around()

    @rule(seconds=st.sampled_from([1, 10, 30, 20 * 60, 8 * 86_400]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(weather=WEATHER)
    def the_resolver_looks(self, weather: Weather) -> None:
        self.drive([self.shop.resolve()], weather)
        self.look_around()

    @rule(seconds=st.sampled_from([10, 30, 20 * 60]), weather=WEATHER)
    def the_resolver_looks_later(self, seconds: int, weather: Weather) -> None:
        self.clock.advance(seconds)
        self.the_resolver_looks(weather)

    @precondition(lambda self: self.among("requires_payment_method", "requires_confirmation"))
    @rule(which=WHICH, arrives=st.booleans(), weather=WEATHER)
    def an_answer_is_lost_for_long(self, which: int, arrives: bool, weather: Weather) -> None:
        intent = self.pick(which, "requires_payment_method", "requires_confirmation")
        accident: Accident = "lost_answer" if arrives else "delayed"
        self.ask([self.confirmation(intent, "approved")], Weather((accident, "not_sent")))
        self.the_resolver_looks_later(20 * 60, weather)

    @rule(weather=WEATHER)
    def what_is_overdue_expires(self, weather: Weather) -> None:
        for intent in self.intents.values():
            intent.payment.wishes([intent.payment.cancel()], surely=False)
        self.drive([self.shop.expire()], weather)
        self.look_around()

    @precondition(lambda self: any(intent.seen and intent.seen.unsettled for intent in self.intents.values()))
    @rule()
    def approvals_overtake_their_reversals(self) -> None:
        for intent in self.intents.values():
            for authorization in self.seen(intent).unsettled:
                if authorization.standing == "approved":
                    authorization.is_reversed = False

    @rule()
    def the_process_is_killed(self) -> None:
        self.die()

    # How it is done.

    def wish(self, path: str, form: Json, intent: Intent | None, act: Act | None) -> Wish:
        name = f"wish-{len(self.wishes)}"
        named = form | {"metadata[wish]": name} if act is None else form
        made = Wish(name, path, named, intent.id if intent else None, act)
        self.wishes.append(made)
        return made

    def confirmation(self, intent: Intent, card: CardName) -> Wish:
        return self.wish(f"{URL}/{intent.id}/confirm", dict(FORMS[card]), intent, intent.payment.confirm(card))

    def capturing(self, intent: Intent, part: int, final: bool) -> Wish:
        amount = max(1, self.seen(intent).intent.amount_capturable * part // 100)
        form = {"amount_to_capture": amount, "final_capture": str(final).lower()}
        return self.wish(f"{URL}/{intent.id}/capture", form, intent, intent.payment.capture(amount, final=final))

    def canceling(self, intent: Intent) -> Wish:
        return self.wish(f"{URL}/{intent.id}/cancel", {}, intent, intent.payment.cancel())

    def any_wish(self, intent: Intent, card: CardName, number: int) -> Wish:
        if number == 0:
            return self.confirmation(intent, card)
        if number == 3:
            return self.canceling(intent)
        return self.capturing(intent, 100 // number, final=number == 1)

    def ask(self, wishes: list[Wish], weather: Weather) -> None:
        for wish in wishes:
            self.expect(wish, wishes, weather)
            wish.was_asked = True
        self.drive([self.send(wish) for wish in wishes], weather)
        self.look_around()

    def expect(self, wish: Wish, wishes: list[Wish], weather: Weather) -> None:
        """What the model says will be, before it is."""
        if wish.act is None or wish.intent_id is None or wish.answer is not None:
            return
        intent = self.intents[wish.intent_id]
        # What was asked before may have been done meanwhile, or be done now for the first time.
        surely = self.is_sure(weather, intent) and len(wishes) == 1 and not wish.was_asked
        intent.payment.wishes([one.act for one in wishes if one.act is not None], surely=surely)

    def is_sure(self, weather: Weather, intent: Intent) -> bool:
        return weather.is_fair and not self.bank.is_down and not self.seen(intent).is_busy

    async def send(self, wish: Wish) -> None:
        answer = await self.shop.post(wish.path, wish.form, key=wish.name)
        assert answer.status < 500, answer.body
        wish.status = answer.status
        if answer.status == CONFLICT:
            return
        if wish.answer is not None:
            assert (answer.status, answer.body) == (wish.answer.status, wish.answer.body), "told differently again"
            assert answer.was_replayed
        elif answer.status in ANSWERED:
            wish.answer = answer

    def drive(self, works: list[Coroutine[Any, Any, Any]], weather: Weather) -> None:
        self.bank.script(*weather.accidents)
        self.steps.fuse = weather.fuse
        done = self.driver.run(self.steps, works)
        self.bank.accidents.clear()
        self.steps.fuse = None
        if self.steps.is_dead:
            self.die()
            return
        for task in done:
            task.result()  # raises what it failed with

    def die(self) -> None:
        self.steps.is_dead = True
        self.driver.abandon()
        self.bank.let_go()
        self.start()

    def among(self, *statuses: str) -> list[Intent]:
        return [one for one in self.intents.values() if one.seen and one.seen.intent.status in statuses]

    def pick(self, which: int, *statuses: str) -> Intent:
        """One in a status of these where there is any."""
        known = self.among(*statuses) or list(self.intents.values())
        return known[which % len(known)]

    def seen(self, intent: Intent) -> Seen:
        assert intent.seen is not None
        return intent.seen

    def challenged(self) -> list[Intent]:
        """Those whose customer is to authenticate with us."""
        return [one for one in self.among("requires_action") if not is_waiting(self.seen(one).state)]

    def waiting(self) -> list[str]:
        """What the bank knows of what waits for its customers, or has waited."""
        return [one.reference for one in self.bank.journal if one.authorization and one.authorization.method]

    def is_over(self, reference: str) -> bool:
        """Whether the merchant was told that there is no money by it."""
        found = self.shop.read(lambda connection: attempts_repository.find(connection, ORG, 0, reference))
        assert found is not None, "the bank was asked in secret"
        return found.outcome is not None and found.state in ("declined", "reversed", "reversing")

    def act(self, reference: str, act: str, times: int) -> None:
        done = self.bank.expire(reference) if act == "expire" else self.bank.act(reference, cast(CustomerAct, act))
        if done and act != "defer":
            self.tell(reference, "authorization_approved" if act == "approve" else "authorization_declined", times)

    def tell(self, reference: str, kind: BankKind, times: int) -> None:
        event_id = f"evt_{len(self.news)}_{self.clock.now_microseconds()}_{reference}_{kind}"
        self.news += [News(reference, kind, event_id)] * times
        self.bank.opened_by(reference).has_news = True

    async def hear(self, news: News) -> None:
        try:
            await self.shop.hear(news.reference, news.kind, news.event_id)
        except (Conflict, Unavailable):
            return  # it comes again
        self.news.remove(news)
        self.bank.opened_by(news.reference).has_news = any(one.reference == news.reference for one in self.news)

    async def come_back(self, reference: str) -> None:
        await self.shop.come_back(reference)

    def look_around(self) -> None:
        for seen in life_books.look(self.shop, self.bank):
            intent = self.intents.get(seen.intent.id) or self.meet(seen)
            intent.seen = seen
            for found in seen.authorizations[-1:]:
                heard = intent.payment.hear(found.standing, is_reversed=found.is_reversed)
                intent.payment.wishes([heard], surely=False)
            if not seen.is_busy:
                intent.payment.is_seen(seen.state)

    def meet(self, seen: Seen) -> Intent:
        """One that was made just now, whether or not its maker has been told."""
        wish = next(one for one in self.wishes if one.name == seen.intent.metadata["wish"])
        assert wish.intent_id is None, "one wish made two payments"
        wish.intent_id = seen.intent.id
        form = wish.form
        options = "payment_method_options[card][request_multicapture]"
        payment = Payment(
            manual=form["capture_method"] == "manual",
            multiple=options in form,
            confirms_itself=form["confirmation_method"] == "automatic",
        )
        state = State("requires_payment_method", form["amount"])
        payment.states = {state}
        if "confirm" in form:
            card = next(name for name, wanted in FORMS.items() if _holds(form, wanted))
            payment.states = set(payment.confirm(card).ends(state))
        self.intents[seen.intent.id] = Intent(seen.intent.id, payment)
        return self.intents[seen.intent.id]

    @invariant()
    def everything_agrees(self) -> None:
        for intent in self.intents.values():
            intent.seen = None
        for seen in life_books.look(self.shop, self.bank):
            self.intents[seen.intent.id].seen = seen
            life_books.check(seen)
        life_books.check_ledger(self.shop, self.bank)

    def heal(self) -> None:
        """The bank is there, and time passes: nothing may stay open, and everybody is told an end."""
        self.bank.is_down = False
        self.bank.accidents.clear()
        self.bank.let_go()
        self.drive([], Weather())
        self.bank.arrive()
        for reference in self.waiting():
            if self.bank.opened_by(reference).standing == "deemed":
                self.act(reference, "approve", 1)
        for looks in range(HEALING_LOOKS_MAX):
            self.look_around()
            if not any(self.seen(intent).is_open for intent in self.intents.values()) and not self.news:
                break
            # Before the last ones so much that what was declined is looked at once more.
            self.clock.advance(LOOK_SECONDS if looks < HEALING_LOOKS_MAX - 10 else CHECK_DECLINED_SECONDS)
            self.drive([self.shop.resolve()], Weather())
            self.drive([self.hear(one) for one in list(self.news)], Weather())
        self.everything_agrees()
        for intent in self.intents.values():
            assert not self.seen(intent).is_open, "something stays open for ever"
        life_books.check_closed_books(self.shop)
        for wish in list(self.wishes):
            # Nobody waits any longer, and whoever was told an end is told the same one.
            self.ask([wish], Weather())
            assert wish.status != CONFLICT
        self.everything_agrees()
