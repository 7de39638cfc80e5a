"""A shop and PiggyBank in one process, with every service of the product in between, and the post that the bank sends.

What merchants, cardholders and the bank do is the same for each post; only when which message arrives is the post's.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import Table, select

from bursar.books.journal import Entry, Source
from bursar.books.service import Report, verify
from bursar.connectors import signatures
from bursar.connectors.call import Caller, Request, _judge
from bursar.connectors.contract import Inquire, Order, Outcome
from bursar.connectors.piggybank import PiggyBank
from bursar.connectors.registry import Registry
from bursar.disputes.schemas import decode_dispute
from bursar.disputes.tables import disputes
from bursar.events.audit import snapshot
from bursar.hooks.service import Delivery
from bursar.hooks.tables import announced_settlements, incoming_webhooks
from bursar.kit.clock import ManualClock
from bursar.refunds.schemas import decode_refund
from bursar.refunds.tables import refunds
from bursar.store.log import Origin
from bursar.store.store import Store
from piggybank.api import Api
from piggybank.requests import Evidence, NewSettlement, Refused
from tests.payments.harness import ORG, Json, Shop
from tests.piggybank.harness import API_KEY, House

MERCHANT = f"{ORG}:test"
SECRET = "secret-of-the-post"
URL = "/v1/payment_intents"
VISA, FAILING_REFUND, PENDING_REFUND = "4242424242424242", "4000000000005126", "4000000000007726"
DISPUTED, INQUIRED, DISPUTED_TWICE = "4000000000000259", "4000000000001976", "4000000404000079"
WARNED = "4000000000005423"
WORDS = ("winning_evidence", "losing_evidence", "escalate_inquiry_evidence", "what decides nothing", "")
VPAS = ("success", "failure", "deemed", "deemedfail", "expired", "late")
CAPTURES = ("manual", "automatic")
HOUR = 3_600
# How often one that was kept back comes now.
SELDOM = 0.02


class CallerInProcess:
    """What the product sends, answered by the bank without a network in between."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def send(self, request: Request[Any]) -> Any:
        path, _, query = request.target.path.partition("?")
        method = "GET" if request.body is None else "POST"
        reply = self._api.handle(method, path, query, f"Bearer {API_KEY}".encode(), request.body or b"")
        return _judge(request, reply.status, reply.body)

    async def close(self) -> None:
        """Nothing is open."""


class BankOfTheWorld(Registry):
    def __init__(self, house: House) -> None:
        super().__init__()
        api = Api(house.state, house.bank, house.disputes, house.settlements, house.faults, API_KEY)
        self._add(PiggyBank(cast(Caller, CallerInProcess(api)), "http://bank.test", API_KEY, SECRET))
        # Called when the bank has carried an order out, and nothing of it is durable here yet.
        self.answered: Callable[[], Awaitable[None]] | None = None

    async def carry_out(self, order: Order) -> Outcome:
        outcome = await super().carry_out(order)
        answered, self.answered = self.answered, None
        if answered is not None and not isinstance(order, Inquire):
            await answered()
        return outcome


class Post:
    """Once, and in order, as soon as there is something."""

    async def before_the_answer(self, world: "World") -> None:
        return

    async def after(self, world: "World") -> None:
        for body in world.news():
            await world.deliver(body)

    async def at_last(self, world: "World") -> None:
        await self.after(world)


class WildPost(Post):
    """Three times each, in any order, before the request's own answer, after it, or much later."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._bag: list[bytes] = []

    async def before_the_answer(self, world: "World") -> None:
        await self._some(world, 0.4)

    async def after(self, world: "World") -> None:
        await self._some(world, 0.03)

    async def at_last(self, world: "World") -> None:
        world.clock.advance(HOUR)
        await self._some(world, 1.0)

    async def _some(self, world: "World", share: float) -> None:
        fresh = world.news() * 3
        now = [body for body in fresh if self._chance.random() < share]
        now += [body for body in self._bag if share == 1.0 or self._chance.random() < SELDOM]
        self._bag += fresh
        for body in now:
            self._bag.remove(body)
        self._chance.shuffle(now)
        for body in now:
            await world.deliver(body, self._chance.randrange(2))


@dataclass
class Story:
    """One payment, and what is asked for it."""

    form: Json
    refunds: list[int] = field(default_factory=list)
    intent_id: str = ""


class World:
    def __init__(self, store: Store, house: House, post: Post) -> None:
        self.store = store
        self.house = house
        self.post = post
        self.clock = ManualClock(house.now * 1000)
        self.bank = BankOfTheWorld(house)
        # Two processes: neither knows what the other one remembers.
        self.shops = [Shop(store, self.clock, self.bank, registry=self.bank) for _ in range(2)]
        self.workers = [shop.hooks.worker() for shop in self.shops]
        self._seen = 0

    @property
    def shop(self) -> Shop:
        return self.shops[0]

    def pass_time(self, seconds: float) -> None:
        self.house.pass_time(seconds)
        self.clock.advance(seconds)

    def news(self) -> list[bytes]:
        told = [bytes(record.event.body) for record in self.house.records() if record.event is not None]
        fresh, self._seen = told[self._seen :], len(told)
        return fresh

    async def deliver(self, body: bytes, process: int = 0) -> None:
        stamp = self.clock.now_microseconds() // 1_000_000
        headers = {"PiggyBank-Signature": signatures.sign(SECRET, body, stamp)}
        delivery = Delivery("piggybank", MERCHANT, headers, body, Origin(request_id="req_post"))
        await self.shops[process].hooks.service.receive(delivery)
        await self.workers[process].process_due()

    async def settle_down(self) -> None:
        """Whatever was postponed has its time."""
        for _ in range(200):
            await self.shop.resolve()
            while await self.workers[0].process_due():
                pass
            waiting = [row.next_at for row in self.rows(incoming_webhooks) if row.state == "received"]
            if not waiting:
                return
            self.clock.microseconds = max(self.clock.microseconds + 1, min(waiting))
        raise AssertionError(f"{len(waiting)} messages wait for ever")

    async def ask(self, path: str, form: Json) -> Json:
        async def answered() -> None:
            self.pass_time(2)
            await self.post.before_the_answer(self)

        self.bank.answered = answered
        reply = await self.shop.post(path, form)
        self.bank.answered = None
        assert reply.status in (200, 402), reply.body
        await self.post.after(self)
        return reply.intent if path == URL else reply.json

    def rows(self, table: Table) -> list[Any]:
        keys = [column for column in table.primary_key.columns if column.name not in ("org_id", "livemode")]
        return self.store.read_blocking(lambda connection: list(connection.execute(select(table).order_by(*keys))))


def stories(chance: random.Random, count: int) -> list[Story]:
    made = []
    for number in range(count):
        kind = number % 6
        if kind == 0:
            made.append(Story(_card(chance.choice((VISA, PENDING_REFUND))), [chance.randint(1, 400)]))
        elif kind == 1:
            refunded = [chance.randint(1, 400) for _ in range(chance.randint(1, 2))]
            made.append(Story(_card(FAILING_REFUND), refunded))
        elif kind in (2, 3):
            made.append(Story(_card(chance.choice((DISPUTED, DISPUTED, INQUIRED, DISPUTED_TWICE)))))
        elif kind == 4:
            made.append(Story(_card(chance.choice((VISA, WARNED))) | {"capture_method": chance.choice(CAPTURES)}))
        else:
            vpa = chance.choice(VPAS)
            form = {"payment_method_data[type]": "upi", "payment_method_data[upi][vpa]": f"{vpa}@piggybank"}
            made.append(Story(form | {"amount": 49_900, "currency": "inr", "confirm": "true"}))
    return made


def _card(number: str) -> Json:
    card = {"number": number, "exp_month": 12, "exp_year": 2030, "cvc": "123"}
    form: Json = {f"payment_method_data[card][{name}]": value for name, value in card.items()}
    return form | {"payment_method_data[type]": "card", "amount": 1000, "currency": "usd", "confirm": "true"}


async def play(world: World, seed: int, count: int) -> list[Story]:
    chance = random.Random(seed)  # noqa: S311 - the same accidents each time
    made = stories(chance, count)
    for number, story in enumerate(made):
        story.intent_id = (await world.ask(URL, story.form))["id"]
        for amount in story.refunds:
            await world.ask("/v1/refunds", {"payment_intent": story.intent_id, "amount": amount})
        if chance.random() < 0.3:
            _answer_disputes(world, chance)
        if number == count // 2:
            await _half_an_hour(world)
            world.house.settlements.settle(NewSettlement(merchant=MERCHANT))
    for _ in range(3):
        _answer_disputes(world, chance)
        world.pass_time(2)
        await world.post.after(world)
    await _half_an_hour(world)
    world.pass_time(8 * 86_400)  # holds end by then, and the time to answer disputes too
    world.house.settlements.settle(NewSettlement(merchant=MERCHANT))
    await world.post.at_last(world)
    await world.settle_down()
    return made


async def _half_an_hour(world: World) -> None:
    """Customers' time is over, and money that comes late has come: only then may anybody look."""
    world.pass_time(HOUR / 2)
    world.pass_time(3)
    world.pass_time(3)
    await world.post.after(world)
    await world.shop.resolve()


def _answer_disputes(world: World, chance: random.Random) -> None:
    for message in world.house.told():
        dispute = message["data"].get("dispute")
        word = chance.choice(WORDS)
        if dispute is not None and word:
            try:
                world.house.disputes.submit_evidence(dispute["id"], Evidence(merchant=MERCHANT, text=word))
            except Refused:
                continue  # it is decided already


def end_state(world: World, made: list[Story]) -> Json:
    """All that merchants and the books see, but for ids and times."""
    number_of, state = {}, {"payments": [], "refunds": [], "disputes": [], "settlements": []}  # type: ignore[var-annotated]
    for number, story in enumerate(made):
        intent = world.shop.intent(story.intent_id)
        charge = world.shop.charge_of(story.intent_id) if intent["latest_charge"] else None
        error = intent["last_payment_error"] or {}
        seen: tuple[Any, ...] = (intent["status"], intent["amount_received"], error.get("code"))
        seen += (intent["cancellation_reason"],)
        if charge is not None:
            number_of[charge["id"]] = number
            seen += (charge["amount_refunded"], charge["disputed"], charge["refunded"], charge["status"])
        state["payments"].append(seen)
    for row in world.rows(refunds):
        refund = decode_refund(row.document)
        of = number_of[refund.charge or ""]
        state["refunds"].append((of, refund.amount, refund.status, refund.failure_reason or ""))
    for row in world.rows(disputes):
        dispute = decode_dispute(row.document)
        moved = sorted((one.amount, one.fee) for one in dispute.balance_transactions)
        state["disputes"].append((number_of[dispute.charge], dispute.amount, dispute.status, dispute.reason, moved))
    for row in world.rows(announced_settlements):
        state["settlements"].append({**decode(row.document), "id": ""})
    state["balances"] = sorted(
        (one.currency, one.pending_minor + one.available_minor)
        for one in world.store.read_blocking(lambda connection: world.shop.ledger.wallet_balances(connection, ORG, 0))
    )
    return {name: sorted(found, key=repr) for name, found in state.items()}


def decode(document: str) -> Json:
    import json

    found: Json = json.loads(document)
    return found


def proven(world: World) -> Report:
    """Ledger, payments and log against each other and the bank's journal, to which all was delivered."""
    for record in world.house.records():
        if record.event is not None:
            world.house.state.keep(world.house.state.record("delivered", cause=record.seq, status="approved"))
    world.pass_time(120)
    world.house.journal.settle(world.house.journal.commit())
    journal = Source("the house", lambda: (_entry(record) for record in world.house.journal.durable_lines(0, 10**6)))
    now = world.clock.now_microseconds()
    return world.store.read_blocking(lambda connection: verify(snapshot(connection), now, journal=journal))


def _entry(line: bytes) -> Entry:
    import msgspec

    return msgspec.json.decode(line, type=Entry)
